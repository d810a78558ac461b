# SPDX-License-Identifier: GPL-2.0-only
"""Read the events iotimer:* and sim_dev:* out of a recorded trace.

Two forms are read: the kernel's own `trace` file, and the output of `trace-cmd
report`. They differ in what precedes the event's name. Other events, and lines
that are no event, are ignored. Events that the kernel lost, and events of ours
that cannot be parsed, are counted.
"""
import re
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional

# The fields that an event must have: numbers, and words.
FIELDS = {
    "iotimer_create": ("", "dev fn"),
    "iotimer_destroy": ("", "dev"),
    "iotimer_start": ("was_enabled", "dev"),
    "iotimer_stop": ("was_enabled", "dev"),
    "iotimer_expire_entry": ("", "dev fn"),
    "iotimer_expire_exit": ("", "dev fn"),
    "iotimer_tick": ("calls ns steps late missed", ""),
    "iotimer_pause": ("ns", ""),
    "iotimer_overrun": ("missed", ""),
    "sim_dev_submit": ("request len nonblock outstanding", "dev"),
    "sim_dev_start_io": ("request tag counter", "dev"),
    "sim_dev_interrupt": ("tag", "dev cause verdict"),
    "sim_dev_second": ("counter", "dev"),
    "sim_dev_timeout": ("request us", "dev what"),
    "sim_dev_missed": ("request", "dev what"),
    "sim_dev_abort": ("request tag slot", "dev"),
    "sim_dev_reset": ("request counter", "dev"),
    "sim_dev_retry": ("request attempt max", "dev"),
    "sim_dev_restart": ("request restarts slot", "dev"),
    "sim_dev_complete": ("request result us retries", "dev"),
}

# Numbers that older traces may lack. Without slot it is a trace of a device with one slot, 0.
OPTIONAL = {"sim_dev_complete": ["cancelled"],
            **{f"sim_dev_{name}": ["slot"] for name in ("start_io", "interrupt", "timeout", "missed", "retry")}}

# The words that a field may have.
WORDS = {
    "cause": {"none", "done", "error", "reset", "abort"},
    "verdict": {"accepted", "late", "spurious"},
    "what": {"operation", "reset", "abort"},
}

#   sh-77      [000] d.h1.    12.345678: sim_dev_submit: dev=sim_dev.0 ...
# The thread group in parentheses appears only if it was recorded. trace-cmd's
# reports have the flags since version 3.
LINE = re.compile(
    r"\s*(?P<task>.*)-(?P<pid>\d+)\s+(?:\([\s\d-]+\)\s+)?\[(?P<cpu>\d+)\]\s+(?:\S+\s+)?"
    r"(?P<seconds>\d+)\.(?P<fraction>\d{6}|\d{9}):\s+(?P<name>(?:iotimer|sim_dev)_\w+):(?P<rest>.*)")
PAIR = re.compile(r"(\w+)=(\S+)")
LOST = re.compile(r"CPU:\d+ \[(?:LOST (?P<trace>\d+) EVENTS|(?P<report>\d+) EVENTS DROPPED)\]")
LOST_UNCOUNTED = re.compile(r"CPU:\d+ \[(LOST )?EVENTS( DROPPED)?\]")
ENTRIES = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)")
TITLE = re.compile(r"# title: (.+)")


class TraceError(Exception):
    """The file is no trace of ours. The text is for the user."""


@dataclass(frozen=True)
class Event:
    """One event: `at` in ns, its numbers, and its words ("dev", "cause", ...)."""
    at: int
    cpu: int
    name: str
    numbers: Dict[str, int]
    words: Dict[str, str]

    @property
    def dev(self) -> str:
        return self.words.get("dev", "")


@dataclass
class Trace:
    """All events of ours in a trace, by time.

    `lost` counts events that the kernel lost, ours or not. `loss_unknown` is true
    if it lost some without counting them. `unread` counts lines with the name of
    an event of ours, but wrong fields.
    """
    title: str = ""
    events: List[Event] = field(default_factory=list)
    lost: int = 0
    loss_unknown: bool = False
    unread: int = 0


def parse_event(line: str) -> Optional[Event]:
    """The event in a line, or None if it is not one of ours. Raises ValueError if it is damaged."""
    match = LINE.match(line)
    if not match:
        return None
    name = match["name"]
    if name not in FIELDS:
        raise ValueError(f"unknown event {name}")
    numbers, words = (names.split() for names in FIELDS[name])
    pairs = dict(PAIR.findall(match["rest"]))
    missing = [key for key in numbers + words if key not in pairs]
    if missing:
        raise ValueError(f"{name} without {missing[0]}")
    for key, allowed in WORDS.items():
        if key in words and pairs[key] not in allowed:
            raise ValueError(f"{name} with {key}={pairs[key]}")
    numbers += [key for key in OPTIONAL.get(name, []) if key in pairs]
    at = int(match["seconds"]) * 10**9 + int(match["fraction"].ljust(9, "0"))
    return Event(at, int(match["cpu"]), name, {key: int(pairs[key]) for key in numbers},
                 {key: pairs[key] for key in words})


def parse(lines: Iterable[str], name: str = "the trace") -> Trace:
    """Read a trace. Raises TraceError if it holds no event of ours."""
    trace = Trace()
    counted = overwritten = 0
    for line in lines:
        try:
            event = parse_event(line)
        except ValueError:
            trace.unread += 1
            continue
        if event:
            trace.events.append(event)
        elif match := LOST.search(line):
            counted += int(match["trace"] or match["report"])
        elif LOST_UNCOUNTED.search(line):
            trace.loss_unknown = True
        elif match := ENTRIES.match(line):
            overwritten += int(match[2]) - int(match[1])
        elif match := TITLE.match(line):
            trace.title = match[1].strip()
    if not trace.events:
        damaged = f" that can be read ({trace.unread} cannot)" if trace.unread else ""
        raise TraceError(f"no event iotimer:* or sim_dev:*{damaged} in {name}")
    # The same loss may stand in the header and in the lines between the events.
    trace.lost = max(counted, overwritten)
    trace.events.sort(key=lambda event: event.at)
    return trace
