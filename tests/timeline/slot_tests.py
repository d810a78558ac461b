# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the pictures of devices with many slots, and of what only these can do: aborts, lost interrupts.

All traces are from a guest (guest.sh). What a picture must show is counted in the
text of its trace; where it shows it is read from the SVG. Run by test.py.
"""
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Tuple

# pylint: disable=wrong-import-position
from pictures import TOP, Svg
import draw
import slots
from chrome_trace import ChromeTrace
from ftrace import parse
from model import Timeline, build, counts
from perfetto import export

TRACES = Path(sys.argv[2] if len(sys.argv) > 2 else "")

# guest.sh checks these numbers in its scenes.
SCENES = {
    "eight-abort": {"requests": 85, "successes": 85, "timeouts": 1, "aborts": 1, "retries": 1, "resets": 0, "innocent": 0},
    "eight-reset": {"requests": 85, "successes": 85, "timeouts": 1, "aborts": 0, "retries": 1, "resets": 1, "innocent": 7},
    "eight-lost": {"requests": 15, "successes": 15, "missed": 1, "timeouts": 0, "resets": 0, "retries": 0},
    "eight-fail": {"failures": 8, "timeouts": 2, "resets": 1, "retries": 0, "innocent": 0},
    "all-hang": {"requests": 16, "successes": 16, "timeouts": 8, "aborts": 8, "retries": 8, "resets": 0},
    "dead": {"requests": 16, "successes": 16, "timeouts": 16, "aborts": 8, "retries": 8, "resets": 1, "innocent": 0},
    "quick": {"requests": 621, "successes": 621, "timeouts": 1, "aborts": 1, "retries": 1},
    "reset-lost": {"requests": 71, "successes": 71, "timeouts": 1, "missed": 1, "resets": 1, "retries": 1, "innocent": 7},
    "overtaken": {"requests": 29, "successes": 29, "timeouts": 1, "aborts": 1, "retries": 0, "resets": 0},
    "suspended": {"requests": 16, "successes": 16, "timeouts": 0, "retries": 0, "resets": 1},
    "unbound": {"requests": 10, "failures": 10, "timeouts": 0},
    "many-abort": {"requests": 256, "successes": 256, "timeouts": 3, "aborts": 3, "retries": 3, "resets": 0},
    "many-reset": {"requests": 256, "successes": 256, "timeouts": 2, "retries": 2, "resets": 1, "innocent": 254},
    "queue": {"requests": 48, "successes": 48, "timeouts": 1, "aborts": 1, "retries": 1},
    "one-lost": {"requests": 1, "successes": 1, "missed": 1, "timeouts": 0, "interrupts": 0},
    "one-abort": {"requests": 1, "successes": 1, "timeouts": 1, "aborts": 1, "retries": 1, "resets": 0},
    "one-reset": {"requests": 1, "successes": 1, "timeouts": 1, "aborts": 0, "retries": 1, "resets": 1},
}
MANY = [name for name in SCENES if not name.startswith("one-")]


def text_of(name: str) -> str:
    return (TRACES / f"{name}.trace").read_text()


@lru_cache(maxsize=None)
def timeline_of(name: str) -> Timeline:
    return build(parse(text_of(name).splitlines()))


def by_slot(text: str) -> Dict[str, Counter]:
    """How many requests were in each slot, and what happened to them there, from the trace's text alone."""
    started = set(re.findall(r"sim_dev_start_io: .*request=(\d+) .*slot=(\d+)", text))
    found = {"request": Counter(slot for _, slot in started)}
    for kind, pattern in (("timeout", r"timeout: .*what=(?!reset).*"), ("abort", "abort: .*"), ("retry", "retry: .*"),
                          ("restart", "restart: .*"), ("missed", r"missed: .*what=(?!reset).*")):
        found[kind] = Counter(re.findall(rf"sim_dev_{pattern}slot=(\d+)", text))
    return found


