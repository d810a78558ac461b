# SPDX-License-Identifier: GPL-2.0-only
"""What happened, from the events: requests, operations, resets, interrupts, the counter, ticks.

Nothing here knows how it is drawn. Times are ns of the trace's clock. The
beginning is None if it was before the trace, and the end if it is not in the
trace.
"""
import errno
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from ftrace import Event, Trace

SECOND = 10**9


@dataclass
class Span:
    """An operation, an abort or a reset on the device.

    `ended` says how. All: "done", "timeout", "missed" if it was done but its
    interrupt was lost, "dropped" if its request ended first. An operation:
    "error" too, and "taken" if it was innocent: a reset for others took it away.
    An abort: "overtaken" if the operation ended before it. A reset belongs to every request that is in a slot when it begins.
    """
    kind: str
    begin: Optional[int]
    end: Optional[int] = None
    ended: str = ""
    tag: Optional[int] = None
    request: int = 0
    slot: Optional[int] = None


@dataclass
class Request:
    """A request from submit to complete, and the device's work for it."""
    number: int
    submit: Optional[int]
    length: Optional[int] = None
    complete: Optional[int] = None
    result: Optional[int] = None
    retries: int = 0
    restarts: int = 0
    cancelled: bool = False
    slot: Optional[int] = None
    spans: List[Span] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        if self.complete is None or self.result is None:
            return "open"
        if self.cancelled or self.result == -errno.EINTR:
            return "cancelled"
        return "success" if self.result >= 0 else "failure"

    @property
    def error(self) -> str:
        """The name of its errno, "" if it has none."""
        if self.result is None or self.result >= 0:
            return ""
        return errno.errorcode.get(-self.result, str(self.result))


@dataclass(frozen=True)
class Mark:
    """Something that happened at a moment. `text` says what in a few words."""
    at: int
    kind: str
    text: str
    slot: Optional[int] = None


@dataclass
class Device:
    """All that is known of one device."""
    name: str
    requests: List[Request] = field(default_factory=list)
    resets: List[Span] = field(default_factory=list)
    aborts: List[Span] = field(default_factory=list)
    interrupts: List[Mark] = field(default_factory=list)
    timeouts: List[Mark] = field(default_factory=list)
    retries: List[Mark] = field(default_factory=list)
    restarts: List[Mark] = field(default_factory=list)
    missed: List[Mark] = field(default_factory=list)
    timer: List[Mark] = field(default_factory=list)
    calls: List[Tuple[int, Optional[int], str]] = field(default_factory=list)
    counter: List[Tuple[int, int]] = field(default_factory=list)
    slots: List[int] = field(default_factory=list)

    @property
    def many(self) -> bool:
        """Was a slot other than 0 used?"""
        return any(self.slots)


@dataclass(frozen=True)
class Tick:
    """A tick: when it ended, routines called, ns it took, and whether it was late or some were skipped."""
    at: int
    calls: int
    ns: int = 0
    late: int = 0
    missed: int = 0


@dataclass
class Timeline:
    """Everything, from `begin` to `end`."""
    trace: Trace
    begin: int
    end: int
    devices: List[Device] = field(default_factory=list)
    ticks: List[Tick] = field(default_factory=list)
    cpus: Dict[int, List[Tuple[int, Optional[int], str]]] = field(default_factory=dict)


