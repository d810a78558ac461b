# SPDX-License-Identifier: GPL-2.0-only
"""A timeline in the Trace Event Format (Chrome's JSON), which Perfetto's viewer opens.

A device is a process there, its requests, operations, resets, interrupts and
time-outs are threads, and its counter is a counter track. If it has many slots,
each is a thread, with its operations, aborts, time-outs and what followed. The
engine is a process too: its ticks are a thread, and the calls of routines on
each CPU.
"""
import json
from typing import Dict, List, Optional

from model import Device, Timeline, rows

ENGINE = 1			# process ids: the engine's, and the first device's
FIRST_DEVICE = 10
OPERATIONS, RESETS, INTERRUPTS, DRIVER, TIMER, CALLS, REQUESTS = range(1, 8)	# thread ids of a device
FIRST_SLOT = 1000000		# and of its slots, if it has many; requests take many rows
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
        # Slots come first.
        self.metadata("thread_sort_index", pid, tid, sort_index=tid - (2 * FIRST_SLOT if tid >= FIRST_SLOT else 0))

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
                if request.slot is not None and device.many:
                    args.update(slot=request.slot, restarts=request.restarts)
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
        for slot in sorted(device.slots) if device.many else []:
            self.thread(pid, FIRST_SLOT + slot, f"slot {slot}")
        operations = [span for request in device.requests for span in request.spans if span.kind != "reset"]
        for tid, text, own in ((OPERATIONS, "operations", operations), (RESETS, "resets", device.resets)):
            if own and (tid == RESETS or not device.many):
                self.thread(pid, tid, text)
            for span in own:
                self.piece(pid, self.track(device, span.slot, tid), span.kind, f"{span.kind}: {span.ended or 'open'}",
                           span.begin, span.end, request=span.request, ended=span.ended or "open")

    @staticmethod
    def track(device: Device, slot: Optional[int], other: int) -> int:
        """The thread of what happens to a slot; `other` if the device has only one, or it concerns no slot."""
        return FIRST_SLOT + slot if device.many and slot is not None else other

    def marks(self, pid: int, device: Device) -> None:
        driver = sorted(device.timeouts + device.missed + device.retries + device.restarts, key=lambda mark: mark.at)
        for tid, text, marks in ((INTERRUPTS, "interrupts", device.interrupts), (DRIVER, "time-outs and retries", driver),
                                 (TIMER, "timer", device.timer)):
            if any(tid != DRIVER or self.track(device, mark.slot, tid) == tid for mark in marks):
                self.thread(pid, tid, text)
            for mark in marks:
                where = self.track(device, mark.slot, tid) if tid == DRIVER else tid
                words = f"slot {mark.slot}: {mark.text}" if device.many and tid == INTERRUPTS else mark.text
                self.events.append({"ph": "i", "s": "t", "cat": mark.kind if tid == DRIVER else text.rstrip("s"),
                                    "name": words, "pid": pid, "tid": where, "ts": mark.at / 1000})
        for at, value in device.counter:
            self.events.append({"ph": "C", "name": "counter", "pid": pid, "tid": 0, "ts": at / 1000,
                                "args": {"seconds left": value}})


def export(timeline: Timeline) -> bytes:
    """The JSON text, the same bytes each time."""
    other = {"lost events": timeline.trace.lost, "title": timeline.trace.title}
    text = json.dumps({"displayTimeUnit": "ms", "otherData": other, "traceEvents": _Export(timeline).events},
                      indent=0, ensure_ascii=True)
    return text.encode() + b"\n"
