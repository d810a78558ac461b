# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the timeline: test.py TRACES SLOTS [PATTERN]...

TRACES is a folder of recorded traces (scripts/timeline --traces), those of the demo,
and SLOTS one of those of guest.sh (with --guest). The contents of the pictures and of the export are compared with what is counted in the text of
the traces. Prints KTAP; nothing is skipped.
"""
import io
import itertools
import os
import re
import subprocess
import sys
import tempfile
import traceback
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List

import numpy
from matplotlib.colors import to_rgb
from matplotlib.image import imread

# pylint: disable=wrong-import-position
from pictures import DRAWTRACE, TOP, Svg, count_export, count_text	# finds the drawing's modules
import draw
import slot_tests
from chrome_trace import BadTrace, ChromeTrace
from ftrace import TraceError, parse, parse_event
from model import build, counts, rows
from perfetto import export
from synthetic import Recorder

TRACES = Path(sys.argv[1] if len(sys.argv) > 1 else "")

# The demo checks these numbers in its scenes, so the pictures must have them.
SCENES = {
    "01-hundred": {"requests": 100, "successes": 100, "interrupts": 100, "timeouts": 0},
    "02-hang": {"requests": 1, "successes": 1, "timeouts": 1, "resets": 1, "retries": 1},
    "03-reset-hang": {"requests": 2, "successes": 1, "failures": 1, "timeouts": 2, "resets": 1, "retries": 0},
    "04-give-up": {"requests": 2, "failures": 1, "timeouts": 4, "resets": 4, "retries": 3},
    "05-late-in-reset": {"requests": 1, "successes": 1, "late": 1, "retries": 1},
    "06-late-after-retry": {"requests": 1, "successes": 1, "late": 1, "retries": 1},
    "07-spurious": {"requests": 0, "spurious": 100},
    "08-four-devices": {"requests": 151, "successes": 151, "timeouts": 1},
    "09-bad-commands": {"requests": 0, "interrupts": 0},
    "10-unbind": {"requests": 2, "successes": 1, "failures": 1, "timeouts": 0},
    "11-reload": {"requests": 1, "successes": 1},
    "12-drawn": {"requests": 1, "successes": 1, "timeouts": 1, "resets": 1, "retries": 1},
    "13-one-of-eight": {"requests": 640, "successes": 640, "timeouts": 1, "resets": 0, "retries": 1},
    "14-all-eight": {"requests": 8, "successes": 8, "timeouts": 8, "resets": 0, "retries": 8},
    "15-no-abort": {"requests": 16, "successes": 16, "timeouts": 1, "resets": 1, "retries": 1},
    "16-lost-among-many": {"requests": 80, "successes": 80, "timeouts": 0, "resets": 0},
    "17-eight-lost": {"requests": 8, "successes": 8, "timeouts": 0, "resets": 0},
    "18-abort-hang": {"requests": 16, "successes": 16, "resets": 1, "retries": 1},
    "19-eight-fail": {"requests": 17, "successes": 9, "failures": 8, "resets": 1, "retries": 0},
    "20-three-late": {"requests": 1, "successes": 1, "late": 3, "timeouts": 3, "retries": 3},
    "23-upper-too-short": {"requests": 10, "successes": 2, "timeouts": 2, "resets": 2, "retries": 0},
    "24-upper-long-enough": {"requests": 8, "successes": 8, "timeouts": 2, "resets": 2, "retries": 2},
}


def timeline_of(recorder: Recorder):
    return build(parse(recorder.text()))


class ParserTest(unittest.TestCase):
    LINE = "              sh-526     [000] d..1.    16.327902: sim_dev_submit: dev=sim_dev.0 request=101 len=6 nonblock=0 " \
        "outstanding=1"

    def test_reads_a_line_of_the_trace_file(self):
        event = parse_event(self.LINE)
        self.assertEqual((event.at, event.cpu, event.name, event.dev), (16327902000, 0, "sim_dev_submit", "sim_dev.0"))
        self.assertEqual(event.numbers, {"request": 101, "len": 6, "nonblock": 0, "outstanding": 1})

    def test_reads_all_events_of_the_interface(self):
        spec = """
        iotimer_create: dev=sim_dev.0 fn=sim_dev_watchdog [sim_dev]
        iotimer_destroy: dev=sim_dev.0
        iotimer_start: dev=sim_dev.0 was_enabled=0
        iotimer_stop: dev=sim_dev.0 was_enabled=1
        iotimer_expire_entry: dev=sim_dev.0 fn=sim_dev_watchdog [sim_dev]
        iotimer_expire_exit: dev=sim_dev.0 fn=sim_dev_watchdog [sim_dev]
        iotimer_tick: calls=4 ns=15000 steps=1 late=0 missed=0
        iotimer_pause: ns=200000
        iotimer_overrun: missed=3
        sim_dev_submit: dev=sim_dev.0 request=101 len=6 nonblock=0 outstanding=1
        sim_dev_start_io: dev=sim_dev.0 request=101 tag=102 counter=4
        sim_dev_interrupt: dev=sim_dev.0 cause=done tag=102 verdict=accepted
        sim_dev_second: dev=sim_dev.0 counter=-1
        sim_dev_timeout: dev=sim_dev.0 request=101 what=operation us=3107000
        sim_dev_reset: dev=sim_dev.0 request=101 counter=2
        sim_dev_retry: dev=sim_dev.0 request=101 attempt=1 max=3
        sim_dev_start_io: dev=sim_dev.0 request=101 tag=102 counter=4 slot=255
        sim_dev_interrupt: dev=sim_dev.0 cause=abort tag=102 verdict=accepted slot=7
        sim_dev_timeout: dev=sim_dev.0 request=101 what=abort us=1000000 slot=7
        sim_dev_missed: dev=sim_dev.0 request=101 what=operation
        sim_dev_missed: dev=sim_dev.0 request=101 what=operation slot=7
        sim_dev_abort: dev=sim_dev.0 request=101 tag=102 slot=7
        sim_dev_retry: dev=sim_dev.0 request=101 attempt=1 max=3 slot=7
        sim_dev_restart: dev=sim_dev.0 request=101 restarts=1 slot=7
        sim_dev_complete: dev=sim_dev.0 request=101 result=-110 us=-1 retries=1
        sim_dev_complete: dev=sim_dev.0 request=101 result=6 us=-1 retries=1 cancelled=1""".strip().split("\n")
        for line in spec:
            event = parse_event("  <idle>-0  [001] ..s2. 1.000001: " + line.strip())
            self.assertEqual(event.name, line.split(":")[0].strip())
            self.assertEqual("slot" in event.numbers, "slot=" in line)
            for key, value in event.numbers.items():
                self.assertIn(f"{key}={value}", line)
            for key, value in event.words.items():
                self.assertIn(f"{key}={value}", line)

    def test_reads_reports_of_trace_cmd(self):
        for prefix in ("  kworker/u4:2-1234  [003]    16.327902: sim_dev_submit:       ",
                       "  irq/24-sim_dev-78  [003] d..1.    16.327902: sim_dev_submit:       ",
                       "           <...>-526   (  526) [003] d..1.    16.327902: sim_dev_submit: ",
                       "    my task with-dash-9  [003]    16.327902000: sim_dev_submit:       "):
            event = parse_event(prefix + self.LINE.split("submit: ")[1])
            self.assertEqual((event.at, event.cpu), (16327902000, 3), prefix)

    def test_a_report_that_trace_cmd_wrote(self):
        trace = parse("""cpus=1
           sleep-95    [000]    13.541222: sim_dev_submit:       dev=sim_dev.0 request=1 len=6 nonblock=0 outstanding=1
           sleep-95    [000]    13.541229: sim_dev_start_io:     dev=sim_dev.0 request=1 tag=1 counter=4
          <idle>-0     [000]    14.148039: iotimer_expire_entry: dev=sim_dev.0 fn=sim_dev_watchdog
          <idle>-0     [000]    14.148058: iotimer_tick:         calls=1 ns=31336 steps=1 late=0 missed=0
          <idle>-0     [000]    17.148048: sim_dev_timeout:      dev=sim_dev.0 request=1 what=operation us=3606818
          <idle>-0     [000]    17.148148: sim_dev_reset:        dev=sim_dev.0 request=1 counter=2
          <idle>-0     [000]    17.153166: sim_dev_interrupt:    dev=sim_dev.0 cause=reset tag=1 verdict=accepted
 irq/24-sim_dev.-91    [000]    17.153323: sim_dev_retry:        dev=sim_dev.0 request=1 attempt=1 max=3
