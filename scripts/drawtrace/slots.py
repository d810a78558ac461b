# SPDX-License-Identifier: GPL-2.0-only
"""The lanes of a device with many slots: one for each slot, in which its requests follow each other.

Of more slots than fit into a picture, those to which something happened have a
lane, and the others share one. So do requests that are in no slot.
"""
import itertools
import math
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from model import Device, Mark, Request, Timeline
from style import COLOURS, INK

MOST = 16	# slots that have lanes of their own
BEFORE_ABORT = " before its abort"
APART = 10	# pixels between marks that would cover each other


def own_marks(device: Device) -> List[Mark]:
    """What happened to slots, except that innocent requests were started again."""
    return [mark for mark in device.timeouts + device.missed + device.retries if mark.slot is not None]


def chosen(device: Device) -> List[int]:
    """The slots that have lanes of their own, in order: if there are too many, the first that had trouble."""
    if len(device.slots) <= MOST:
        return sorted(device.slots)
    marks = own_marks(device) + [mark for mark in device.interrupts if mark.kind in ("error", "late")]
    marks += [Mark(request.complete or 0, request.outcome, "", request.slot) for request in device.requests
              if request.outcome in ("failure", "cancelled")]
    first: Dict[Optional[int], int] = {}
    for mark in sorted(marks, key=lambda mark: mark.at):
        first.setdefault(mark.slot, mark.at)
    return sorted(sorted([slot for slot in device.slots if slot in first], key=lambda slot: first[slot])[:MOST])