class _DeviceBuilder:
    """Takes a device's events one by one."""

    def __init__(self, name: str):
        self.device = Device(name)
        self.open: Dict[int, Request] = {}
        # By slot: the request in it, its operation and its abort under way.
        self.inside: Dict[Optional[int], Request] = {}
        self.operations: Dict[int, Span] = {}
        self.aborts: Dict[int, Span] = {}
        self.reset: Optional[Span] = None

    def take(self, event: Event) -> None:
        handler = getattr(self, event.name, None)
        if handler:
            handler(event, event.numbers, event.words)

    def _request(self, number: int) -> Request:
        """The latest request of that number; one whose submit is not in the trace begins before it."""
        if number not in self.open:
            self.open[number] = Request(number, None)
            self.device.requests.append(self.open[number])
        return self.open[number]

    def _put(self, numbers: Dict[str, int]) -> Tuple[Request, int]:
        """The event's request, and the slot that it is in."""
        request, slot = self._request(numbers["request"]), numbers.get("slot", 0)
        request.slot = slot
        self.inside[slot] = request
        if slot not in self.device.slots:
            self.device.slots.append(slot)
        return request, slot

    def _counter(self, at: int, value: int) -> None:
        self.device.counter.append((at, value))

    def _idle(self, at: int) -> None:
        """Something has ended. If nothing else is under way, the counter is at its floor."""
        if not (self.operations or self.aborts or self.reset):
            self._counter(at, -1)

    @staticmethod
    def _close(span: Optional[Span], at: int, ended: str) -> None:
        if span:
            span.end, span.ended = at, ended

    def _add_span(self, request: Request, kind: str, begin: Optional[int], tag: Optional[int] = None) -> Span:
        span = Span(kind, begin, tag=tag, request=request.number, slot=request.slot)
        request.spans.append(span)
        return span

    def _add_reset(self, number: int, begin: Optional[int]) -> Span:
        """A reset is for all requests in slots. The event names the first; 0 if there is none."""
        span = Span("reset", begin, request=number)
        hit = [self.inside[slot] for slot in sorted(self.inside)]
        if number and not any(request.number == number for request in hit):
            hit.append(self._request(number))
        for request in hit:
            request.spans.append(span)
        self.device.resets.append(span)
        return span

    def _end(self, what: str, slot: int, at: int, ended: str) -> None:
        """The operation or abort in a slot, or the reset, has ended."""
        if what == "reset":
            self._close(self.reset, at, ended)
            self.reset = None
        elif what == "abort":
            self._close(self.aborts.pop(slot, None), at, ended)
        else:
            self._close(self.operations.pop(slot, None), at, ended)
            self._close(self.aborts.pop(slot, None), at, "dropped" if ended == "dropped" else "overtaken")

    def sim_dev_submit(self, event, numbers, _words) -> None:
        # A new binding of the driver numbers its requests from the beginning.
        request = Request(numbers["request"], event.at, numbers["len"])
        self.open[request.number] = request
        self.device.requests.append(request)

    def sim_dev_start_io(self, event, numbers, _words) -> None:
        request, slot = self._put(numbers)
        self.operations[slot] = self._add_span(request, "operation", event.at, numbers["tag"])
        self._counter(event.at, numbers["counter"])

    def sim_dev_interrupt(self, event, numbers, words) -> None:
        cause, verdict, slot = words["cause"], words["verdict"], numbers.get("slot", 0)
        kind = cause if verdict == "accepted" else verdict
        text = f"interrupt: {cause}" + ("" if verdict == "accepted" else f", {verdict}")
        if cause in ("done", "error", "abort"):
            text += f", tag {numbers['tag']}"
        self.device.interrupts.append(Mark(event.at, kind, text, slot))
        if verdict != "accepted":
            return
        what = cause if cause in ("reset", "abort") else "operation"
        self._end(what, slot, event.at, "error" if cause == "error" else "done")
        self._idle(event.at)

    def sim_dev_second(self, event, numbers, _words) -> None:
        self._counter(event.at, numbers["counter"])

    def sim_dev_timeout(self, event, numbers, words) -> None:
        what, seconds, number = words["what"], numbers["us"] / 1e6, numbers["request"]
        who = f"request {number}: its" if number else "the"
        self.device.timeouts.append(
            Mark(event.at, "timeout", f"{who} {what} timed out after {seconds:.3f} s",
                 None if what == "reset" else numbers.get("slot", 0)))
        if what == "reset":
            self.reset = self.reset or self._add_reset(number, None)
            self._end(what, 0, event.at, "timeout")
            return
        request, slot = self._put(numbers)
        if what == "abort" and slot not in self.aborts:
            self.aborts[slot] = self._add_abort(request, None)
        elif what == "operation" and slot not in self.operations:
            self.operations[slot] = self._add_span(request, "operation", None)
        self._end(what, slot, event.at, "timeout")

    def sim_dev_missed(self, event, numbers, words) -> None:
        """The device had ended it, but no interrupt told; the driver polled."""
        what, number, slot = words["what"], numbers["request"], numbers.get("slot", 0)
        who = f"request {number}: polled, its" if number else "polled, the"
        self.device.missed.append(Mark(event.at, "missed", f"{who} {what}'s interrupt was lost",
                                       None if what == "reset" else slot))
        self._end(what, slot, event.at, "missed")
        self._idle(event.at)

    def _add_abort(self, request: Request, begin: Optional[int], tag: Optional[int] = None) -> Span:
        span = self._add_span(request, "abort", begin, tag)
        self.device.aborts.append(span)
        return span

    def sim_dev_abort(self, event, numbers, _words) -> None:
        request, slot = self._put(numbers)
        self._end("operation", slot, event.at, "timeout")	# if the trace lost that event
        self.aborts[slot] = self._add_abort(request, event.at, numbers["tag"])

    def sim_dev_reset(self, event, numbers, _words) -> None:
        # Those that timed out have ended already. What is left is innocent.
        for slot in {**self.operations, **self.aborts}:
            self._end("operation", slot, event.at, "taken")
        self.reset = self._add_reset(numbers["request"], event.at)
        self._counter(event.at, numbers["counter"])

    def sim_dev_retry(self, event, numbers, _words) -> None:
        text = f"request {numbers['request']}: retry {numbers['attempt']} of {numbers['max']}"
        _, slot = self._put(numbers)
        self.device.retries.append(Mark(event.at, "retry", text, slot))

    def sim_dev_restart(self, event, numbers, _words) -> None:
        request, slot = self._put(numbers)
        request.restarts = numbers["restarts"]
        text = f"request {request.number}: innocent, started again without a retry"
        self.device.restarts.append(Mark(event.at, "restart", text, slot))

    def sim_dev_complete(self, event, numbers, _words) -> None:
        request = self._request(numbers["request"])
        if request.submit is None and numbers["us"] >= 0:
            request.submit = event.at - numbers["us"] * 1000
        request.complete, request.result = event.at, numbers["result"]
        request.retries = numbers["retries"]
        request.cancelled = bool(numbers.get("cancelled"))
        del self.open[request.number]
        self._leave(request, event.at)

    def _leave(self, request: Request, at: int) -> None:
        """A request is over. If it was in a slot, and no interrupt ended its operation, the device is gone."""
        under_way = False
        if self.inside.get(request.slot) is request:
            del self.inside[request.slot]
            under_way = request.slot in self.operations or request.slot in self.aborts
            self._end("operation", request.slot, at, "dropped")
        if self.reset and any(self.reset is span for span in request.spans):
            self._end("reset", 0, at, "dropped")
            under_way = True
        if under_way:
            self._idle(at)

    def iotimer_expire_entry(self, event, _numbers, words) -> None:
        self.device.calls.append((event.at, None, words["fn"]))

    def iotimer_expire_exit(self, event, _numbers, words) -> None:
        if self.device.calls and self.device.calls[-1][1] is None:
            self.device.calls[-1] = (self.device.calls[-1][0], event.at, words["fn"])

    def _timer(self, event, *_rest) -> None:
        what = event.name[len("iotimer_"):]
        self.device.timer.append(Mark(event.at, what, f"timer: {what}"))

    iotimer_create = iotimer_destroy = iotimer_start = iotimer_stop = _timer


