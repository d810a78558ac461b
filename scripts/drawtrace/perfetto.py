# SPDX-License-Identifier: GPL-2.0-only
"""A timeline in the Trace Event Format (Chrome's JSON), which Perfetto's viewer opens.

A device is a process there, its requests, operations, resets, interrupts and
time-outs are threads, and its counter is a counter track. The engine is a
process too: its ticks are a thread, and the calls of routines on each CPU.
"""
import json
from typing import Dict, List, Optional

from model import Device, Timeline, rows

ENGINE = 1			# process ids: the engine's, and the first device's
FIRST_DEVICE = 10
OPERATIONS, RESETS, INTERRUPTS, DRIVER, TIMER, CALLS, REQUESTS = range(1, 8)	# thread ids of a device
TICKS, FIRST_CPU = 1, 2		# of the engine


class _Export:
    """The events of a timeline, in the order in which they are written."""

    def __init__(self, timeline: Timeline):
        self.timeline = timeline
        self.events: List[Dict] = []
        self.engine()
        for number, device in enumerate(timeline.devices):
            self.process(FIRST_DEVICE + number, device.name, 1 + number)
            self.requests(FIRST_DEVICE + number, device)
            self.spans(FIRST_DEVICE + number, device)
            self.marks(FIRST_DEVICE + number, device)

    def metadata(self, kind: str, pid: int, tid: int, **args) -> None:
        self.events.append({"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": args})

    def process(self, pid: int, name: str, order: int) -> None:
        self.metadata("process_name", pid, 0, name=name)
        self.metadata("process_sort_index", pid, 0, sort_index=order)

    def thread(self, pid: int, tid: int, name: str) -> None:
        self.metadata("thread_name", pid, tid, name=name)
        self.metadata("thread_sort_index", pid, tid, sort_index=tid)

    def piece(self, pid: int, tid: int, category: str, text: str, begin: Optional[int], end: Optional[int],
              **args) -> None:
        """A slice. Without an end it stays open."""
        start = self.timeline.begin if begin is None else begin
        event = {"ph": "B" if end is None else "X", "cat": category, "name": text, "pid": pid, "tid": tid,
                 "ts": start / 1000, "args": args}
        if end is not None:
            event["dur"] = (end - start) / 1000
        self.events.append(event)

    def engine(self) -> None:
        self.process(ENGINE, "iotimer", 0)
        self.thread(ENGINE, TICKS, "ticks")
        for tick in self.timeline.ticks:
            self.piece(ENGINE, TICKS, "tick", "tick", tick.at - tick.ns, tick.at, calls=tick.calls, late=tick.late,
                       missed=tick.missed)
        for cpu, calls in sorted(self.timeline.cpus.items()):
            self.thread(ENGINE, FIRST_CPU + cpu, f"routines on CPU {cpu}")
            for begin, end, text in calls:
                self.piece(ENGINE, FIRST_CPU + cpu, "call", text, begin, end)

    def requests(self, pid: int, device: Device) -> None:
        for row, requests in enumerate(rows(device.requests, self.timeline.begin, self.timeline.end)):
            self.thread(pid, REQUESTS + row, "requests" if row == 0 else f"requests ({row + 1})")
            for request in requests:
                args = {"request": request.number, "retries": request.retries}
                if request.length is not None:
                    args["length"] = request.length
                if request.result is not None:
                    args["result"] = request.result
                if request.submit is not None and request.complete is not None:
                    args["us"] = (request.complete - request.submit) // 1000
                result = request.error or {"success": "ok"}.get(request.outcome, request.outcome)
                self.piece(pid, REQUESTS + row, "request", f"{request.number}: {result}", request.submit,
                           request.complete, outcome=request.outcome, **args)

    def spans(self, pid: int, device: Device) -> None:
        for tid, kind, text in ((OPERATIONS, "operation", "operations"), (RESETS, "reset", "resets")):
            own = [(request, span) for request in device.requests for span in request.spans if span.kind == kind]
            if own:
                self.thread(pid, tid, text)
            for request, span in own:
                self.piece(pid, tid, kind, f"{kind}: {span.ended or 'open'}", span.begin, span.end,
                           request=request.number, ended=span.ended or "open")

    def marks(self, pid: int, device: Device) -> None:
        for tid, category, text, marks in ((INTERRUPTS, "interrupt", "interrupts", device.interrupts),
                                           (DRIVER, "driver", "time-outs and retries",
                                            sorted(device.timeouts + device.retries, key=lambda mark: mark.at)),
                                           (TIMER, "timer", "timer", device.timer)):
            if marks:
                self.thread(pid, tid, text)
            for mark in marks:
                self.events.append({"ph": "i", "s": "t", "cat": category if category != "driver" else mark.kind,
                                    "name": mark.text, "pid": pid, "tid": tid, "ts": mark.at / 1000})
        for at, value in device.counter:
            self.events.append({"ph": "C", "name": "counter", "pid": pid, "tid": 0, "ts": at / 1000,
                                "args": {"seconds left": value}})


def export(timeline: Timeline) -> bytes:
    """The JSON text, the same bytes each time."""
    other = {"lost events": timeline.trace.lost, "title": timeline.trace.title}
    text = json.dumps({"displayTimeUnit": "ms", "otherData": other, "traceEvents": _Export(timeline).events},
                      indent=0, ensure_ascii=True)
    return text.encode() + b"\n"