def slot_lanes(device: Device, timeline: Timeline) -> List[Tuple]:
    """The lanes: kind, words, height, place, requests and slots of each, as draw.Lane takes them."""
    waiting = [request for request in device.requests if request.slot is None]
    span = timeline.end - timeline.begin
    if any(begin_of(request, timeline) - (request.submit or timeline.begin) > span // 200 for request in device.requests):
        waiting = device.requests
    lanes: List[Tuple] = []
    if waiting:
        lanes.append(("waiting", "waiting for\na slot", 1.8, 0.0, waiting))
    own = chosen(device)
    for slot in own:
        requests = [request for request in device.requests if request.slot == slot]
        lanes.append(("slot", f"slot {slot}", 1.55, 0.0, requests, [slot]))
    rest = sorted(set(device.slots) - set(own))
    if rest:
        requests = [request for request in device.requests if request.slot in set(rest)]
        words = f"{len(rest)} other slots:\nrequests in them" if own else f"{len(rest)} slots:\nrequests in them"
        lanes.append(("others", words, 3.2, 0.0, requests, rest))
    return lanes


def begin_of(request: Request, timeline: Timeline) -> int:
    """When the request came into its slot; if it never did, when it was over."""
    if request.spans:
        return timeline.begin if request.spans[0].begin is None else request.spans[0].begin
    return timeline.end if request.complete is None else request.complete


def turns_of(device: Device) -> List[int]:
    """The moments that may follow a time-out or a reset so quickly that they must be enlarged."""
    requests, interrupts = device.requests, device.interrupts
    if device.many:
        # Other slots go on meanwhile, and may time out in the same tick.
        requests = [request for request in requests if request.retries or request.restarts]
        interrupts = [mark for mark in interrupts if mark.kind not in ("done", "error")]
    return [mark.at for mark in interrupts + ([] if device.many else device.timeouts)] + \
        [request.complete for request in requests if request.complete is not None]


def troubled(request: Request) -> bool:
    """Did the request not simply succeed at once?"""
    return request.outcome != "success" or len(request.spans) > 1 or any(span.ended == "missed" for span in request.spans)


def story(device: Device, slots: Sequence[int], requests: Sequence[Request]) -> List[Mark]:
    """The marks of these slots, by time: what went wrong, and how it ended."""
    known = set(slots)
    marks = [mark for mark in own_marks(device) + device.restarts if mark.slot in known]
    for request in requests:
        if request.complete is not None and troubled(request):
            overtaken = any(span.ended == "overtaken" for span in request.spans)
            text = f"request {request.number}: {request.error or 'completed'}" + (BEFORE_ABORT if overtaken else "")
            marks.append(Mark(request.complete, request.outcome, text, request.slot))
    return sorted(marks, key=lambda mark: mark.at)


@dataclass
class Cluster:
    """Marks that would cover each other: drawn side by side, in order, those of one kind as one."""
    x: float
    kinds: List[List[Mark]] = field(default_factory=list)

    def add(self, mark: Mark) -> None:
        for kind in self.kinds:
            if kind[0].kind == mark.kind:
                kind.append(mark)
                return
        self.kinds.append([mark])

    def places(self, step: float) -> List[float]:
        """Where each kind is drawn, and where the next cluster may begin. A number takes more room."""
        result = [self.x]
        for kind in self.kinds:
            digits = len(str(len(kind))) + 1 if len(kind) > 1 else 0
            result.append(result[-1] + step * (1 + 0.7 * digits))
        return result


class Labels:
    """Texts in one row, none over another."""

    def __init__(self, begin: float, end: float):
        self.taken = [(-math.inf, begin), (end, math.inf)]

    def fits(self, left: float, right: float) -> bool:
        if any(left < end and begin < right for begin, end in self.taken):
            return False
        self.taken.append((left, right))
        return True


class SlotLanes:
    """The part of a panel that draws these lanes."""

    def _slot(self, lane) -> None:
        """The requests of a slot one after the other, and marks for what went wrong."""
        offset = lane.height - 1
        labels = Labels(0, self.scale.x(self.scale.end))
        said: List[Tuple[float, Mark]] = []
        self._story(lane, lane.top + offset + 0.5, said)
        for x, mark in sorted(said, key=lambda one: one[1].kind == "timeout"):
            self._verdict(lane, labels, x, mark)
        # First those with trouble, for which there must be room to say so.
        for group in sorted(self._groups(lane.requests), key=lambda group: not troubled(group[0])):
            first, final = group[0], group[-1]
            begin = begin_of(first, self.picture.timeline)
            end = self.picture.timeline.end if final.complete is None else final.complete
            if not self._sees(begin, end):
                continue
            outcome = first.outcome
            tip = self._tip(first) if len(group) == 1 else \
                f"{len(group)} requests, {first.number} to {final.number}, all completed"
            self._bar(lane, "open" if outcome == "open" else "queued", begin, end, 0.2, offset + 0.4,
                      f"request {outcome}", len(group), tip, show=self._has_gap(group, begin, end))
            if len(group) > 1:
                self._bar(lane, "done", begin, end, 0.56, offset + 0.22, "operation", len(group), tip)
            else:
                for span in first.spans:
                    self._span(lane, span, offset, first.number, 0.9)
            left, right = self.scale.x(begin), self.scale.x(end)
            text = self._label(group, (right - left) / self.per_pixel)
            if text and labels.fits(left, left + self._wide(text)):
                self._text(left, lane.top + 0.28, text)

    def _has_gap(self, group: Sequence[Request], begin: int, end: int) -> bool:
        """Is there a part, large enough to be seen, in which the device does nothing for the request?"""
        edges = [begin]
        for span in group[0].spans if len(group) == 1 else []:
            edges += [begin if span.begin is None else span.begin, end if span.end is None else span.end]
        return len(edges) > 1 and any((self.scale.x(after) - self.scale.x(before)) > 2 * self.per_pixel
                                      for before, after in zip(edges[::2], edges[1::2] + [end]))

    def _wide(self, text: str) -> float:
        return (5.6 * len(text) + 3) * self.per_pixel

    def _verdict(self, lane, labels: Labels, x: float, mark: Mark) -> None:
        """Say above a mark what it means, as fully as there is room."""
        said = "abort timed out" if "abort" in mark.text else "timed out"
        words = {"timeout": [f"{said} after {mark.text.split('after ')[-1]}", said],
                 "retry": ["guilty: " + mark.text.split(": ")[1], "guilty"],
                 "restart": ["innocent: started again", "innocent"],
                 "missed": ["interrupt lost, found by polling", "lost"],
                 "success": ["done" + BEFORE_ABORT] if mark.text.endswith(BEFORE_ABORT) else []}.get(mark.kind, [])
        # What led to the mark ends there, what follows begins there, if it can.
        sides = ["right", "left"] if mark.kind == "timeout" else ["left", "right"]
        for align, text in itertools.product(sides, words):
            left = x - (self._wide(text) if align == "right" else 3 * self.per_pixel)
            if labels.fits(left, left + self._wide(text)):
                self._text(left if align == "left" else x, lane.top + 0.28, text, ha=align)
                return

    def _story(self, lane, y: float, said: List[Tuple[float, Mark]]) -> None:
        """The marks of a lane's slots on its bars, side by side where they would cover each other.

        Appends to `said` those that stand for one event, with their places.
        """
        step = APART * self.per_pixel
        cluster: Optional[Cluster] = None
        clusters: List[Cluster] = []
        for mark in story(lane.device, lane.slots, lane.requests):
            if not self._sees(mark.at):
                continue
            x = self.scale.x(mark.at)
            if not cluster or x >= cluster.places(step)[-1]:
                cluster = Cluster(x)
                clusters.append(cluster)
            cluster.add(mark)
        for one in clusters:
            for x, marks in zip(one.places(step), one.kinds):
                tip = marks[0].text if len(marks) == 1 else f"{len(marks)} × {marks[0].text}, and on"
                self._mark(marks[0].kind, x, y, marks[0].kind, len(marks), tip)
                if len(marks) == 1:
                    said.append((x, marks[0]))

    def _waiting(self, lane) -> None:
        """How many requests wait; those that were over before they came into a slot are marked."""
        timeline = self.picture.timeline
        steps = []
        for request in lane.device.requests:
            begin = timeline.begin if request.submit is None else request.submit
            steps += [(begin, 1), (begin_of(request, timeline), -1)]
        never = [request for request in lane.requests if request.slot is None]
        self._level(lane, steps, 1.1 if never else 0.75, f"{lane.device.name}: requests that wait for a slot")
        self._totals(lane, never, ["never in a slot"])
        self._marks(lane, [Mark(request.complete, request.outcome, f"request {request.number}: {request.error}")
                           for request in never if request.complete is not None and request.outcome != "success"],
                    lambda mark: mark.kind, 11)

    def _others(self, lane) -> None:
        """How many requests are in the slots that have no lane, and what happened to them."""
        timeline = self.picture.timeline
        steps = []
        for request in lane.requests:
            steps += [(begin_of(request, timeline), 1),
                      (timeline.end if request.complete is None else request.complete, -1)]
        self._level(lane, steps, 1.15, f"{lane.device.name}: requests in {len(lane.slots)} other slots")
        known = set(lane.slots)
        for span in lane.device.aborts:
            if span.slot in known:
                self._span(lane, span, lane.height - 1, span.request)
        self._story(lane, lane.top + lane.height - 0.5, [])
        again = sum(mark.slot in known for mark in lane.device.restarts)
        self._totals(lane, lane.requests, [f"{again} innocent: started again"] if again else [])

    def _totals(self, lane, requests: Sequence[Request], more: Sequence[str]) -> None:
        """In words, how many of these requests completed, failed, ..., and more."""
        pieces = []
        for outcome, words in (("success", "completed"), ("failure", "failed"), ("cancelled", "cancelled"),
                               ("open", "not completed in this trace")):
            number = sum(request.outcome == outcome for request in requests)
            if number:
                pieces.append((f"{number} {words}", f"request {outcome}", number))
        x = 0.0
        for text, kind, number in pieces + [(text, "words", 1) for text in more if pieces]:
            self.picture.add(self._text(x, lane.top + 0.3, text), kind, number, text, self.where)
            x += (6.3 * len(text) + 12) * self.per_pixel

    def _thinned(self, steps: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
        """The steps of a staircase without those too short to be seen: the last of those that share a pixel."""
        result = list(steps[:1])
        for at, value in steps[1:]:
            if self.scale.x(at) - self.scale.x(result[-1][0]) < self.per_pixel / 2:
                result[-1] = (result[-1][0], value)
            else:
                result.append((at, value))
        return result

    def _level(self, lane, changes: Sequence[Tuple[int, int]], top: float, tip: str) -> None:
        """A number over time, as a staircase from the lane's bottom up to `top`, with its values where there is room."""
        timeline = self.picture.timeline
        level, points = 0, [(timeline.begin, 0)]
        for at, change in sorted(changes):
            level += change
            points.append((at, level))
        points = self._thinned(points) + [(timeline.end, level)]
        floor = lane.top + lane.height - 0.15
        unit = (floor - lane.top - top) / max(max(value for _, value in points), 1)
        xs: List[float] = []
        ys: List[float] = []
        said = 0
        for (at, value), (after, _) in zip(points, points[1:]):
            xs += [self.scale.x(at), self.scale.x(after)]
            ys += [floor - value * unit] * 2
            left, right = max(xs[-2], 0), min(xs[-1], self.scale.x(self.scale.end))
            if value != said and right - left > 30 * self.per_pixel:
                said = value
                if value:
                    self._text((left + right) / 2, ys[-1] - 0.27, str(value), ha="center")
        self.axes.fill_between(xs, ys, floor, color=COLOURS["success"], alpha=0.18, linewidth=0, zorder=2)
        line, = self.axes.plot(xs, ys, color=INK, linewidth=1.1, zorder=3, solid_joinstyle="miter")
        self.picture.add(line, "level", len(points), tip, self.where)
