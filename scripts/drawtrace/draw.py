# SPDX-License-Identifier: GPL-2.0-only
"""Draw a timeline as SVG and PNG, with matplotlib.

Each device has lanes, one above the other. The ticks are a grid over all lanes.
A device with many slots has a lane for each slot (slots.py).
If details are too small to be seen, a part of the picture is drawn again on the
right, enlarged.

Each kind has its look in style.py. Items
that would overlap are drawn once, with their number beside them. Each item is a
<g> in the SVG: its class is the item's kind, its data-n the number of items that
it stands for, and its <title> a description, which browsers show as a tip.
"""
import io
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import matplotlib
matplotlib.use("Agg")
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch, Rectangle  # noqa: E402

from model import SECOND, Device, Mark, Request, Span, Timeline, counts, rows  # noqa: E402
from slots import SlotLanes, slot_lanes, turns_of  # noqa: E402
from style import BAND, BARS, COLOURS, FAINT, INK, MARKS, PAPER, mark_look  # noqa: E402

# Sizes: inches, points, and pixels of the PNG.
WIDTH, DPI = 12, 100
LEFT, RIGHT, TOP, LANE, LINE = 1.75, 0.25, 1.0, 0.27, 0.19
ZOOM_SHARE = 0.36


class Scale:
    """Maps times to places: seconds since the beginning, without long idle stretches."""

    def __init__(self, begin: int, end: int, cuts: Sequence[Tuple[int, int]] = ()):
        self.begin, self.end = begin, max(end, begin + 1)
        kept = (self.end - begin - sum(stop - start for start, stop in cuts)) / SECOND
        self.width_of_cut = max(0.04 * kept, 1e-9)
        self.cuts = list(cuts)

    def x(self, at: int) -> float:
        """The place of a time. Each cut counts as one fixed width."""
        shown = (at - self.begin) / SECOND
        for start, stop in self.cuts:
            if at <= start:
                break
            inside = min(at, stop) - start
            shown += inside / (stop - start) * self.width_of_cut - inside / SECOND
        return shown

    def ruler(self, unit: int, room: int) -> List[Tuple[float, str]]:
        """At most `room` places to write the time at, with their texts: round numbers of `unit` ns."""
        least = max(self.x(self.end) * SECOND / max(room, 1), 1)
        power = 10 ** int(math.log10(least))
        step_ns = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
        result = []
        for number in range(0, (self.end - self.begin) // step_ns + 1):
            at = self.begin + number * step_ns
            if any(start < at < stop for start, stop in self.cuts):
                continue
            result.append((self.x(at), f"{number * step_ns / unit:.9f}".rstrip("0").rstrip(".")))
        return result


def only_called(timeline: Timeline) -> List[Device]:
    """Devices that have only calls of their routine, if others have more."""
    quiet = [device for device in timeline.devices
             if not (device.requests or device.interrupts or device.counter or device.timer)]
    return quiet if len(quiet) < len(timeline.devices) else []


def activity(timeline: Timeline) -> List[Tuple[int, int]]:
    """The stretches with activity, in order, without overlap. Calls count only for a device that has nothing else."""
    quiet = only_called(timeline)
    pieces = []
    for device in timeline.devices:
        for request in device.requests:
            pieces.append((timeline.begin if request.submit is None else request.submit,
                           timeline.end if request.complete is None else request.complete))
        marks = device.interrupts + device.timeouts + device.missed + device.retries + device.restarts + device.timer
        pieces += [(mark.at, mark.at) for mark in marks]
        if not device.requests and not device.interrupts and device not in quiet:
            pieces += [(begin, end or begin) for begin, end, _ in device.calls]
    merged: List[Tuple[int, int]] = []
    for begin, end in sorted(pieces):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def idle_cuts(timeline: Timeline) -> List[Tuple[int, int]]:
    """Stretches without activity that are too long to be drawn in full."""
    busy = activity(timeline)
    if not busy:
        return []
    edges = [(timeline.begin, timeline.begin)] + busy + [(timeline.end, timeline.end)]
    gaps = [(before[1], after[0]) for before, after in zip(edges, edges[1:])]
    shown = timeline.end - timeline.begin
    # Longest first: each cut makes the rest shorter, of which the next gap is then a larger share.
    cuts = []
    for start, stop in sorted(gaps, key=lambda gap: gap[0] - gap[1]):
        length = stop - start
        if length > 8 * SECOND and length > shown // 4:
            margin = SECOND // 2
            cuts.append((start + margin, stop - margin))
            shown -= length - 2 * margin
    return sorted(cuts)


def zoom_window(timeline: Timeline, ns_per_pixel: float) -> Optional[Tuple[int, int]]:
    """The part to draw again, enlarged; None if everything is large enough."""
    small = 25 * ns_per_pixel
    # Events follow a time-out or a reset quickly: interrupt, retry, completion.
    for device in timeline.devices:
        turns = [mark.at for mark in device.timeouts] + [span.end for span in device.resets if span.end is not None]
        follow = turns_of(device)
        for turn in sorted(turns):
            near = [at for at in follow if 0 < at - turn <= small]
            if len(near) < 2:
                continue
            until = max(near)
            margin = max((until - turn) // 5, 1)
            return max(turn - margin, timeline.begin), until + margin
    # Otherwise the first place where events are too dense. On many slots much happens at a time.
    for device in timeline.devices:
        if device.many:
            continue
        times = sorted([mark.at for mark in device.interrupts] +
                       [request.submit for request in device.requests if request.submit is not None])
        for first, eighth in zip(times, times[7:]):
            if 0 < eighth - first < 90 * ns_per_pixel:
                margin = max((eighth - first) // 12, 1)
                return max(first - margin, timeline.begin), eighth + margin
    return None


@dataclass
class Lane:
    """A row of the picture."""
    device: Device
    kind: str
    words: str
    height: float
    top: float = 0.0
    requests: Sequence[Request] = ()
    slots: Sequence[int] = ()

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def lanes_of(timeline: Timeline) -> List[Lane]:
    """The lanes of all devices, from the top. A device has no empty lane."""
    quiet = only_called(timeline)
    lanes: List[Lane] = []
    top = 0.0
    for device in timeline.devices:
        if device in quiet:
            continue
        own: List[Lane] = []
        if device.many:
            own += [Lane(device, *what) for what in slot_lanes(device, timeline)]
        else:
            packed = rows(device.requests, timeline.begin, timeline.end)
            for number, row in enumerate(packed):
                words = "requests" if number == 0 else ""
                own.append(Lane(device, "requests", words, 1.7 if number == 0 else 1.2, requests=row))
        if device.interrupts:
            own.append(Lane(device, "interrupts", "interrupts", 1))
        for kind, words, found in (("timeouts", "time-outs", device.timeouts), ("missed", "polled", device.missed),
                                   ("aborts", "aborts", device.aborts), ("resets", "resets", device.resets),
                                   ("retries", "retries", device.retries),
                                   ("restarts", "started again", device.restarts)):
            # With many slots, all but the resets are in the slots' lanes.
            if found and (kind == "resets" or not device.many):
                own.append(Lane(device, kind, words, 1))
        if device.counter:
            own.append(Lane(device, "counter", "counter\n(floor: -1)", 2.6))
        if device.timer:
            own.append(Lane(device, "timer", "timer", 1))
        if not own and device.calls:
            own.append(Lane(device, "calls", "calls", 1))
        for lane in own:
            lane.top = top
            top += lane.height
        if own:
            top += 0.5
        lanes += own
    return lanes


class Picture:
    """One picture being drawn."""

    def __init__(self, timeline: Timeline, title: str = ""):
        self.timeline = timeline
        self.title = title or timeline.trace.title or "What the devices did"
        self.elements: Dict[str, Tuple[str, int, str]] = {}
        self.shown: List[Tuple[str, str]] = []
        self.lanes = lanes_of(timeline)
        self.many = any(device.many for device in timeline.devices)
        self.columns = 3 if self.many else 4
        # With ticks only, show at least a second.
        did = any(device.requests or device.interrupts or device.timer for device in timeline.devices)
        end = timeline.end if did else max(timeline.end, timeline.begin + SECOND)
        self.scale = Scale(timeline.begin, end, idle_cuts(timeline))
        self._draw()

    # Drawing

    def _draw(self) -> None:
        rc = {"font.family": "DejaVu Sans", "font.size": 9, "hatch.linewidth": 1.1, "axes.linewidth": 0.8}
        with matplotlib.rc_context(rc):
            units = self.lanes[-1].top + self.lanes[-1].height if self.lanes else 2
            inner = WIDTH - LEFT - RIGHT
            ns_per_pixel = self.scale.x(self.scale.end) * SECOND / (inner * DPI)
            window = zoom_window(self.timeline, ns_per_pixel / (1 - ZOOM_SHARE))
            self.figure = Figure(figsize=(WIDTH, 1), dpi=DPI, facecolor=PAPER)
            FigureCanvasAgg(self.figure)
            share = 1 - ZOOM_SHARE if window else 1
            wide = inner * share - (0.3 if window else 0)
            axes = self.figure.add_axes([LEFT / WIDTH, 0, wide / WIDTH, 1])
            Panel(self, axes, self.scale, units, wide * DPI, "", SECOND, window).draw()
            axes.set_xlabel(f"seconds from {self.timeline.begin / SECOND:.6f} on the trace's clock",
                            fontsize=9, color=INK)
            if window:
                axes = self.figure.add_axes([(LEFT + inner * share) / WIDTH, 0, inner * ZOOM_SHARE / WIDTH, 1])
                Panel(self, axes, Scale(*window), units, inner * ZOOM_SHARE * DPI, "zoom", SECOND // 1000).draw()
                start = (window[0] - self.timeline.begin) / SECOND
                axes.set_xlabel(f"milliseconds from second {start:.3f}, the part in grey on the left",
                                fontsize=9, color=INK)
            # The height depends on the legend.
            notes = self._notes()
            handles = self._handles()
            bottom = 0.7 + LINE * (-(-len(handles) // self.columns) + len(notes))
            # Whole pixels, so that the SVG's size gives the PNG's.
            height = round((TOP + units * LANE + bottom) * DPI) / DPI
            self.figure.set_size_inches(WIDTH, height)
            for axes in self.figure.axes:
                box = axes.get_position()
                axes.set_position([box.x0, bottom / height, box.width, units * LANE / height])
            self._names(height)
            self._heading(height)
            self._legend(height, handles, notes)

    def _notes(self) -> List[str]:
        """Notes on what the picture does not show."""
        trace = self.timeline.trace
        notes = []
        if trace.lost or trace.loss_unknown:
            number = f"{trace.lost}" if trace.lost else "some"
            notes.append(f"The kernel lost {number} event{'' if trace.lost == 1 else 's'}: "
                         "what is drawn may be incomplete. Record with a larger buffer.")
        quiet = only_called(self.timeline)
        if quiet:
            names = ", ".join(device.name for device in quiet[:4]) + (", ..." if len(quiet) > 4 else "")
            notes.append(f"Not drawn: {names}, whose routine was called each tick, with nothing to do.")
        if trace.unread:
            notes.append(f"{trace.unread} line{'' if trace.unread == 1 else 's'} could not be read.")
        return notes

    def _heading(self, height: float) -> None:
        total = counts(self.timeline)
        used = sum(len(device.slots) for device in self.timeline.devices if device.many)
        where = f" in {used} slots" if used else ""
        words = [(total["requests"], f"request{where}", f"requests{where}"), (total["successes"], "completed", "completed"),
                 (total["failures"], "failed", "failed"), (total["cancelled"], "cancelled", "cancelled"),
                 (total["open"], "not completed in this trace", "not completed in this trace"),
                 (total["timeouts"], "time-out", "time-outs"), (total["aborts"], "abort", "aborts"),
                 (total["resets"], "reset", "resets"), (total["retries"], "retry", "retries"),
                 (total["innocent"], "innocent restart", "innocent restarts"),
                 (total["missed"], "lost interrupt", "lost interrupts"), (total["late"], "late interrupt", "late interrupts"),
                 (total["spurious"], "spurious interrupt", "spurious interrupts"), (total["ticks"], "tick", "ticks")]
        said = ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in words if number)
        self.figure.text(0.2 / WIDTH, 1 - 0.3 / height, self.title, fontsize=13, weight="bold", color=INK, va="center")
        self.figure.text(0.2 / WIDTH, 1 - 0.57 / height, said, fontsize=9, color=INK, va="center")

    def _names(self, height: float) -> None:
        """The names of lanes and devices, left of the lanes."""
        axes = self.figure.axes[0]
        where = axes.get_yaxis_transform()
        previous = None
        for lane in self.lanes:
            if lane.words:
                axes.text(-0.008, lane.middle, lane.words, transform=where, ha="right", va="center", fontsize=9,
                          color=INK, clip_on=False)
            if lane.device is not previous:
                # As far left as the heading.
                name = lane.device.name if len(lane.device.name) <= 14 else lane.device.name[:13] + "…"
                self.figure.text(0.2 / WIDTH, 1 - (TOP + (lane.middle) * LANE) / height, name, ha="left",
                                 va="center", fontsize=9, weight="bold", color=INK)
            previous = lane.device

    def _handles(self) -> List:
        """The legend's entries: every kind that was drawn."""
        handles = []
        for table, kind in ((BARS, "bar"), (MARKS, "mark")):
            for name, style in table.items():
                if (kind, name) not in self.shown:
                    continue
                words = self.many and style.many or style.words
                if kind == "bar":
                    handles.append(Patch(facecolor=style.colour, hatch=style.hatch, edgecolor=style.ink, linewidth=0,
                                         label=words))
                else:
                    handles.append(Line2D([], [], linestyle="", label=words, **mark_look(style)))
        handles.append(Line2D([], [], color=FAINT, linewidth=1, label="tick"))
        return handles

    def _legend(self, height: float, handles: Sequence, notes: Sequence[str]) -> None:
        self.figure.legend(handles=handles, loc="lower left", ncol=self.columns, frameon=False, fontsize=8.5,
                           bbox_to_anchor=(0.1 / WIDTH, (0.06 + LINE * len(notes)) / height), borderpad=0.1,
                           columnspacing=1.6, handletextpad=0.6, labelspacing=0.35)
        for number, note in enumerate(notes):
            text = self.figure.text(0.2 / WIDTH, (0.14 + LINE * number) / height, note, fontsize=9, color=INK,
                                    va="center", weight="normal" if note.startswith("Not drawn") else "bold")
            self.add(text, "note", 1, note)

    def add(self, artist, kind: str, number: int, tip: str, where: str = "") -> None:
        """Register a drawn item: its class, the number that it stands for, its tip."""
        gid = f"{where or 'main'}-{len(self.elements) + 1}"
        artist.set_gid(gid)
        self.elements[gid] = (f"{where} {kind}".strip(), number, tip)

    # Saving

    def svg(self) -> bytes:
        """The picture as SVG, the same bytes each time."""
        out = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "iotimer", "svg.fonttype": "none"}):
            self.figure.savefig(out, format="svg", facecolor=PAPER)
        namespace = "http://www.w3.org/2000/svg"
        ElementTree.register_namespace("", namespace)
        ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
        root = ElementTree.fromstring(out.getvalue())
        # The metadata has the date.
        for metadata in root.findall(f"{{{namespace}}}metadata"):
            root.remove(metadata)
        for element in root.iter(f"{{{namespace}}}g"):
            known = self.elements.get(element.get("id", ""))
            if not known:
                continue
            element.set("class", known[0])
            element.set("data-n", str(known[1]))
            title = ElementTree.Element(f"{{{namespace}}}title")
            title.text = known[2]
            element.insert(0, title)
        root.set("role", "img")
        title = ElementTree.Element(f"{{{namespace}}}title")
        title.text = self.title
        root.insert(0, title)
        return b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + ElementTree.tostring(root, encoding="utf-8") + b"\n"

    def png(self) -> bytes:
        out = io.BytesIO()
        self.figure.savefig(out, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
        return out.getvalue()


class Panel(SlotLanes):
    """All lanes over one stretch of time."""

    def __init__(self, picture: Picture, axes, scale: Scale, units: float, pixels: float, where: str, unit: int,
                 window: Optional[Tuple[int, int]] = None):
        self.picture, self.axes, self.scale, self.where, self.unit = picture, axes, scale, where, unit
        self.units, self.pixels, self.window = units, pixels, window
        self.per_pixel = scale.x(scale.end) / pixels

    def draw(self) -> None:
        axes, scale = self.axes, self.scale
        last = scale.x(scale.end)
        # A margin on both sides, so that marks at the ends are not cut.
        margin = 0 if self.where else 8 * self.per_pixel
        axes.set_xlim(-margin, last + margin)
        axes.set_ylim(self.units, 0)
        axes.set_facecolor(PAPER)
        axes.set_yticks([])
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(bool(self.where))
            axes.spines[side].set_color(FAINT)
        places = scale.ruler(self.unit, int(self.pixels // 70))
        axes.set_xticks([x for x, _ in places])
        axes.set_xticklabels([text for _, text in places], fontsize=8.5, color=INK)
        for lane in self.picture.lanes:
            if lane.kind in ("requests", "counter") or lane.slots and lane.slots[0] % 2 == 0:
                axes.axhspan(lane.top, lane.top + lane.height, color=BAND, linewidth=0, zorder=0)
        if self.window:
            axes.axvspan(scale.x(self.window[0]) - self.per_pixel, scale.x(self.window[1]) + self.per_pixel,
                         color="#DDE1E5", linewidth=0, zorder=0.5)
        self._ticks()
        for lane in self.picture.lanes:
            getattr(self, "_" + lane.kind)(lane)
        self._cuts()

    def _sees(self, begin: int, end: Optional[int] = None) -> bool:
        return begin <= self.scale.end and (begin if end is None else end) >= self.scale.begin

    def _show(self, kind: str, name: str) -> None:
        if (kind, name) not in self.picture.shown:
            self.picture.shown.append((kind, name))

    def _bar(self, lane: Lane, name: str, begin: int, end: int, height: float, offset: float, kind: str, number: int,
             tip: str, least: float = 1.5, edge: float = 0, show: bool = True) -> None:
        """A bar from begin to end, at least some pixels wide."""
        style = BARS[name]
        if show:
            self._show("bar", name)
        left = self.scale.x(begin)
        width = max(self.scale.x(end) - left, least * self.per_pixel)
        # A hatch needs some room.
        hatch = style.hatch if width > 4 * self.per_pixel else ""
        bar = Rectangle((left, lane.top + offset), width, height, facecolor=style.colour, hatch=hatch,
                        edgecolor=style.ink, linewidth=edge if width > 4 * self.per_pixel else 0, zorder=3)
        self.axes.add_patch(bar)
        self.picture.add(bar, kind, number, tip, self.where)

    def _mark(self, name: str, at: float, y: float, kind: str, number: int, tip: str) -> None:
        style = MARKS[name]
        self._show("mark", name)
        line, = self.axes.plot([at], [y], linestyle="", zorder=5, clip_on=False, **mark_look(style))
        self.picture.add(line, kind, number, tip, self.where)
        if number > 1:
            self._text(at + (style.size / 2 + 4) * self.per_pixel, y, f"×{number}", clip_on=not self.picture.many)

    def _text(self, x: float, y: float, text: str, **kwargs):
        look = {"fontsize": 8, "color": INK, "va": "center", "ha": "left", "zorder": 9, "clip_on": True}
        look.update(kwargs)
        return self.axes.text(x, y, text, **look)

    def _marks(self, lane: Lane, marks: Sequence[Mark], name_of: Callable[[Mark], str], apart: float,
               label: Callable[[Mark], str] = lambda mark: "") -> None:
        """Marks in a lane. Marks of one kind less than `apart` pixels apart are drawn as one."""
        groups: Dict[str, List[List[Mark]]] = {}
        for mark in marks:
            if not self._sees(mark.at):
                continue
            own = groups.setdefault(name_of(mark), [])
            near = self.scale.x(mark.at) - (self.scale.x(own[-1][-1].at) if own else 0) < apart * self.per_pixel
            if own and near:
                own[-1].append(mark)
            else:
                own.append([mark])
        ordered = sorted(((name, group) for name, own in groups.items() for group in own),
                         key=lambda one: (one[1][0].at, one[0]))
        nexts = [self.scale.x(group[0].at) for _, group in ordered[1:]] + [math.inf]
        free: float = -math.inf
        for (name, group), following in zip(ordered, nexts):
            left, right = self.scale.x(group[0].at), self.scale.x(group[-1].at)
            tip = group[0].text if len(group) == 1 else f"{len(group)} × {group[0].text}, and on"
            if len(group) > 1 and right - left > 6 * self.per_pixel:
                self.axes.plot([left, right], [lane.middle] * 2, color=MARKS[name].colour, linewidth=2, zorder=4)
            self._mark(name, right if len(group) > 1 else left, lane.middle, name, len(group), tip)
            text = label(group[0]) if len(group) == 1 else ""
            # The label goes after the mark, or before it, or is left out, as space allows.
            wide = (10 + 6 * len(text)) * self.per_pixel
            beside = 9 * self.per_pixel
            if text and left + wide < min(following - beside, self.scale.x(self.scale.end)):
                self._text(left + beside, lane.middle, text)
                free = left + wide
            elif text and left - wide > free:
                self._text(left - beside, lane.middle, text, ha="right")
                free = left + beside
            else:
                free = right + (8 + 7 * len(str(len(group))) * (len(group) > 1)) * self.per_pixel

    # The lanes

    def _ticks(self) -> None:
        """The grid. Too many ticks: only each tenth, hundredth, ..."""
        ticks = [tick for tick in self.picture.timeline.ticks if self._sees(tick.at)
                 and not any(start < tick.at < stop for start, stop in self.scale.cuts)]
        each = 1
        while len(ticks) / each * 6 > self.pixels:
            each *= 10
        for number, tick in enumerate(ticks):
            odd = tick.late or tick.missed
            if number % each and not odd:
                continue
            x = self.scale.x(tick.at)
            line, = self.axes.plot([x, x], [0, self.units], color=INK if odd else FAINT, linewidth=1,
                                   linestyle=(0, (2, 2)) if odd else "-", zorder=1)
            tip = f"tick: {tick.calls} calls in {tick.ns / 1000:g} µs"
            if odd:
                tip += f", {tick.late} jiffies late, {tick.missed} missed before it"
                words = [f"{tick.late} jiffies late"] * bool(tick.late) + [f"{tick.missed} missed"] * bool(tick.missed)
                self._text(x, -0.15, ", ".join(words), ha="center", va="bottom", clip_on=False, fontsize=7.5)
            self.picture.add(line, "tick", min(each, len(ticks) - number), tip, self.where)

    def _cuts(self) -> None:
        for start, stop in self.scale.cuts:
            left, right = self.scale.x(start), self.scale.x(stop)
            ticks = sum(start < tick.at < stop for tick in self.picture.timeline.ticks)
            text = f"{(stop - start) / SECOND:.1f} s idle"
            span = self.axes.axvspan(left, right, facecolor=PAPER, hatch="//", edgecolor=FAINT, linewidth=0, zorder=7)
            self.picture.add(span, "cut", ticks, f"{text}, {ticks} ticks", self.where)
            self._text((left + right) / 2, self.units / 2, text, rotation=90, ha="center", zorder=8,
                       bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}, clip_on=False)

    def _requests(self, lane: Lane) -> None:
        """Each request: a thin bar from submit to complete, a thick one while the device works on it."""
        offset = lane.height - 1
        begin, end = self.picture.timeline.begin, self.picture.timeline.end
        free = -math.inf
        for group in self._groups(lane.requests):
            first, final = group[0], group[-1]
            left_at = begin if first.submit is None else first.submit
            right_at = end if final.complete is None else final.complete
            if not self._sees(left_at, right_at):
                continue
            tip = self._tip(first) if len(group) == 1 else \
                f"{len(group)} requests, {first.number} to {final.number}, all completed"
            outcome = first.outcome
            self._bar(lane, "open" if outcome == "open" else "queued", left_at, right_at, 0.2, offset + 0.4,
                      f"request {outcome}", len(group), tip)
            left, right = self.scale.x(left_at), self.scale.x(right_at)
            if len(group) > 1:
                self._bar(lane, "done", left_at, right_at, 0.56, offset + 0.22, "operation", len(group), tip)
            else:
                for span in first.spans:
                    self._span(lane, span, offset, first.number)
            if outcome != "success" or (right - left > 12 * self.per_pixel and len(group) == 1):
                self._mark(outcome, right, lane.top + offset + 0.5, outcome, 1, tip)
            text = self._label(group, (right - left) / self.per_pixel)
            # Not beyond the right end.
            start = max(min(left, self.scale.x(self.scale.end) - 6 * len(text) * self.per_pixel), 0)
            if text and start > free:
                self._text(start, lane.top + (0.33 if offset > 0.5 else 0.12), text)
                free = start + (6 * len(text) + 8) * self.per_pixel

    def _groups(self, requests: Sequence[Request]) -> List[List[Request]]:
        """Requests, one a group; successful ones that are too small to distinguish share a group."""
        groups: List[List[Request]] = []
        for request in requests:
            if groups and all(self._plain(one) for one in (groups[-1][-1], request)):
                # The least width of a bar.
                least = self.scale.x(groups[-1][-1].submit or 0) + 1.5 * self.per_pixel
                end = max(self.scale.x(groups[-1][-1].complete or 0), least)
                if self.scale.x(request.submit or 0) - end < 1.5 * self.per_pixel:
                    groups[-1].append(request)
                    continue
            groups.append([request])
        return groups

    def _plain(self, request: Request) -> bool:
        return request.outcome == "success" and request.submit is not None and len(request.spans) == 1 \
            and request.spans[0].ended != "missed" \
            and self.scale.x(request.complete or 0) - self.scale.x(request.submit) < 5 * self.per_pixel

    def _span(self, lane: Lane, span: Span, offset: float, number: int, edge: float = 0) -> None:
        begin = self.picture.timeline.begin if span.begin is None else span.begin
        end = self.picture.timeline.end if span.end is None else span.end
        if not self._sees(begin, end):
            return
        name = self._bar_name(span)
        tip = f"request {number}: {BARS[name].words}"
        if span.end is not None and span.begin is not None:
            tip += f", {(end - begin) / SECOND:.6f} s"
        # An abort counts in its own lane, if there is one.
        kind = {"reset": "resetting", "abort": "abort" if lane.slots else "aborting"}.get(span.kind, span.kind)
        self._bar(lane, name, begin, end, 0.56, offset + 0.22, kind, 1, tip, edge=edge)

    @staticmethod
    def _bar_name(span: Span) -> str:
        if span.end is None:
            return "open"
        if span.kind != "operation":
            return {"timeout": f"{span.kind}-timeout", "dropped": "dropped"}.get(span.ended, span.kind)
        return span.ended

    @staticmethod
    def _tip(request: Request) -> str:
        parts = [f"request {request.number}"]
        if request.length is not None:
            parts.append(f"{request.length} bytes")
        if request.outcome == "open":
            parts.append("not completed in this trace")
        else:
            parts.append(request.error or "completed")
            if request.submit is not None and request.complete is not None:
                parts.append(f"after {(request.complete - request.submit) / SECOND:.6f} s")
            if request.retries:
                parts.append(f"{request.retries} {'retry' if request.retries == 1 else 'retries'}")
            if request.restarts:
                parts.append(f"started again as innocent {request.restarts} times")
        return ", ".join(parts)

    def _label(self, group: Sequence[Request], pixels: float) -> str:
        """The text above a request: as much as fits, and always a failure's errno."""
        if len(group) > 1:
            return f"×{len(group)}" if pixels > 20 else ""
        request = group[0]
        if request.outcome == "failure":
            longest = f"{request.number}: {request.error}"
        elif request.outcome == "success":
            longest = f"{request.number}: ok"
        else:
            longest = f"{request.number}: {request.outcome}"
        if request.submit is not None and request.complete is not None:
            more = f"{longest} after {(request.complete - request.submit) / SECOND:.3f} s"
            if request.retries:
                more += f", {request.retries} {'retry' if request.retries == 1 else 'retries'}"
            if 6 * len(more) < pixels:
                return more
        return longest if 6 * len(longest) < pixels or request.outcome != "success" else ""

    def _interrupts(self, lane: Lane) -> None:
        names = {"reset": "irq-reset", "abort": "irq-abort"}
        # Thin marks may be closer together.
        thin = [mark for mark in lane.device.interrupts if mark.kind == "done"]
        self._marks(lane, thin, lambda mark: "done", 34 if lane.device.many else 3)
        self._marks(lane, [mark for mark in lane.device.interrupts if mark.kind != "done"],
                    lambda mark: names.get(mark.kind, mark.kind), 11)

    def _timeouts(self, lane: Lane) -> None:
        self._marks(lane, lane.device.timeouts, lambda mark: "timeout", 11,
                    lambda mark: mark.text.split("after ")[1])

    def _resets(self, lane: Lane) -> None:
        self._spans(lane, lane.device.resets)
        if lane.device.many:
            marks = [mark for mark in lane.device.timeouts + lane.device.missed if mark.slot is None]
            self._marks(lane, marks, lambda mark: mark.kind, 11)

    def _aborts(self, lane: Lane) -> None:
        self._spans(lane, lane.device.aborts)

    def _spans(self, lane: Lane, spans: Sequence[Span]) -> None:
        """Resets or aborts, each with its length."""
        free = -math.inf
        for span in spans:
            begin = self.picture.timeline.begin if span.begin is None else span.begin
            end = self.picture.timeline.end if span.end is None else span.end
            if not self._sees(begin, end):
                continue
            seconds = f"{(end - begin) / SECOND:.3f} s"
            name = self._bar_name(span)
            self._bar(lane, name, begin, end, 0.6, 0.2, span.kind, 1, f"{BARS[name].words}, {seconds}", 6)
            beside = 12 if lane.device.many and span.ended in ("timeout", "missed") else 4
            right = max(self.scale.x(end), self.scale.x(begin) + 6 * self.per_pixel) + beside * self.per_pixel
            text = seconds + (" failed" if span.ended == "timeout" else "")
            wide = (6 * len(text) + 6) * self.per_pixel
            left = self.scale.x(begin) - 4 * self.per_pixel
            if right > free and right + wide < self.scale.x(self.scale.end):
                self._text(right, lane.middle, text)
                free = right + wide
            elif left - wide > free:
                self._text(left, lane.middle, text, ha="right")
                free = right

    def _retries(self, lane: Lane) -> None:
        self._marks(lane, lane.device.retries, lambda mark: "retry", 11,
                    lambda mark: mark.text.split("retry ")[1])

    def _restarts(self, lane: Lane) -> None:
        self._marks(lane, lane.device.restarts, lambda mark: "restart", 11)

    def _missed(self, lane: Lane) -> None:
        self._marks(lane, lane.device.missed, lambda mark: "missed", 11,
                    lambda mark: "its interrupt was lost")

    def _timer(self, lane: Lane) -> None:
        self._marks(lane, lane.device.timer, lambda mark: "timer", 11, lambda mark: mark.kind)

    def _calls(self, lane: Lane) -> None:
        calls = [Mark(begin, "call", f"{name} is called") for begin, _, name in lane.device.calls]
        self._marks(lane, calls, lambda mark: "call", 5)

    def _counter(self, lane: Lane) -> None:
        """The counter as a staircase; its floor is -1, idle."""
        # Many slots change it often.
        steps = self._thinned(lane.device.counter) if lane.device.many else lane.device.counter
        top = max(max(value for _, value in lane.device.counter), 1)
        floor, ceiling = lane.top + lane.height - 0.25, lane.top + 0.75
        level = (floor - ceiling) / (top + 1)

        def y(value: int) -> float:
            return floor - (value + 1) * level

        # Before the first operation of a trace the counter was idle, if that operation began within the trace.
        points = [(self.picture.timeline.begin, -1)] if steps[0][1] >= 0 and lane.device.requests and \
            lane.device.requests[0].submit is not None else []
        points += steps + [(self.picture.timeline.end, steps[-1][1])]
        xs, ys = [], []
        for (at, value), (after, _) in zip(points, points[1:]):
            xs += [self.scale.x(at), self.scale.x(after)]
            ys += [y(value)] * 2
        self.axes.fill_between(xs, ys, floor, color=COLOURS["reset"], alpha=0.13, linewidth=0, zorder=2)
        line, = self.axes.plot(xs, ys, color=INK, linewidth=1.3, zorder=3, solid_joinstyle="miter")
        self.picture.add(line, "counter", len(lane.device.counter), f"{lane.device.name}: its counter", self.where)
        for (at, value), (after, _) in zip(points, points[1:]):
            if value < 0 or not self._sees(at, after):
                continue
            left, right = max(self.scale.x(at), 0), min(self.scale.x(after), self.scale.x(self.scale.end))
            if right - left > 14 * self.per_pixel:
                self._text((left + right) / 2, y(value) - 0.3, str(value), ha="center")