class Lanes:
    """A picture's lanes, and what is drawn in each."""

    def __init__(self, name: str):
        self.svg = Svg(draw.Picture(timeline_of(name)).svg())
        self.words = self.svg.words()
        self.names: Dict[float, str] = {}
        for element in self.svg.root.iter(Svg.NAMESPACE + "text"):
            text = "".join(element.itertext())
            if re.fullmatch(r"slot \d+|\d+ other slots:|waiting for|interrupts|resets|aborts|polled", text):
                self.names[self.place(element)[1]] = text
            elif text == "requests in them":	# the second line of the lane's name
                self.names[self.place(element)[1]] = list(self.names.values())[-1]

    @staticmethod
    def place(element: ElementTree.Element) -> Tuple[float, float]:
        """The middle of an element."""
        text = ElementTree.tostring(element).decode()
        used = re.findall(r'<(?:ns0:)?use [^>]*x="([\d.]+)" y="([\d.]+)"', text)
        points = used or re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", text) or \
            re.findall(r"translate\(([\d.]+) ([\d.]+)\)", text) or re.findall(r' x="([\d.]+)" y="([\d.]+)"', text)
        xs, ys = ([float(one) for one in both] for both in zip(*points))
        return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def of(self, element: ElementTree.Element) -> str:
        """The name of the lane that the element is in."""
        y = self.place(element)[1]
        return self.names[min(self.names, key=lambda name: abs(name - y))]

    def count(self, kind: str) -> Counter:
        """What is drawn of a kind, by lane."""
        found: Counter = Counter()
        for group in self.svg.of_class(kind):
            found[self.of(group)] += int(group.get("data-n"))
        return found

    def painted(self, kind: str, colour: str) -> Counter:
        """How many bars or marks of a kind have this colour, by lane."""
        return Counter(self.of(group) for group in self.svg.of_class(kind) if colour in self.svg.colours(group))


@lru_cache(maxsize=None)
def lanes_of(name: str) -> Lanes:
    return Lanes(name)


class SlotSceneTest(unittest.TestCase):
    """Each scene of guest.sh: test.py adds a test that compares all counts."""

    def test_all_scenes_were_recorded(self):
        script = (TOP / "tests" / "timeline" / "guest.sh").read_text()
        self.assertEqual(sorted(re.findall(r"^scene ([\w-]+) \"", script, re.M)), sorted(SCENES))
        self.assertEqual(sorted(path.stem for path in TRACES.glob("*.trace")), sorted(SCENES))


