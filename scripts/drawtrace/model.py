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
    """An operation or a reset on the device.

    `ended` says how: an operation "done", "error", "timeout", or "dropped" if its
    request ended first; a reset "done", "timeout" or "dropped".
    """
    kind: str
    begin: Optional[int]
    end: Optional[int] = None
    ended: str = ""
    tag: Optional[int] = None


@dataclass
class Request:
    """A request from submit to complete, and the device's work for it."""
    number: int
    submit: Optional[int]
    length: Optional[int] = None
    complete: Optional[int] = None
    result: Optional[int] = None
    retries: int = 0
    cancelled: bool = False
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


@dataclass
class Device:
    """All that is known of one device."""
    name: str
    requests: List[Request] = field(default_factory=list)
    resets: List[Span] = field(default_factory=list)
    interrupts: List[Mark] = field(default_factory=list)
    timeouts: List[Mark] = field(default_factory=list)
    retries: List[Mark] = field(default_factory=list)
    timer: List[Mark] = field(default_factory=list)
    calls: List[Tuple[int, Optional[int], str]] = field(default_factory=list)
    counter: List[Tuple[int, int]] = field(default_factory=list)


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
        self.operation: Optional[Span] = None
        self.reset: Optional[Span] = None

    def take(self, event: Event) -> None:
        getattr(self, event.name)(event, event.numbers, event.words)

    def _request(self, number: int) -> Request:
        """The open request of that number; one whose submit is not in the trace begins before it."""
        if number not in self.open:
            self.open[number] = Request(number, None)
            self.device.requests.append(self.open[number])
        return self.open[number]

    def _counter(self, at: int, value: int) -> None:
        self.device.counter.append((at, value))

    def _close(self, span: Optional[Span], at: int, ended: str) -> None:
        if span:
            span.end, span.ended = at, ended

    def sim_dev_submit(self, event, numbers, _words) -> None:
        # A new binding of the driver numbers its requests from the beginning.
        request = Request(numbers["request"], event.at, numbers["len"])
        self.open[request.number] = request
        self.device.requests.append(request)

    def sim_dev_start_io(self, event, numbers, _words) -> None:
        self.operation = Span("operation", event.at, tag=numbers["tag"])
        self._request(numbers["request"]).spans.append(self.operation)
        self._counter(event.at, numbers["counter"])

    def sim_dev_interrupt(self, event, numbers, words) -> None:
        cause, verdict = words["cause"], words["verdict"]
        kind = cause if verdict == "accepted" else verdict
        text = f"interrupt: {cause}" + ("" if verdict == "accepted" else f", {verdict}")
        if cause in ("done", "error"):
            text += f", tag {numbers['tag']}"
        self.device.interrupts.append(Mark(event.at, kind, text))
        if verdict != "accepted":
            return
        self._counter(event.at, -1)
        if cause == "reset":
            self._close(self.reset, event.at, "done")
            self.reset = None
        else:
            self._close(self.operation, event.at, cause)
            self.operation = None

    def sim_dev_second(self, event, numbers, _words) -> None:
        self._counter(event.at, numbers["counter"])

    def sim_dev_timeout(self, event, numbers, words) -> None:
        what, seconds = words["what"], numbers["us"] / 1e6
        number = numbers["request"]
        self.device.timeouts.append(
            Mark(event.at, "timeout", f"request {number}: its {what} timed out after {seconds:.3f} s"))
        request = self._request(number)
        if what == "reset":
            if not self.reset:
                self.reset = self._add_reset(request, None)
            self._close(self.reset, event.at, "timeout")
            self.reset = None
        else:
            if not self.operation:
                self.operation = Span("operation", None)
                request.spans.append(self.operation)
            self._close(self.operation, event.at, "timeout")
            self.operation = None

    def _add_reset(self, request: Request, begin: Optional[int]) -> Span:
        span = Span("reset", begin)
        request.spans.append(span)
        self.device.resets.append(span)
        return span

    def sim_dev_reset(self, event, numbers, _words) -> None:
        self.reset = self._add_reset(self._request(numbers["request"]), event.at)
        self._counter(event.at, numbers["counter"])

    def sim_dev_retry(self, event, numbers, _words) -> None:
        text = f"request {numbers['request']}: retry {numbers['attempt']} of {numbers['max']}"
        self.device.retries.append(Mark(event.at, "retry", text))
        self._request(numbers["request"])

    def sim_dev_complete(self, event, numbers, _words) -> None:
        request = self._request(numbers["request"])
        if request.submit is None and numbers["us"] >= 0:
            request.submit = event.at - numbers["us"] * 1000
        request.complete, request.result = event.at, numbers["result"]
        request.retries = numbers["retries"]
        request.cancelled = bool(numbers.get("cancelled"))
        del self.open[request.number]
        # The device is gone, so no interrupt ended them.
        for span in (self.operation, self.reset):
            if span and any(span is own for own in request.spans):
                self._close(span, event.at, "dropped")
                self._counter(event.at, -1)
                if span is self.operation:
                    self.operation = None
                else:
                    self.reset = None

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
