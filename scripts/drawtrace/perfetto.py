# SPDX-License-Identifier: GPL-2.0-only
"""A timeline in the Chrome trace event format, which Perfetto's viewer opens.

A device is a process there, its requests, operations, resets, interrupts and
time-outs are threads, and its counter is a counter track. The engine is a
process too, with its ticks, and with the calls of routines on each CPU.
"""
import json
from typing import Dict, List, Optional

from model import Timeline, rows

ENGINE = 1			# process ids: the engine's, and the first device's
FIRST_DEVICE = 10
OPERATIONS, RESETS, INTERRUPTS, DRIVER, TIMER, CALLS, REQUESTS = range(1, 8)	# thread ids of a device
TICKS, FIRST_CPU = 1, 2		# of the engine


def export(timeline: Timeline) -> bytes:
    """The JSON text, the same bytes each time."""
    events: List[Dict] = []

    def name(pid: int, process: str, order: int) -> None:
        events.append({"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": process}})
        events.append({"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": order}})

    def thread(pid: int, tid: int, text: str) -> None:
        events.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": text}})
        events.append({"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": tid}})

    def piece(pid: int, tid: int, category: str, text: str, begin: Optional[int], end: Optional[int], **args) -> None:
        """A slice; without an end one that does not end."""
        start = timeline.begin if begin is None else begin
        event = {"ph": "B" if end is None else "X", "cat": category, "name": text, "pid": pid, "tid": tid,
                 "ts": start / 1000, "args": args}
        if end is not None:
            event["dur"] = (end - start) / 1000
        events.append(event)

    def instant(pid: int, tid: int, category: str, text: str, at: int) -> None:
        events.append({"ph": "i", "s": "t", "cat": category, "name": text, "pid": pid, "tid": tid, "ts": at / 1000})

    name(ENGINE, "iotimer", 0)
    thread(ENGINE, TICKS, "ticks")
    for tick in timeline.ticks:
        piece(ENGINE, TICKS, "tick", "tick", tick.at - tick.ns, tick.at, calls=tick.calls, late=tick.late,
              missed=tick.missed)
    for cpu, calls in sorted(timeline.cpus.items()):
        thread(ENGINE, FIRST_CPU + cpu, f"routines on CPU {cpu}")
        for begin, end, text in calls:
            piece(ENGINE, FIRST_CPU + cpu, "call", text, begin, end)
    for number, device in enumerate(timeline.devices):
        pid = FIRST_DEVICE + number
        name(pid, device.name, 1 + number)
        for row, requests in enumerate(rows(device.requests, timeline.begin, timeline.end)):
            thread(pid, REQUESTS + row, "requests" if row == 0 else f"requests ({row + 1})")
            for request in requests:
                args = {"request": request.number, "retries": request.retries}
                if request.length is not None:
                    args["length"] = request.length
                if request.result is not None:
                    args["result"] = request.result
                if request.submit is not None and request.complete is not None:
                    args["us"] = (request.complete - request.submit) // 1000
                verdict = request.error or {"success": "ok", "open": "open"}[request.outcome]
                piece(pid, REQUESTS + row, "request", f"{request.number}: {verdict}", request.submit,
                      request.complete, outcome=request.outcome, **args)
        spans = [(request, span) for request in device.requests for span in request.spans]
        for tid, kind, text in ((OPERATIONS, "operation", "operations"), (RESETS, "reset", "resets")):
            own = [(request, span) for request, span in spans if span.kind == kind]
            if own:
                thread(pid, tid, text)
            for request, span in own:
                piece(pid, tid, kind, f"{kind}: {span.ended or 'open'}", span.begin, span.end,
                      request=request.number, ended=span.ended or "open")
        for tid, category, text, marks in ((INTERRUPTS, "interrupt", "interrupts", device.interrupts),
                                           (DRIVER, "driver", "time-outs and retries",
                                            sorted(device.timeouts + device.retries, key=lambda mark: mark.at)),
                                           (TIMER, "timer", "timer", device.timer)):
            if marks:
                thread(pid, tid, text)
            for mark in marks:
                instant(pid, tid, category if category != "driver" else mark.kind, mark.text, mark.at)
        for at, value in device.counter:
            events.append({"ph": "C", "name": "counter", "pid": pid, "tid": 0, "ts": at / 1000,
                           "args": {"seconds left": value}})
    other = {"lost events": timeline.trace.lost, "title": timeline.trace.title}
    text = json.dumps({"displayTimeUnit": "ms", "otherData": other, "traceEvents": events}, indent=0, ensure_ascii=True)
    return text.encode() + b"\n"
