# SPDX-License-Identifier: GPL-2.0-only
"""Synthetic traces for the tests, in the form that the kernel writes."""
from typing import List


class Recorder:
    """Writes a trace line by line; `at` is in seconds."""

    def __init__(self, dev: str = "sim_dev.0"):
        self.lines: List[str] = ["# tracer: nop", "#"]
        self.dev = dev
        self.tag = 0

    def event(self, at: float, name: str, text: str, task: str = "sh-77") -> None:
        self.lines.append(f"{task:>23} [000] d.h1. {at:12.6f}: {name}: {text}")

    def ticks(self, begin: int, end: int, phase: float = 0.084) -> None:
        for second in range(begin, end):
            at = second + phase
            self.event(at, "iotimer_expire_entry", f"dev={self.dev} fn=sim_dev_watchdog [sim_dev]", "<idle>-0")
            self.event(at + 0.00001, "iotimer_expire_exit", f"dev={self.dev} fn=sim_dev_watchdog [sim_dev]", "<idle>-0")
            self.event(at + 0.00002, "iotimer_tick", "calls=1 ns=15000 steps=1 late=0 missed=0", "<idle>-0")

    def submit(self, at: float, request: int, length: int = 6) -> None:
        self.event(at, "sim_dev_submit", f"dev={self.dev} request={request} len={length} nonblock=0 outstanding=1")

    def start_io(self, at: float, request: int, counter: int = 4) -> None:
        self.tag += 1
        self.event(at, "sim_dev_start_io", f"dev={self.dev} request={request} tag={self.tag} counter={counter}")

    def interrupt(self, at: float, cause: str = "done", verdict: str = "accepted") -> None:
        self.event(at, "sim_dev_interrupt", f"dev={self.dev} cause={cause} tag={self.tag} verdict={verdict}", "<idle>-0")

    def watchdog(self, at: float, counter: int) -> None:
        self.event(at, "sim_dev_second", f"dev={self.dev} counter={counter}", "<idle>-0")

    def timeout(self, at: float, request: int, what: str = "operation") -> None:
        self.event(at, "sim_dev_timeout", f"dev={self.dev} request={request} what={what} us=3107000", "<idle>-0")

    def reset(self, at: float, request: int) -> None:
        self.event(at, "sim_dev_reset", f"dev={self.dev} request={request} counter=2", "<idle>-0")

    def retry(self, at: float, request: int, attempt: int = 1) -> None:
        self.event(at, "sim_dev_retry", f"dev={self.dev} request={request} attempt={attempt} max=3", "irq/24-sim_dev-78")

    def complete(self, at: float, request: int, result: int, us: int = 1000, retries: int = 0) -> None:
        self.event(at, "sim_dev_complete",
                   f"dev={self.dev} request={request} result={result} us={us} retries={retries}", "irq/24-sim_dev-78")

    def success(self, at: float, request: int, seconds: float = 0.005) -> None:
        """A request that succeeds."""
        self.submit(at, request)
        self.start_io(at, request)
        self.interrupt(at + seconds)
        self.complete(at + seconds + 0.0001, request, 6, int(seconds * 1e6))

    def until_timeout(self, at: float, request: int, tick: float) -> None:
        """An operation that hangs and times out in the tick at `tick`, with the reset that follows."""
        self.start_io(at, request)
        for counter in (3, 2, 1):
            self.watchdog(tick - counter, counter)
        self.watchdog(tick, 2)
        self.timeout(tick, request)
        self.reset(tick, request)

    def hang(self, at: float = 16.0, request: int = 101, tick: float = 19.0845) -> None:
        """A request that hangs once: time-out, reset, retry, success."""
        self.submit(at, request)
        self.until_timeout(at, request, tick)
        self.interrupt(tick + 0.005, "reset")
        self.retry(tick + 0.0051, request)
        self.start_io(tick + 0.0052, request)
        self.interrupt(tick + 0.0102)
        self.complete(tick + 0.0103, request, 6, int((tick + 0.0103 - at) * 1e6), 1)

    def reset_fails(self, at: float = 30.0, request: int = 7, tick: float = 33.0845) -> None:
        """A request that hangs, and so does the reset."""
        self.submit(at, request)
        self.until_timeout(at, request, tick)
        self.watchdog(tick + 1, 1)
        self.watchdog(tick + 2, -1)
        self.timeout(tick + 2, request, "reset")
        self.complete(tick + 2.0001, request, -5, int((tick + 2 - at) * 1e6))

    def text(self) -> List[str]:
        """The lines, by time, as the kernel writes them."""
        head = [line for line in self.lines if line.startswith("#")]
        body = [line for line in self.lines if not line.startswith("#")]
        return head + sorted(body, key=lambda line: float(line.split(": ")[0].split()[-1]))
