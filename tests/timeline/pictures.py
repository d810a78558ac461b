# SPDX-License-Identifier: GPL-2.0-only
"""What the tests read out of traces, pictures and exports, each by means of its own."""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List

TOP = Path(__file__).resolve().parent.parent.parent
DRAWTRACE = TOP / "scripts" / "drawtrace"
sys.path.insert(1, str(DRAWTRACE))

# pylint: disable=wrong-import-position
from chrome_trace import ChromeTrace


def count_text(text: str) -> Dict[str, int]:
    """The number of requests, time-outs, ... in a trace, from its text alone."""
    def number(pattern: str) -> int:
        return len(re.findall(pattern, text))

    return {
        "requests": number(r"sim_dev_submit:"),
        "successes": number(r"sim_dev_complete: .*result=\d"),
        "failures": number(r"sim_dev_complete: .*result=-(?!4\b)"),
        "interrupts": number(r"sim_dev_interrupt:"),
        "late": number(r"verdict=late"),
        "spurious": number(r"verdict=spurious"),
        "timeouts": number(r"sim_dev_timeout:"),
        "resets": number(r"sim_dev_reset:"),
        "retries": number(r"sim_dev_retry:"),
        "innocent": number(r"sim_dev_restart:"),
        "aborts": number(r"sim_dev_abort:"),
        "missed": number(r"sim_dev_missed:"),
        "ticks": number(r"iotimer_tick:"),
    }


class Svg:
    """An SVG picture, read by an XML parser."""

    NAMESPACE = "{http://www.w3.org/2000/svg}"
    # The class of the elements, in the left panel, that represent a count.
    CLASSES = {"requests": "request", "successes": "request success", "failures": "failure", "timeouts": "timeout",
               "resets": "reset", "retries": "retry", "innocent": "restart",
               "aborts": "abort", "missed": "missed", "late": "late", "spurious": "spurious", "ticks": "tick"}
    INTERRUPTS = ("done", "error", "irq-reset", "irq-abort", "late", "spurious", "none")

    def __init__(self, data: bytes):
        self.root = ElementTree.fromstring(data)
        self.marked = [group for group in self.root.iter(self.NAMESPACE + "g") if group.get("data-n")]
        # matplotlib defines a shape or hatch once, and refers to it by its id.
        self.by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}

    def of_class(self, kind: str) -> List[ElementTree.Element]:
        wanted = set(kind.split())
        return [group for group in self.marked if wanted <= set(group.get("class").split())
                and "zoom" not in group.get("class").split()]

    def count(self, kind: str) -> int:
        return sum(int(group.get("data-n")) for group in self.of_class(kind))

    def counts(self) -> Dict[str, int]:
        found = {key: self.count(kind) for key, kind in self.CLASSES.items()}
        # A failed request has a bar and a mark at its end.
        found["failures"] = self.count("request failure")
        assert self.count("failure") == 2 * found["failures"], "a failure without its mark"
        found["ticks"] += self.count("cut")
        found["interrupts"] = sum(self.count(kind) for kind in self.INTERRUPTS)
        return found

    def colours(self, group: ElementTree.Element) -> str:
        """Everything that determines how a group is painted, patterns included, in lower case."""
        text = ElementTree.tostring(group).decode()
        for name in re.findall(r"url\(#(\w+)\)", text):
            if self.by_id[name].tag.endswith("pattern"):
                text += ElementTree.tostring(self.by_id[name]).decode()
        return text.lower()

    def words(self) -> str:
        return " ".join("".join(element.itertext()) for element in self.root.iter(self.NAMESPACE + "text"))


def count_export(data: bytes) -> Dict[str, int]:
    """The same numbers from an export."""
    trace = ChromeTrace(data)
    results = [request.args.get("result") for request in trace.of("request")]
    interrupts = [interrupt.name for interrupt in trace.of("interrupt")]
    return {
        "requests": len(results),
        "successes": sum(result is not None and result >= 0 for result in results),
        "failures": sum(result is not None and result < 0 and result != -4 for result in results),
        "interrupts": len(interrupts),
        "late": sum("late" in name for name in interrupts),
        "spurious": sum("spurious" in name for name in interrupts),
        "timeouts": len(trace.of("timeout")),
        "resets": len(trace.of("reset")),
        "retries": len(trace.of("retry")),
        "innocent": len(trace.of("restart")),
        "aborts": len(trace.of("abort")),
        "missed": len(trace.of("missed")),
        "ticks": len(trace.of("tick")),
    }