def _ticks(trace: Trace) -> List[Tick]:
    """The ticks of the engine's own event; without that event, found from the calls of routines."""
    ticks = [Tick(event.at, event.numbers["calls"], event.numbers["ns"], event.numbers["late"],
                 event.numbers["missed"]) for event in trace.events if event.name == "iotimer_tick"]
    if ticks:
        return ticks
    for event in trace.events:
        if event.name != "iotimer_expire_entry":
            continue
        # The calls of one tick are close together, compared with a second.
        if ticks and event.at - ticks[-1].at < SECOND // 2:
            ticks[-1] = Tick(ticks[-1].at, ticks[-1].calls + 1)
        else:
            ticks.append(Tick(event.at, 1))
    return ticks


def _by_number(name: str) -> List[Tuple[int, str]]:
    """A key that sorts sim_dev.10 after sim_dev.9."""
    parts = []
    digits = ""
    for character in name + " ":
        if character.isdigit():
            digits += character
        else:
            if digits:
                parts.append((int(digits), ""))
                digits = ""
            parts.append((0, character))
    return parts


def build(trace: Trace) -> Timeline:
    """Build the timeline from a trace's events."""
    builders: Dict[str, _DeviceBuilder] = {}
    for event in trace.events:
        if event.dev:
            builders.setdefault(event.dev, _DeviceBuilder(event.dev)).take(event)
    devices = [builders[name].device for name in sorted(builders, key=_by_number)]
    # The export also shows the calls by CPU.
    cpus: Dict[int, List[Tuple[int, Optional[int], str]]] = {}
    for event in trace.events:
        if event.name == "iotimer_expire_entry":
            cpus.setdefault(event.cpu, []).append((event.at, None, f"{event.words['fn']}({event.dev})"))
        elif event.name == "iotimer_expire_exit" and cpus.get(event.cpu) and cpus[event.cpu][-1][1] is None:
            begin, _, text = cpus[event.cpu][-1]
            cpus[event.cpu][-1] = (begin, event.at, text)
    begin, end = trace.events[0].at, trace.events[-1].at
    return Timeline(trace, begin, end, devices, _ticks(trace), cpus)