class SlotLanesTest(unittest.TestCase):
    EACH = [f"slot {slot}" for slot in range(8)]

    def test_each_slot_has_its_own_requests_and_marks(self):
        for name in MANY:
            lanes, wanted = lanes_of(name), by_slot(text_of(name))
            own = {lane for lane in lanes.names.values() if lane.startswith("slot ")}
            rest = set(wanted["request"]) - {lane.split()[1] for lane in own}
            self.assertTrue(own, name)
            for kind, number in wanted.items():
                found = lanes.count(kind)
                with self.subTest(f"{name}: {kind}"):
                    self.assertEqual({lane: found[lane] for lane in own},
                                     {lane: number[lane.split()[1]] for lane in own})
                    other = sum(found[lane] for lane in found if lane.endswith("other slots:"))
                    self.assertEqual(other, sum(number[slot] for slot in rest))

    def test_lanes_are_in_order(self):
        for name, last in (("eight-abort", 7), ("queue", 3), ("dead", 7)):
            names = [name for _, name in sorted(lanes_of(name).names.items()) if name.startswith("slot")]
            self.assertEqual(names, [f"slot {slot}" for slot in range(last + 1)])

    def test_an_abort_is_in_the_lane_of_its_slot_alone(self):
        lanes = lanes_of("eight-abort")
        for kind in ("timeout", "abort", "retry"):
            self.assertEqual(lanes.count(kind), {"slot 0": 1}, kind)
        self.assertEqual(lanes.painted("abort", "#44337a"), {"slot 0": 1})
        self.assertEqual(lanes.painted("operation", "#e69f00"), {"slot 0": 1})
        for text in ("timed out after 3.", "guilty: retry 1 of 3", "interrupt: abort done", "1 abort,", "in 8 slots"):
            self.assertIn(text, lanes.words)
        self.assertEqual([span.ended for span in timeline_of("eight-abort").devices[0].aborts], ["done"])
        self.assertNotIn("innocent", lanes.words)
        self.assertNotIn("resets", lanes.names.values())

    def test_one_is_guilty_and_seven_innocent(self):
        lanes = lanes_of("eight-reset")
        innocent = {lane: 1 for lane in self.EACH[1:]}
        self.assertEqual(lanes.count("retry"), {"slot 0": 1})
        self.assertEqual(lanes.count("restart"), innocent)
        # The operations that the reset took away are pale; all slots are being reset; one reset is counted.
        self.assertEqual(lanes.painted("operation", "#bfe5d8"), innocent)
        self.assertEqual(lanes.painted("operation", "#e69f00"), {"slot 0": 1})
        self.assertEqual(lanes.painted("resetting", "#0072b2"), {lane: 1 for lane in self.EACH})
        self.assertEqual(lanes.count("reset"), {"resets": 1})
        self.assertEqual(lanes.words.count("innocent: started again"), 8)	# the legend too
        self.assertEqual(lanes.words.count("guilty: retry 1 of 3"), 1)
        for text in ("taken away by a reset for another: innocent", "operation, timed out: guilty", "7 innocent restarts"):
            self.assertIn(text, lanes.words)

    def test_a_lost_interrupt_is_found_by_polling(self):
        lanes = lanes_of("eight-lost")
        slot, = re.findall(r"sim_dev_missed: .*(slot)=(\d+)", text_of("eight-lost"))
        self.assertEqual(lanes.count("missed"), {" ".join(slot): 1})
        for text in ("interrupt lost, found by polling", "1 lost interrupt,", "done, but its interrupt was lost"):
            self.assertIn(text, lanes.words)
        # The bar is green, as it is done, and hatched, as no interrupt ended it.
        hatched = [group for group in lanes.svg.of_class("operation") if "pattern" in lanes.svg.colours(group)]
        self.assertEqual([lanes.of(group) for group in hatched], [" ".join(slot)])

    def test_all_fail_when_the_reset_hangs(self):
        lanes = lanes_of("eight-fail")
        every = {lane: 1 for lane in self.EACH}
        marks = Counter(lanes.of(group) for group in lanes.svg.of_class("failure")
                        if "request" not in group.get("class").split())
        self.assertEqual(marks, every)
        self.assertEqual(lanes.count("resetting"), every)
        self.assertEqual(lanes.count("timeout"), {"slot 0": 1, "resets": 1})
        self.assertEqual(len(re.findall(r"\d+: EIO", lanes.words)), 8)
        self.assertIn("reset, timed out", lanes.words)

    def test_aborts_that_time_out(self):
        lanes = lanes_of("dead")
        self.assertEqual(lanes.count("timeout"), {lane: 2 for lane in self.EACH})
        self.assertEqual(lanes.words.count("guilty: retry 1 of 3"), 8)
        self.assertIn("abort, timed out", lanes.words)
        spans = [span.ended for span in timeline_of("dead").devices[0].aborts]
        self.assertEqual(spans, ["timeout"] * 8)

    def test_a_reset_whose_interrupt_is_lost(self):
        lanes = lanes_of("reset-lost")
        self.assertEqual(lanes.count("missed"), {"resets": 1})
        device = timeline_of("reset-lost").devices[0]
        self.assertEqual([span.ended for span in device.resets], ["missed"])
        self.assertIn("polled: done, the interrupt was lost", lanes.words)

    def test_an_operation_that_ends_before_its_abort(self):
        device = timeline_of("overtaken").devices[0]
        abort, = device.aborts
        request, = [one for one in device.requests if one.number == abort.request]
        self.assertEqual((abort.ended, request.outcome, request.retries), ("overtaken", "success", 0))
        self.assertIn("done before its abort", lanes_of("overtaken").words)
        self.assertEqual(abort.end, max(mark.at for mark in device.interrupts
                                        if mark.kind == "done" and mark.slot == abort.slot and mark.at <= request.complete))

    def test_what_concerns_no_request_makes_none(self):
        text = text_of("suspended")
        self.assertRegex(text, "sim_dev_reset: dev=sim_dev.0 request=0 ")
        device = timeline_of("suspended").devices[0]
        self.assertNotIn(0, [request.number for request in device.requests])
        self.assertEqual([span.ended for span in device.resets], ["done"])

    def test_requests_that_never_come_into_a_slot(self):
        lanes = lanes_of("unbound")
        self.assertEqual(lanes.count("request failure"), {"waiting for": 6, **{lane: 1 for lane in self.EACH[:4]}})
        self.assertIn("6 failed", lanes.words)
        ended = [span.ended for request in timeline_of("unbound").devices[0].requests for span in request.spans]
        self.assertEqual(ended, ["dropped"] * 4)

    def test_waiting_is_shown_if_requests_wait(self):
        self.assertIn("waiting for", lanes_of("queue").names.values())
        self.assertNotIn("waiting for", lanes_of("eight-abort").names.values())

    def test_of_256_slots_those_that_something_happened_to(self):
        for name, kind in (("many-abort", "abort"), ("many-reset", "retry")):
            lanes, wanted = lanes_of(name), by_slot(text_of(name))
            own = sorted(f"slot {slot}" for slot in wanted["timeout"])
            self.assertEqual(sorted(lane for lane in lanes.names.values() if lane.startswith("slot")), own)
            rest = len(wanted["request"]) - len(own)
            self.assertEqual({lane for lane in lanes.names.values() if "other" in lane}, {f"{rest} other slots:"})
            done = sum(number for slot, number in wanted["request"].items() if f"slot {slot}" not in own)
            self.assertIn(f"{done} completed", lanes.words)
            self.assertEqual(lanes.count(kind), {lane: 1 for lane in own})
        self.assertIn("254 innocent: started again", lanes_of("many-reset").words)

    def test_no_more_lanes_than_fit(self):
        # Every slot of this device timed out.
        timeline = timeline_of("all-hang")
        before, slots.MOST = slots.MOST, 5
        try:
            picture = draw.Picture(timeline)
        finally:
            slots.MOST = before
        svg = Svg(picture.svg())
        self.assertEqual([lane.words for lane in picture.lanes][:6],
                         [f"slot {slot}" for slot in range(5)] + ["3 other slots:\nrequests in them"])
        found = counts(timeline)
        self.assertEqual({key: svg.counts()[key] for key in ("requests", "timeouts", "aborts", "retries")},
                         {key: found[key] for key in ("requests", "timeouts", "aborts", "retries")})

    def test_what_is_too_quick_to_see_is_enlarged(self):
        def zoomed(name: str) -> List[str]:
            return [group.get("class") for group in lanes_of(name).svg.marked if "zoom" in group.get("class").split()]
        self.assertTrue({"zoom timeout", "zoom abort", "zoom retry"} <= set(zoomed("quick")))
        for name in ("eight-abort", "eight-reset", "many-abort"):
            self.assertEqual(zoomed(name), [], name)

    def test_no_mark_hides_another(self):
        for name in MANY:
            lanes = lanes_of(name)
            places: Dict[str, List[float]] = {}
            for kind in ("timeout", "retry", "restart", "missed", "success", "failure"):
                for group in lanes.svg.of_class(kind):
                    if "request" not in group.get("class").split() and lanes.of(group).startswith("slot"):
                        places.setdefault(lanes.of(group), []).append(lanes.place(group)[0])
            for lane, own in places.items():
                for before, after in zip(sorted(own), sorted(own)[1:]):
                    # Pixels of the PNG, of which 100 are 72 points.
                    self.assertGreater((after - before) * 100 / 72, slots.APART - 0.5, f"{name}: {lane}")

    def test_no_text_covers_another_in_a_slot(self):
        for name in MANY:
            picture = draw.Picture(timeline_of(name))
            picture.png()
            renderer = picture.figure.canvas.get_renderer()
            for axes in picture.figure.axes:
                rows: Dict[float, List[Tuple[float, float, str]]] = {}
                tops = {round(lane.top + 0.28, 6) for lane in picture.lanes if lane.kind == "slot"}
                for text in axes.texts:
                    if round(text.get_position()[1], 6) in tops:
                        box = text.get_window_extent(renderer)
                        rows.setdefault(text.get_position()[1], []).append((box.x0, box.x1, text.get_text()))
                for own in rows.values():
                    for before, after in zip(sorted(own), sorted(own)[1:]):
                        self.assertLess(before[1], after[0] + 2, f"{name}: {before[2]} and {after[2]}")

    def test_a_trace_that_begins_in_the_middle(self):
        for name in MANY:
            lines = text_of(name).splitlines()
            timeline = build(parse(lines[len(lines) // 2:]))
            own, found = Svg(draw.Picture(timeline).svg()).counts(), counts(timeline)
            for key in ("requests", "timeouts", "resets", "retries", "innocent", "missed"):
                self.assertEqual(own[key], found[key], f"{name}: {key}")
            self.assertEqual(len(ChromeTrace(export(timeline)).of("request")), found["requests"])


    def test_a_trace_that_begins_with_a_reset_or_its_time_out(self):
        for name, begin, ended in (("eight-reset", "sim_dev_reset:", "done"), ("eight-fail", "what=reset", "timeout")):
            lines = text_of(name).splitlines()
            first = next(number for number, line in enumerate(lines) if begin in line)
            device = build(parse(lines[first:])).devices[0]
            guilty, = re.findall(r"request=(\d+)", lines[first])
            spans = [span for request in device.requests if request.number == int(guilty) for span in request.spans]
            self.assertEqual([span.ended for span in device.resets], [ended], name)
            self.assertIs(spans[0], device.resets[0], name)

    def test_much_is_drawn_in_little(self):
        # pylint: disable=cell-var-from-loop
        # The trace of a quick device forty times, one after the other: 24,000 requests.
        lines = [line for line in text_of("quick").splitlines() if not line.startswith("#")]
        many = []
        for number in range(40):
            for line in lines:
                line = re.sub(r"request=(\d+)", lambda match: f"request={int(match[1]) + 1000 * number}", line)
                many.append(re.sub(r" (\d+\.\d{6}): ", lambda match: f" {float(match[1]) + 6 * number:.6f}: ", line, count=1))
        timeline = build(parse(many))
        svg = draw.Picture(timeline).svg()
        self.assertLess(len(svg), 2000000)
        own, found = Svg(svg).counts(), counts(timeline)
        self.assertEqual({key: own[key] for key in own if key != "cancelled"}, {key: found[key] for key in own})


class OneSlotTest(unittest.TestCase):
    """A device with one slot is drawn as ever."""

    @staticmethod
    def all_of(text: str) -> Tuple[bytes, bytes, bytes]:
        timeline = build(parse(text.splitlines()))
        picture = draw.Picture(timeline)
        return picture.svg(), picture.png(), export(timeline)

    def test_without_the_field_a_slot_is_0(self):
        demo = sorted(Path(sys.argv[1]).glob("0[2-6]*.trace"))
        self.assertEqual(len(demo), 5)
        for text in [path.read_text() for path in demo] + [text_of("one-reset"), text_of("one-lost")]:
            old = re.sub(r" slot=0$", "", text, flags=re.M)
            self.assertNotEqual(old, text)
            # Not assertEqual, which compares long values line by line.
            self.assertTrue(self.all_of(old) == self.all_of(text))

    def test_no_slot_is_named(self):
        demo = [path for path in Path(sys.argv[1]).glob("*.trace") if int(path.stem[:2]) <= 12]
        self.assertEqual(len(demo), 12)
        for path in demo + [TRACES / "one-abort.trace", TRACES / "one-lost.trace"]:
            svg, _, data = self.all_of(path.read_text())
            self.assertNotRegex(Svg(svg).words(), r"slot \d|guilty|innocent", path.stem)
            self.assertNotIn(b'"slot', data, path.stem)

    def test_aborts_and_lost_interrupts_have_lanes(self):
        self.assertEqual(lanes_of("one-abort").count("abort"), {"aborts": 1})
        self.assertEqual(lanes_of("one-lost").count("missed"), {"polled": 1})
        self.assertIn("its interrupt was lost", lanes_of("one-lost").words)


class SlotExportTest(unittest.TestCase):
    def test_each_slot_has_a_track(self):
        for name in MANY:
            text = text_of(name)
            trace, wanted = ChromeTrace(export(timeline_of(name))), by_slot(text)
            wanted["operation"] = Counter(re.findall(r"sim_dev_start_io: .*slot=(\d+)", text))
            for kind in ("operation", "timeout", "abort", "retry", "restart", "missed"):
                tracks = Counter(event.thread for event in trace.of(kind))
                found = {track.split()[1]: number for track, number in tracks.items() if track.startswith("slot ")}
                self.assertEqual(found, wanted[kind], f"{name}: {kind}")
            self.assertEqual({event.thread for event in trace.of("reset")}, {"resets"} if "sim_dev_reset" in text else set())

    def test_requests_and_interrupts_name_their_slot(self):
        text = text_of("eight-reset")
        trace = ChromeTrace(export(timeline_of("eight-reset")))
        slot_of = dict(re.findall(r"sim_dev_start_io: .*request=(\d+) .*slot=(\d+)", text))
        self.assertEqual({str(one.args["request"]): str(one.args["slot"]) for one in trace.of("request")}, slot_of)
        self.assertEqual(sum(one.args["restarts"] for one in trace.of("request")), 7)
        number = len(re.findall(r"cause=done .*slot=3$", text, re.M))
        self.assertEqual(sum(one.name.startswith("slot 3: interrupt: done") for one in trace.of("interrupt")), number)

    def test_how_each_ended(self):
        ended = Counter(span.args["ended"] for span in ChromeTrace(export(timeline_of("eight-reset"))).of("operation"))
        self.assertEqual(ended, {"timeout": 1, "taken": 7, "done": 85})