""".splitlines())
        self.assertEqual((len(trace.events), trace.unread, trace.lost), (8, 0, 0))
        found = counts(build(trace))
        self.assertEqual((found["timeouts"], found["resets"], found["retries"], found["open"]), (1, 1, 1, 1))

    def test_ignores_what_is_not_ours(self):
        for line in ("", "garbage", "cpus=1", "# tracer: nop", "<idle>-0 [000] d.h1. 1.000000: sched_switch: prev_comm=a",
                     "CPU 0 is empty", "sim_dev_submit: dev=a", "\x00\xff"):
            self.assertIsNone(parse_event(line), line)

    def test_counts_what_cannot_be_read(self):
        bad = [self.LINE[:-10], self.LINE.replace("len=6", "len=six"), self.LINE.replace("submit", "explode"),
               "sh-1 [000] d..1. 1.000000: sim_dev_interrupt: dev=a cause=done tag=1 verdict=maybe"]
        trace = parse([self.LINE] + bad)
        self.assertEqual((len(trace.events), trace.unread), (1, 4))

    def test_refuses_a_trace_without_our_events(self):
        with self.assertRaisesRegex(TraceError, "no event"):
            parse(["# tracer: nop", "sh-1 [000] d..1. 1.0: sched_switch: a"])

    def test_counts_lost_events(self):
        self.assertEqual(parse([self.LINE, "CPU:0 [LOST 123 EVENTS]", "CPU:1 [LOST 4 EVENTS]"]).lost, 127)
        self.assertEqual(parse([self.LINE, "CPU:0 [123 EVENTS DROPPED]"]).lost, 123)
        self.assertEqual(parse(["# entries-in-buffer/entries-written: 49/60   #P:1", self.LINE]).lost, 11)
        self.assertTrue(parse([self.LINE, "CPU:0 [EVENTS DROPPED]"]).loss_unknown)
        self.assertFalse(parse([self.LINE]).loss_unknown)

    def test_sorts_by_time(self):
        trace = parse([self.LINE.replace("16.3", "17.3"), self.LINE])
        self.assertEqual([event.at for event in trace.events], [16327902000, 17327902000])


class ModelTest(unittest.TestCase):
    def test_a_hang(self):
        recorder = Recorder()
        recorder.hang()
        timeline = timeline_of(recorder)
        found = counts(timeline)
        wanted = {"requests": 1, "successes": 1, "failures": 0, "timeouts": 1, "resets": 1, "retries": 1, "interrupts": 2}
        self.assertEqual({key: found[key] for key in wanted}, wanted)
        request = timeline.devices[0].requests[0]
        self.assertEqual([(span.kind, span.ended) for span in request.spans],
                         [("operation", "timeout"), ("reset", "done"), ("operation", "done")])
        self.assertEqual([value for _, value in timeline.devices[0].counter], [4, 3, 2, 1, 2, 2, -1, 4, -1])

    def test_a_reset_that_fails(self):
        recorder = Recorder()
        recorder.reset_fails()
        timeline = timeline_of(recorder)
        request = timeline.devices[0].requests[0]
        self.assertEqual((request.outcome, request.error), ("failure", "EIO"))
        self.assertEqual([(span.kind, span.ended) for span in request.spans],
                         [("operation", "timeout"), ("reset", "timeout")])
        self.assertEqual(timeline.devices[0].counter[-1][1], -1)

    def test_a_request_that_never_completes(self):
        recorder = Recorder()
        recorder.submit(1, 1)
        recorder.start_io(1.00001, 1)
        recorder.success(2, 2)
        request = timeline_of(recorder).devices[0].requests[0]
        self.assertEqual((request.outcome, request.complete, request.spans[0].end), ("open", None, None))

    def test_a_request_from_before_the_trace(self):
        recorder = Recorder()
        recorder.interrupt(5)
        recorder.complete(5.1, 7, 6, us=600000)
        recorder.complete(5.2, 8, 6, us=-1)
        first, second = timeline_of(recorder).devices[0].requests
        self.assertEqual(first.submit, 4500000000)
        self.assertIsNone(second.submit)

    def test_a_device_that_goes(self):
        recorder = Recorder()
        recorder.submit(1, 5)
        recorder.start_io(1.1, 5)
        recorder.complete(2, 5, -19)
        recorder.success(3, 1)
        recorder.success(4, 5)
        requests = timeline_of(recorder).devices[0].requests
        self.assertEqual([(request.number, request.outcome) for request in requests],
                         [(5, "failure"), (1, "success"), (5, "success")])
        self.assertEqual(requests[0].spans[0].ended, "dropped")

    def test_a_completed_request_is_over(self):
        recorder = Recorder()
        recorder.success(1, 5)
        recorder.start_io(2, 5)		# the driver was bound again, and the submit was lost
        requests = timeline_of(recorder).devices[0].requests
        self.assertEqual([(request.outcome, len(request.spans)) for request in requests], [("success", 1), ("open", 1)])

    def test_cancelled(self):
        recorder = Recorder()
        for number, (result, more) in enumerate(((-4, ""), (6, " cancelled=1"), (6, " cancelled=0"), (-5, ""))):
            recorder.submit(number, number)
            recorder.complete(number + 0.5, number, result)
            recorder.lines[-1] += more
        outcomes = [request.outcome for request in timeline_of(recorder).devices[0].requests]
        self.assertEqual(outcomes, ["cancelled", "cancelled", "success", "failure"])

    def test_late_and_spurious_interrupts_end_nothing(self):
        recorder = Recorder()
        recorder.submit(1, 1)
        recorder.start_io(1.1, 1)
        recorder.interrupt(1.2, "done", "late")
        recorder.interrupt(1.3, "none", "spurious")
        timeline = timeline_of(recorder)
        self.assertIsNone(timeline.devices[0].requests[0].spans[0].end)
        self.assertEqual([mark.kind for mark in timeline.devices[0].interrupts], ["late", "spurious"])
        self.assertEqual([value for _, value in timeline.devices[0].counter], [4])

    def test_ticks_without_the_tick_event(self):
        recorder = Recorder()
        recorder.ticks(1, 5)
        recorder.lines = [line for line in recorder.lines if "iotimer_tick" not in line]
        self.assertEqual([tick.at // 10**9 for tick in timeline_of(recorder).ticks], [1, 2, 3, 4])

    def test_rows_do_not_overlap(self):
        recorder = Recorder()
        for number in range(20):
            recorder.submit(1 + number / 100, number)
            recorder.complete(2 + (number * 7 % 20) / 10, number, 1)
        timeline = timeline_of(recorder)
        packed = rows(timeline.devices[0].requests, timeline.begin, timeline.end)
        self.assertEqual(sum(len(row) for row in packed), 20)
        for row in packed:
            for before, after in zip(row, row[1:]):
                self.assertLessEqual(before.complete, after.submit)

    def test_devices_by_number(self):
        recorder = Recorder("sim_dev.10")
        recorder.success(1, 1)
        recorder.dev = "sim_dev.9"
        recorder.success(2, 1)
        self.assertEqual([device.name for device in timeline_of(recorder).devices], ["sim_dev.9", "sim_dev.10"])


class DrawTest(unittest.TestCase):
    def check_counts(self, recorder: Recorder) -> Svg:
        svg = Svg(draw.Picture(timeline_of(recorder)).svg())
        self.assertEqual(svg.counts(), count_text("\n".join(recorder.text())))
        return svg

    def everything(self) -> Recorder:
        recorder = Recorder()
        recorder.ticks(15, 45)
        recorder.hang()
        recorder.interrupt(24, "done", "late")
        recorder.interrupt(25, "none", "spurious")
        recorder.reset_fails()
        recorder.success(40, 8, 0.8)
        return recorder

    def test_all_is_drawn(self):
        self.check_counts(self.everything())

    def test_what_is_aggregated_counts_in_full(self):
        recorder = Recorder()
        recorder.ticks(0, 700)
        for number in range(3000):
            recorder.success(1 + number * 0.002, number, 0.001)
        recorder.hang(300, 3001, 303.0845)
        svg = self.check_counts(recorder)
        self.assertLess(len(svg.marked), 1000)

    def test_kinds_have_their_colours(self):
        svg = self.check_counts(self.everything())
        for kind, colour in (("timeout", "#e69f00"), ("reset", "#0072b2"), ("retry", "#cc79a7"), ("late", "#56b4e9"),
                             ("spurious", "#222222"), ("done", "#009e73"), ("irq-reset", "#0072b2")):
            self.assertTrue(svg.of_class(kind), kind)
            for group in svg.of_class(kind):
                self.assertIn(colour, svg.colours(group), kind)
        # Failed requests, and the others, have different marks at their ends.
        for group in svg.of_class("failure"):
            if "request" not in group.get("class").split():
                self.assertIn("#d55e00", svg.colours(group))
                self.assertNotIn("#009e73", svg.colours(group))
        good = [group for group in svg.of_class("success") if "request" not in group.get("class").split()]
        self.assertTrue(good)
        for group in good:
            self.assertIn("#009e73", svg.colours(group))
        # Of the four operations two timed out. Each is hatched in its colour.
        painted = [svg.colours(group) for group in svg.of_class("operation")]
        self.assertEqual(len(painted), 4)
        self.assertEqual(sum("#e69f00" in text and "pattern" in text for text in painted), 2)
        self.assertEqual(sum("#009e73" in text for text in painted), 2)

    def test_a_request_that_never_completes_is_open(self):
        recorder = Recorder()
        recorder.ticks(0, 10)
        recorder.submit(1.5, 1)
        recorder.start_io(1.50001, 1)
        picture = draw.Picture(timeline_of(recorder))
        svg = Svg(picture.svg())
        self.assertEqual((svg.count("request open"), svg.count("request success"), svg.count("failure")), (1, 0, 0))
        self.assertIn("1: open", svg.words())
        self.assertIn("not completed in this trace", svg.words())
        operation, = svg.of_class("operation")
        self.assertIn("#8a8a8a", svg.colours(operation))
        self.assertNotIn("#009e73", svg.colours(operation))
        bar = svg.of_class("request open")[0]
        # The bar reaches the end of the trace.
        numbers = [float(number) for number in re.findall(r"[ML] ([\d.]+)", ElementTree.tostring(bar).decode())]
        self.assertGreater(max(numbers) - min(numbers), 0.7 * 10 * 72)

    def test_lost_events_are_said(self):
        recorder = self.everything()
        recorder.lines.insert(9, "CPU:0 [LOST 123 EVENTS]")
        timeline = build(parse(recorder.lines))
        svg = Svg(draw.Picture(timeline).svg())
        self.assertEqual(svg.count("note"), 1)
        self.assertIn("lost 123 events", svg.words())
        self.assertNotIn("lost", Svg(draw.Picture(timeline_of(self.everything())).svg()).words())

    def test_idle_is_cut_and_said(self):
        recorder = Recorder()
        recorder.ticks(0, 3600)
        recorder.dev = "sim_dev.1"
        recorder.ticks(0, 3600, 0.085)
        recorder.dev = "sim_dev.0"
        recorder.success(1.5, 1)
        recorder.success(3500, 2)
        timeline = timeline_of(recorder)
        svg = Svg(draw.Picture(timeline).svg())
        self.assertIn("s idle", svg.words())
        self.assertEqual(svg.count("request success"), 2)
        scale = draw.Scale(timeline.begin, timeline.end, draw.idle_cuts(timeline))
        self.assertLess(scale.x(timeline.end), 20)
        times = [scale.x(timeline.begin + second * 10**9) for second in range(3600)]
        self.assertEqual(times, sorted(times))

    def test_a_driver_without_requests(self):
        recorder = Recorder("0000:00:03.0")
        recorder.ticks(0, 5)
        svg = Svg(draw.Picture(timeline_of(recorder)).svg())
        self.assertEqual(svg.count("call"), 5)

    def test_same_bytes_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder, "trace")
            trace.write_text("\n".join(self.everything().text()))
            results = []
            for seed in ("1", "2"):
                out = [Path(folder, seed + suffix) for suffix in (".svg", ".png", ".json")]
                subprocess.run([sys.executable, "-B", DRAWTRACE, trace, "--svg", out[0], "--png", out[1], "--perfetto", out[2]],
                               check=True, env={**os.environ, "PYTHONHASHSEED": seed})
                results.append([path.read_bytes() for path in out])
        self.assertEqual(results[0], results[1])

    def test_png(self):
        recorder = self.everything()
        picture = draw.Picture(timeline_of(recorder))
        data = picture.png()
        width, height = (int.from_bytes(data[at:at + 4], "big") for at in (16, 20))
        self.assertEqual(width, 1200)
        svg = Svg(picture.svg()).root
        self.assertEqual(height, round(float(svg.get("height")[:-2]) / 72 * draw.DPI))
        pixels = imread(io.BytesIO(data))[:, :, :3]
        for kind in ("success", "timeout", "reset", "failure", "retry"):
            near = numpy.abs(pixels - numpy.array(to_rgb(draw.COLOURS[kind]))).max(axis=2) < 0.01
            self.assertGreater(near.sum(), 20, kind)

    def test_an_xml_parser_of_another_kind_agrees(self):
        data = draw.Picture(timeline_of(self.everything()), "<&> \"title\"").svg()
        done = subprocess.run(["xmllint", "--noout", "--nonet", "-"], input=data, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


class EyesTest(unittest.TestCase):
    """Can people who see no red, or no green, distinguish the kinds?"""

    # Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
    SIGHTS = {
        "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "all colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }

    @classmethod
    def seen(cls, colour: str, sight: str) -> numpy.ndarray:
        """A colour in CIE Lab, as seen with this sight."""
        rgb = numpy.array(to_rgb(colour))
        linear = numpy.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        linear = numpy.clip(numpy.array(cls.SIGHTS[sight]) @ linear, 0, 1)
        xyz = numpy.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
        scaled = numpy.cbrt(xyz / numpy.array([0.9505, 1, 1.089]))
        return numpy.array([116 * scaled[1] - 16, 500 * (scaled[0] - scaled[1]), 200 * (scaled[1] - scaled[2])])

    def test_colours_differ_for_all(self):
        # 2.3 is the least difference that an eye can see. Bars and marks are small, so they need far more.
        for sight in self.SIGHTS:
            kinds = ("success", "timeout", "reset", "failure", "retry", "abort", "innocent", "missed")
            for one, other in itertools.combinations(kinds, 2):
                distance = numpy.linalg.norm(self.seen(draw.COLOURS[one], sight) - self.seen(draw.COLOURS[other], sight))
                self.assertGreater(distance, 15, f"{one} and {other} with {sight}")

    def test_hatches_show_without_colours(self):
        # On paper without colours a hatch must stand out from its bar.
        for name, style in draw.BARS.items():
            light, dark = (self.seen(colour, "all colours")[0] for colour in (style.colour, style.ink))
            self.assertGreater(abs(light - dark), 25 if style.hatch else 0, name)

    def test_colour_is_never_the_only_cue(self):
        hatches = [style.hatch for name, style in draw.BARS.items() if name != "queued"]	# a thin bar
        self.assertEqual(len(hatches), len(set(hatches)))
        markers = [style.marker for name, style in draw.MARKS.items() if name != "none"]	# looks like spurious
        self.assertEqual(len(markers), len(set(markers)))


class CommandTest(unittest.TestCase):
    def run_timeline(self, *args, **kwargs):
        return subprocess.run([TOP / "scripts" / "timeline", *args], capture_output=True, text=True, check=False,
                              **kwargs)

    def test_a_file_without_our_events(self):
        for path, text in (("/dev/null", "no event"), ("/no/such/file", "No such file"), ("/", "directory")):
            done = self.run_timeline(path)
            self.assertEqual(done.returncode, 2, path)
            self.assertRegex(done.stderr, f"^timeline: error: .*{text}.*\n$")
            self.assertEqual(done.stdout, "")

    def test_bad_arguments(self):
        for args in (["--nonsense"], ["--svg"], ["a", "b"], ["--counts"]):
            done = self.run_timeline(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertRegex(done.stderr, "^timeline: error: [^\n]*\n$")

    def test_files_beside_the_trace(self):
        recorder = Recorder()
        recorder.hang()
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder, "a trace")
            trace.write_text("\n".join(recorder.text()))
            done = self.run_timeline(str(trace))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertEqual(sorted(os.listdir(folder)), ["a trace", "a trace.png", "a trace.svg"])

    def test_standard_input(self):
        recorder = Recorder()
        recorder.hang()
        done = self.run_timeline("--counts", "-", input="\n".join(recorder.text()))
        self.assertIn("timeouts: 1\nresets: 1\nretries: 1\n", done.stdout)


class PerfettoTest(unittest.TestCase):
    def hang(self) -> bytes:
        recorder = Recorder()
        recorder.ticks(15, 22)
        recorder.hang()
        return export(timeline_of(recorder))

    def test_what_is_no_trace_is_refused(self):
        good = self.hang()
        count_export(good)
        half = good[:len(good) // 2]
        request = b'"cat": "request",'
        for text, bad in (
                ("no JSON", b"garbage"),
                ("cut short", half),
                ("cut short, and closed", half + b"]]"),
                ("no time", good.replace(b'"ts"', b'"tx"', 1)),
                ("a time that is no number", re.sub(rb'"ts": [\d.]+', b'"ts": NaN', good, count=1)),
                ("an unknown phase", good.replace(b'"ph": "X"', b'"ph": "Y"', 1)),
                ("a duration below 0", good.replace(b'"dur": ', b'"dur": -', 1)),
                ("a slice without duration", re.sub(rb',\s"dur": [\d.]+', b"", good, count=1)),
                ("an open slice with a duration", good.replace(b'"ph": "X"', b'"ph": "B"', 1)),
                ("an unknown category", good.replace(request, b'"cat": "requests",', 1)),
                ("a key twice", good.replace(request, request + request, 1)),
                ("a counter of words", good.replace(b'"seconds left": 4', b'"seconds left": "4"', 1)),
                ("a thread without name", good.replace(b'"tid": 7,', b'"tid": 70,', 1)),
                ("two names of a thread", good.replace(b'"tid": 2,\n"args": {\n"name"', b'"tid": 1,\n"args": {\n"name"', 1)),
                ("slices that overlap", re.sub(rb'"dur": 3084500.0', b'"dur": 3090000.0', good, count=1))):
            with self.subTest(text):
                self.assertNotEqual(bad, good)
                with self.assertRaises(BadTrace):
                    ChromeTrace(bad)

    def test_a_hang(self):
        trace = ChromeTrace(self.hang())
        request, = trace.of("request")
        self.assertEqual((request.ts, request.dur, request.name, request.thread, request.process),
                         (16000000000, 3094800000, "101: ok", "requests", "sim_dev.0"))
        self.assertEqual({key: request.args[key] for key in ("result", "retries", "us")},
                         {"result": 6, "retries": 1, "us": 3094800})
        values = [value.args["seconds left"] for value in trace.counters]
        self.assertEqual(values, [4, 3, 2, 1, 2, 2, -1, 4, -1])
        self.assertEqual((trace.counters[0].ts, trace.counters[-1].ts), (16000000000, 19094700000))
        self.assertEqual({(value.process, value.name) for value in trace.counters}, {("sim_dev.0", "counter")})
        self.assertEqual([(mark.ts, mark.cat) for mark in trace.of("interrupt", "timeout", "retry")],
                         [(19084500000, "timeout"), (19089500000, "interrupt"), (19089600000, "retry"),
                          (19094700000, "interrupt")])
        self.assertEqual([span.name for span in trace.of("operation", "reset")],
                         ["operation: timeout", "reset: done", "operation: done"])

    def test_open_requests_do_not_end(self):
        recorder = Recorder()
        recorder.submit(1, 1)
        recorder.start_io(1.1, 1)
        recorder.ticks(1, 5)
        trace = ChromeTrace(export(timeline_of(recorder)))
        self.assertEqual([span.dur for span in trace.of("request", "operation")], [None, None])

    def test_queued_requests_do_not_nest(self):
        recorder = Recorder()
        for number in range(10):
            recorder.submit(1 + number / 100, number)
        for number in range(10):
            recorder.complete(2 + number / 10, number, 1)
        trace = ChromeTrace(export(timeline_of(recorder)))
        self.assertEqual([request.depth for request in trace.of("request")], [0] * 10)


class SceneTest(unittest.TestCase):
    """Each scene of the demo, as it was recorded. scene_test() makes the tests, and those of slot_tests."""

    def test_all_scenes_were_recorded(self):
        script = (TOP / "tests" / "demo" / "guest.sh").read_text()
        number = len(re.findall(r"^scene [\w-]+ \"", script, re.M)) + len(re.findall(r"^trace_start ", script, re.M))
        self.assertEqual(sorted(path.stem for path in TRACES.glob("*.trace")), sorted(SCENES))
        self.assertEqual(number, len(SCENES))


def scene_test(path: Path, wanted: Dict[str, int]):
    def test(self):
        text = path.read_text()
        own = count_text(text)
        self.assertEqual({key: own[key] for key in wanted}, wanted)
        timeline = build(parse(text.splitlines()))
        self.assertEqual((timeline.trace.unread, timeline.trace.lost), (0, 0))
        found = counts(timeline)
        self.assertEqual({key: found[key] for key in own}, own)
        self.assertEqual(found["open"], 0)
        picture = draw.Picture(timeline)
        self.assertEqual(Svg(picture.svg()).counts(), own)
        self.assertIn(timeline.trace.title, Svg(picture.svg()).words())
        self.assertGreater(len(set(imread(io.BytesIO(picture.png()))[:, :, :3].reshape(-1, 3).sum(axis=1))), 20)
        self.assertEqual(count_export(export(timeline)), own)
    return test


def add_scene_tests(group, folder: Path, scenes: Dict[str, Dict[str, int]]) -> None:
    for scene, wanted in scenes.items():
        setattr(group, "test_" + scene.replace("-", "_"), scene_test(folder / f"{scene}.trace", wanted))


add_scene_tests(SceneTest, TRACES, SCENES)
add_scene_tests(slot_tests.SlotSceneTest, slot_tests.TRACES, slot_tests.SCENES)


class Ktap(unittest.TestResult):
    """Prints one result for each test, and before a failure why."""

    def __init__(self):
        super().__init__()
        self.wrong: List[str] = []
        self.failed = 0

    def startTest(self, test):
        super().startTest(test)
        self.wrong = []

    def note(self, err, where: str = "") -> None:
        self.wrong.append(where + "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        self.note(err)

    def addFailure(self, test, err):
        self.note(err)

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(err, f"{subtest.params or subtest._message}\n")		# pylint: disable=protected-access

    def stopTest(self, test):
        super().stopTest(test)
        _, group, name = test.id().split(".")
        for line in "".join(self.wrong).splitlines():
            print(f"# {line}")
        self.failed += bool(self.wrong)
        words = name[len("test_"):].replace("_", " ")
        print(f"{'not ok' if self.wrong else 'ok'} {self.testsRun} - {group[:-len('Test')].lower()}: {words}", flush=True)


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in sys.argv[3:]] or None
    result = Ktap()
    for module in (sys.modules[__name__], slot_tests):
        loader.loadTestsFromModule(module).run(result)
    return 0 if result.testsRun > result.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
