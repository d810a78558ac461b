# SPDX-License-Identifier: GPL-2.0-only
"""Read a trace in the Trace Event Format (Chrome's JSON) as its viewers do, and refuse what is wrong with it.

trace-event.schema.json says what an event may hold. What a schema cannot say is
checked here: every process and thread has one name, and the slices of a thread
nest.
"""
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

SCHEMA = json.loads(Path(__file__).with_name("trace-event.schema.json").read_text(encoding="utf-8"))
Draft7Validator.check_schema(SCHEMA)


class BadTrace(Exception):
    """What is wrong with a trace."""


@dataclass
class Event:
    """A slice, an instant or a value of a counter. Times are in ns; `dur` of an open slice is None."""
    cat: str
    name: str
    process: str
    thread: str
    ts: int
    dur: Optional[int]
    args: Dict
    depth: int = 0

    @property
    def end(self) -> float:
        return float("inf") if self.dur is None else self.ts + self.dur


def require(condition: bool, text: str) -> None:
    if not condition:
        raise BadTrace(text)


def _document(data: bytes) -> Dict:
    def constant(text: str):
        raise BadTrace(f"{text} is not JSON")

    def members(pairs: List[Tuple]) -> Dict:
        require(len(dict(pairs)) == len(pairs), f"a key stands twice: {[key for key, _ in pairs]}")
        return dict(pairs)

    try:
        document = json.loads(data, parse_constant=constant, object_pairs_hook=members)
    except ValueError as error:
        raise BadTrace(str(error)) from error
    error = best_match(Draft7Validator(SCHEMA).iter_errors(document))
    require(error is None, f"{list(error.absolute_path)}: {error.message}" if error else "")
    return document


def _nest(slices: List[Event]) -> None:
    """Find each slice's depth in its thread: a slice lies within one that began before, or after it."""
    around: List[Event] = []
    for one in sorted(slices, key=lambda event: (event.ts, -event.end)):
        while around and around[-1].end <= one.ts:
            around.pop()
        require(not around or one.end <= around[-1].end,
                f"{one.process}, {one.thread}: {one.name} begins within {around and around[-1].name} and ends after it")
        one.depth = len(around)
        around.append(one)


class ChromeTrace:
    """A trace: its slices, instants and values of counters, each in order of time."""

    def __init__(self, data: bytes):
        events = _document(data)["traceEvents"]
        self.names: Dict[Tuple, str] = {}
        for event in events:
            if event["ph"] == "M" and "name" in event["args"]:
                key = (event["name"], event["pid"], event["tid"])
                require(key not in self.names, f"{key} stands twice")
                self.names[key] = event["args"]["name"]
        self.slices = self._of(events, "BX")
        self.instants = self._of(events, "i")
        self.counters = self._of(events, "C")
        threads = defaultdict(list)
        for one in self.slices:
            threads[one.process, one.thread].append(one)
        for slices in threads.values():
            _nest(slices)

    def _name(self, kind: str, pid: int, tid: int) -> str:
        require((kind, pid, tid) in self.names, f"no {kind} for process {pid}, thread {tid}")
        return self.names[kind, pid, tid]

    def _of(self, events: List[Dict], phases: str) -> List[Event]:
        found = []
        for event in events:
            if event["ph"] not in phases:
                continue
            thread = "" if phases == "C" else self._name("thread_name", event["pid"], event["tid"])
            # Microseconds with three decimals are whole ns.
            found.append(Event(event.get("cat", ""), event["name"], self._name("process_name", event["pid"], 0), thread,
                               round(event["ts"] * 1000), round(event["dur"] * 1000) if "dur" in event else None,
                               event.get("args", {})))
        return sorted(found, key=lambda event: event.ts)

    def of(self, *cats: str) -> List[Event]:
        """The slices and instants of some categories, in order of time."""
        return sorted((one for one in self.slices + self.instants if one.cat in cats), key=lambda event: event.ts)