def counts(timeline: Timeline) -> Dict[str, int]:
    """The number of requests, time-outs, ..., of all devices."""
    requests = [request for device in timeline.devices for request in device.requests]
    interrupts = [mark.kind for device in timeline.devices for mark in device.interrupts]
    return {
        "requests": len(requests),
        "successes": sum(request.outcome == "success" for request in requests),
        "failures": sum(request.outcome == "failure" for request in requests),
        "cancelled": sum(request.outcome == "cancelled" for request in requests),
        "open": sum(request.outcome == "open" for request in requests),
        "interrupts": len(interrupts),
        "late": interrupts.count("late"),
        "spurious": interrupts.count("spurious"),
        "timeouts": sum(len(device.timeouts) for device in timeline.devices),
        "resets": sum(len(device.resets) for device in timeline.devices),
        "retries": sum(len(device.retries) for device in timeline.devices),
        "innocent": sum(len(device.restarts) for device in timeline.devices),
        "aborts": sum(len(device.aborts) for device in timeline.devices),
        "missed": sum(len(device.missed) for device in timeline.devices),
        "ticks": len(timeline.ticks),
        "lost": timeline.trace.lost,
    }


def rows(requests: List[Request], begin: int, end: int) -> List[List[Request]]:
    """Put requests into as few rows as possible, so that those of one row do not overlap."""
    result: List[List[Request]] = []
    busy_until: List[int] = []
    for request in sorted(requests, key=lambda one: begin if one.submit is None else one.submit):
        start = begin if request.submit is None else request.submit
        stop = end if request.complete is None else request.complete
        for row, until in enumerate(busy_until):
            if until <= start:
                break
        else:
            row = len(result)
            result.append([])
            busy_until.append(0)
        result[row].append(request)
        busy_until[row] = max(stop, start + 1)
    return result
