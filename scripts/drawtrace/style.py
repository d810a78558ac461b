# SPDX-License-Identifier: GPL-2.0-only
"""How each kind looks in the picture.

Colour is never the only cue: each kind has a hatch or a shape of its own, and the
hatches show on paper without colours too.
"""
from dataclasses import dataclass
from typing import Dict

# The palette of Okabe and Ito, whose colours the colour-blind can distinguish.
COLOURS = {
    "success": "#009E73", "timeout": "#E69F00", "reset": "#0072B2", "failure": "#D55E00",
    "retry": "#CC79A7", "late": "#56B4E9", "spurious": "#222222",
    "abort": "#44337A", "innocent": "#BFE5D8", "missed": "#F0E442",
    "queued": "#C8C8C8", "dropped": "#8A8A8A", "open": "#8A8A8A", "cancelled": "#8A8A8A",
}
INK, FAINT, PAPER, BAND = "#222222", "#B9C0C6", "#FFFFFF", "#F3F5F7"


@dataclass(frozen=True)
class Style:
    """How a kind looks: a bar has a hatch, a mark a shape; `words` stand in the legend.

    `many` stands there instead if a device has many slots; `ink` is the hatch's colour.
    """
    colour: str
    hatch: str
    marker: str
    size: float
    words: str
    many: str = ""
    ink: str = PAPER


BARS = {
    "done": Style(COLOURS["success"], "", "", 0, "operation, ended by interrupt"),
    "missed": Style(COLOURS["success"], "oo", "", 0, "operation, done, but its interrupt was lost"),
    "timeout": Style(COLOURS["timeout"], "////", "", 0, "operation, timed out", "operation, timed out: guilty"),
    "taken": Style(COLOURS["innocent"], "..", "", 0, "operation, taken away by a reset",
                   "operation, taken away by a reset for another: innocent", COLOURS["success"]),
    "abort": Style(COLOURS["abort"], "\\\\", "", 0, "abort"),
    "abort-timeout": Style(COLOURS["abort"], "+", "", 0, "abort, timed out"),
    "reset": Style(COLOURS["reset"], "xxx", "", 0, "reset", "reset, of all slots"),
    "reset-timeout": Style(COLOURS["reset"], "++", "", 0, "reset, timed out"),
    "error": Style(COLOURS["failure"], "\\\\\\\\", "", 0, "operation, ended with error"),
    "dropped": Style(COLOURS["dropped"], "||", "", 0, "dropped by the driver"),
    "open": Style(COLOURS["open"], "--", "", 0, "had not ended"),
    "queued": Style(COLOURS["queued"], "", "", 0, "waiting, or not yet completed", "not under way in the device"),
}
MARKS = {
    "success": Style(COLOURS["success"], "", "o", 5, "completed"),
    "failure": Style(COLOURS["failure"], "", "X", 10, "failed"),
    "cancelled": Style(COLOURS["cancelled"], "", "s", 6, "cancelled"),
    "open": Style(COLOURS["open"], "", "h", 10, "not completed in this trace"),
    "done": Style(COLOURS["success"], "", "|", 11, "interrupt: done"),
    "error": Style(COLOURS["failure"], "", "x", 7, "interrupt: error"),
    "irq-reset": Style(COLOURS["reset"], "", "D", 6, "interrupt: reset done"),
    "irq-abort": Style(COLOURS["abort"], "", "p", 8, "interrupt: abort done"),
    "late": Style(COLOURS["late"], "", "<", 9, "interrupt: late, ignored"),
    "spurious": Style(COLOURS["spurious"], "", "*", 9, "interrupt: spurious"),
    "none": Style(COLOURS["spurious"], "", "*", 9, "interrupt: without cause"),
    "timeout": Style(COLOURS["timeout"], "", "v", 10, "time-out"),
    "missed": Style(COLOURS["missed"], "", "P", 9, "polled: done, the interrupt was lost"),
    "retry": Style(COLOURS["retry"], "", ">", 9, "retry", "guilty: started again, a retry counted"),
    "restart": Style(COLOURS["innocent"], "", "^", 8, "started again, no retry counted",
                     "innocent: started again, no retry counted"),
    "timer": Style(INK, "", "d", 6, "timer created, started, ..."),
    "call": Style(INK, "", ".", 5, "the routine is called"),
}


def mark_look(style: Style) -> Dict[str, object]:
    """A mark's look, for matplotlib. A mark that is a line has no edge."""
    thin = style.marker in "|x"
    return {"marker": style.marker, "markersize": style.size, "color": style.colour,
            "markeredgecolor": style.colour if thin else INK, "markeredgewidth": 1.8 if thin else 0.6}
