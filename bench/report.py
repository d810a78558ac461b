#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py [--quick] DATA CLAIMS FOLDER: make RESULTS.md and its pictures in FOLDER from what bench/run measured.

A line of DATA is "KERNEL NAME DEVICES UNIT SAMPLE...", or "about KEY TEXT" with
the keys date, machine, kernel and, if an earlier driver was measured, before.
METHOD.md explains the tables. The document CLAIMS states ratios in comments, which are compared with DATA unless --quick is
given:

    <!-- bench: NAME@DEVICES / NAME@DEVICES = 12 -->

Prints KTAP: one result for each measurement that a table needs, and for each claim.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys

SIZES = [1000, 10000, 100000, 1000000]
CONTENDERS = {
    "iotimer": "iotimer",
    "iotimer_unread": "iotimer, context given, not read",
    "timer_list": "a timer_list each",
    "hrtimer": "an hrtimer each",
    "delayed_work": "a delayed_work each",
    "list": "one lock, one list",
    "bare": "bare loop over an array",
}
COLOURS = {  # told apart by the colour-blind as well (Okabe and Ito)
    "iotimer": "#d55e00", "timer_list": "#0072b2", "hrtimer": "#56b4e9",
    "delayed_work": "#009e73", "list": "#cc79a7", "bare": "#000000",
}
ROUTINES = {"reads": "reads its context", "nothing": "reads nothing"}
TICK_RATES = {"bench": 100, "stock": 250, "newest-1000": 1000}
IO = [
    ("io_timeout: begin, interrupt", "io/io_timeout"),
    ("the same, each under the driver's lock", "io/io_timeout_locked"),
    ("the lock alone, twice", "io/lock_alone"),
    ("mod_timer, timer_delete", "io/timer_list"),
    ("the same, each under the driver's lock", "io/timer_list_locked"),
    ("as the block layer: a deadline, a shared timer", "io/block_layer"),
]

SLOTS = [1, 4, 32, 256, 1024]
RECOVERY = [
    ("io_recovery: interrupt, begin", "recovery/io_recovery"),
    ("as the block layer: a deadline, a shared timer", "recovery/block_layer"),
    ("timer_delete, mod_timer", "recovery/timer_list"),
]


class Data:
    """The samples. Each look-up is a result: of a measurement that is there, or that is missing."""

    def __init__(self, name):
        self.samples, self.about, self.results, self.missing = {}, {}, [], set()
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("FAILED"):
                    sys.exit(f"report: {line.strip()}")
                if line.startswith("about "):
                    _, key, text = line.rstrip().split(" ", 2)
                    self.about[key] = text
                    continue
                kernel, name, devices, _unit, *samples = line.split()
                self.samples[kernel, name, int(devices)] = [float(s) for s in samples]
        absent = {"date", "machine", "kernel"} - set(self.about)
        if absent:
            sys.exit(f"report: the data have no line \"about {min(absent)}\"")
        self.kernels = {key[0] for key in self.samples}
        self.icount = "bench" not in self.kernels
        self.kernel = "stock" if self.icount else "bench"
        self.unit = "instructions" if self.icount else "ns"
        self.sizes = [n for n in SIZES if (self.kernel, "io/io_timeout", n) in self.samples]

    def get(self, name, devices, kernel=None):
        """The samples, or None."""
        key = (kernel or self.kernel, name, devices)
        good = key in self.samples
        if good or key not in self.missing:
            self.results.append((good, "measured: {1}, {2} devices, {0}".format(*key)))
        if not good:
            self.missing.add(key)
        return self.samples.get(key)

    def median(self, name, devices, kernel=None):
        samples = self.get(name, devices, kernel)
        return statistics.median(samples) if samples else None


def number(x):
    if x >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def cell(samples, base=None):
    """Median, least and most; and how many times the base that is."""
    if not samples:
        return "missing"
    text = number(statistics.median(samples))
    if len(samples) > 1:
        text += f" ({number(min(samples))}–{number(max(samples))})"
    if base:
        text += f" **{number(statistics.median(samples) / base)}×**"
    return text


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " --: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def by_size(head, sizes, rows):
    yield from table([head] + [f"{n:,}" for n in sizes], rows)


def paragraph(text):
    yield text
    yield ""


def seconds(data, prefix, routine, which, sizes):
    rows = []
    for contender, text in CONTENDERS.items():
        if routine == "reads" and contender == "iotimer_unread":
            continue
        name = f"{prefix}/{routine}/{which}/"
        rows.append([text] + [
            cell(data.get(name + contender, n),
                 None if contender == "iotimer" else data.median(name + "iotimer", n))
            for n in sizes])
    yield from by_size("", sizes, rows)


def pairs(data, rows, columns, kernel=None, head=""):
    """Rows of (text, name); columns of devices; the first row is the base."""
    base = {n: data.median(rows[0][1], n, kernel) for n in columns}
    yield from by_size(head, columns, [
        [text] + [cell(data.get(name, n, kernel), base[n] if i else None) for n in columns]
        for i, (text, name) in enumerate(rows)])


def second_section(data):
    yield from paragraph("## A device's second")
    if not data.icount:
        yield from paragraph("![ns per device against the number of devices](second.svg)")
    prefix = "cold" if data.icount else "second"
    for routine, text in ROUTINES.items():
        for which, share in ("all", "all enabled"), ("half", "a random half enabled"), ("percent", "1 % enabled"):
            yield from paragraph(f"The routine {text}; {share}:")
            yield from seconds(data, prefix, routine, which, data.sizes)
    if data.icount:
        return
    for routine, text in ROUTINES.items():
        yield from paragraph(f"After a second of sleep; the routine {text}, all enabled:")
        yield from seconds(data, "cold", routine, "all", data.sizes[:2])
    yield from paragraph("Contexts and entries in the order of the calls; the routine reads its context, all enabled:")
    yield from seconds(data, "ordered/second", "reads", "all", data.sizes)


def recovery_section(data):
    yield from paragraph("## Many operations at a time")
    yield from pairs(data, RECOVERY, SLOTS, head="slots, all busy")
    yield from by_size("slots", SLOTS, [
        [text] + [cell(data.get(f"recovery/{name}", n)) for n in SLOTS]
        for text, name in (("a tick, all slots busy, nothing due", "tick_all"),
                           ("a tick, only the last slot busy, nothing due", "tick_last"),
                           ("bytes a slot", "slot"), ("bytes beside the slots", "head"))])


def start_section(data):
    yield from paragraph("## Start and stop, create and destroy")
    rows = []
    columns = ([1] if (data.kernel, "start_stop/iotimer", 1) in data.samples else []) + data.sizes
    for text, name in (("start + stop", "start_stop"), ("start + stop_sync", "start_stop_sync"),
                       ("start of one that runs", "start_again"),
                       ("start, all once, in another order than memory", "cold_start"),
                       ("stop, in the same order", "cold_stop"), ("create", "create"), ("destroy", "destroy")):
        measured = [n for n in columns if n > 1 or name.startswith("start")]
        empty = [""] * (len(columns) - len(measured))
        rows.append([f"{text}: iotimer"] + empty + [cell(data.get(f"{name}/iotimer", n)) for n in measured])
        rows.append(["timer_list"] + empty + [
            cell(data.get(f"{name}/timer_list", n), data.median(f"{name}/iotimer", n)) for n in measured])
    yield from by_size("timers enabled, or armed", columns, rows)


def softirq_section(data):
    yield from paragraph("## Memory")
    yield from by_size("", data.sizes[-1:], [
        ["bytes a timer", cell(data.get("memory/iotimer", data.sizes[-1]))]])
    yield from paragraph("## The softirq")
    yield from paragraph("![The longest hold of the softirq](hold.svg)")
    rows = []
    for name, text, scale in (("hold", "longest hold of the softirq, µs", 1000),
                              ("spread", "from a tick's first call to its last, µs", 1000),
                              ("held", "ns per device, all holds together", 1),
                              ("missed", "ticks missed", 1), ("miscalled", "devices not called once a tick", 1)):
        for prefix, budget in ("budget", "200 µs"), ("no-budget", "none"):
            rows.append([f"{text}; budget {budget}"] + [
                cell([s / scale for s in data.get(f"{prefix}/{name}", n) or []]) for n in data.sizes])
    yield from by_size("", data.sizes, rows)
    yield from table(["wake-ups a second", "none started", "all started", "timer_list each, at random times"], [
        [f"timers: {n:,}"] + [cell(data.get(f"wakeups/{name}", n))
                             for name in ("iotimer_stopped", "iotimer", "timer_list")] for n in (1, 1000)])
    rates = {kernel: hz for kernel, hz in TICK_RATES.items() if kernel in data.kernels}
    yield from paragraph("The same for one timer, by the kernel's tick rate:")
    yield from table(["wake-ups a second"] + [f"HZ={hz}" for hz in rates.values()], [
        [text] + [cell(data.get(f"wakeups/{name}", 1, kernel)) for kernel in rates]
        for text, name in (("none started", "iotimer_stopped"), ("one started", "iotimer"),
                           ("a timer_list", "timer_list"))])


def smp_section(data):
    yield from paragraph("## The price of SMP")
    yield from by_size("ns a device, one CPU, all enabled", data.sizes, [
        [f"{text}, {kernel}"] + [cell(data.get(f"second/{routine}/all/iotimer", n, k)) for n in data.sizes]
        for routine, text in ROUTINES.items()
        for k, kernel in (("bench", "without SMP"), ("bench-smp", "with SMP"))])
    yield from paragraph("## Two CPUs")
    yield from pairs(data, [IO[0], IO[1], IO[3]], [1000], "bench-smp")
    yield from pairs(data, [("start + stop: iotimer", "start_stop/iotimer"),
                            ("timer_list", "start_stop/timer_list")], [1000], "bench-smp")
    for cpus, text in (1, "start + stop, one CPU at work"), (2, "two, each on its own timer"):
        yield from pairs(data, [(f"{text}: iotimer", f"cpus/{cpus}/iotimer"),
                                ("timer_list", f"cpus/{cpus}/timer_list")], [1000], "bench-smp")
    yield from table(["timers that are neighbours in memory", "one CPU at work", "two"], [
        [text] + [cell(data.get(f"cpus/{cpus}/{name}", 1000, "bench-smp")) for cpus in (1, 2)]
        for text, name in (("start + stop", "neighbours"), ("start of one that runs", "neighbours_again"),
                           ("if (!enabled) start, of one that runs", "neighbours_demand"))])


def dev_section(data):
    def write(name, devices, kernel):
        text = cell(data.get(name, devices, kernel))
        median = None if data.icount else data.median(name, devices, kernel)
        return text + (f" = {1e9 / median:,.0f}/s" if median else "")

    def by_slots(kernel):
        for writers in "1-writer", "8-writers":
            yield [f"sim_dev, {writers}"] + [write(f"dev/slots-{n}/{writers}", 1, kernel) for n in (1, 8, 64)]
            if "before" in data.about:
                yield [f"at {data.about['before']}, {writers}", write(f"dev/before/{writers}", 1, kernel), "", ""]
            yield [f"a device that does nothing, {writers}", write(f"dev/null/{writers}", 1, kernel), "", ""]

    writers = ("1-writer", "4-writers")
    yield from paragraph("## Through /dev")
    for kernel, text in (data.kernel, f"{data.unit} a write()"), ("bench-smp", f"{data.unit} a write(), two CPUs"):
        if kernel not in data.kernels:
            continue
        yield from table([text, "1 device", "4 devices"], [
            [f"sim_dev, {w}"] + [write(f"dev/sim_dev/{w}", n, kernel) for n in (1, 4)] for w in writers] + [
            [f"a device that does nothing, {w}", cell(data.get(f"dev/null/{w}", 1, kernel)), ""] for w in writers])
        yield from table([text, "1 slot", "8 slots", "64 slots"], by_slots(kernel))
        yield from pairs(data, [
            ("the driver without time-outs", "dev/untimed/1-writer"),
            ("with the counter", "dev/counter/1-writer"),
            ("with a timer_list for each request", "dev/timer_list/1-writer")], [1], kernel)
    none, *timed = [data.median(f"dev/{name}/1-writer", 1) for name in ("untimed", "counter", "timer_list")]
    if data.icount and none and all(timed):
        yield from table(["instructions for a request's time-out", "by the counter", "by a timer_list"], [
            ["more than without"] + [f"{one - none:,.0f}" for one in timed]])


def targets(data):
    """(what, aimed at, reached, is that it?)"""
    def second(routine, contender, n, which="all"):
        return data.median(f"second/{routine}/{which}/{contender}", n) or float("nan")

    def over(text, aim, value):
        return text, f"≥ {aim}", number(value), value >= aim

    def under(text, aim, value):
        return text, f"≤ {aim}", number(value), value <= aim

    def ratio(a, b, n):
        return (data.median(a, n) or float("nan")) / (data.median(b, n) or 1)

    m = data.sizes[-1]
    for routine in "reads", "nothing":
        for n in data.sizes[1:]:
            yield under(f"reads {'its context' if routine == 'reads' else 'nothing'}, 1 % of {n:,} enabled: "
                        "iotimer / timer_list", 0.6,
                        second(routine, "iotimer", n, "percent") / second(routine, "timer_list", n, "percent"))
    for n in data.sizes:
        yield over(f"reads its context, {n:,}: timer_list / iotimer", 8,
                   second("reads", "timer_list", n) / second("reads", "iotimer", n))
    yield over("I/O, bare: mod_timer + timer_delete / io_timeout", 20,
               ratio("io/timer_list", "io/io_timeout", m))
    yield over("I/O, under the lock: mod_timer + timer_delete / io_timeout", 2,
               ratio("io/timer_list_locked", "io/io_timeout_locked", m))
    yield over("the same, mod_timer + timer_delete without the lock", 2,
               ratio("io/timer_list", "io/io_timeout_locked", m))
    for n in SLOTS:
        yield under(f"operations at a time, {n:,}: io_recovery / the block layer's way", 3,
                    ratio("recovery/io_recovery", "recovery/block_layer", n))
        yield over(f"operations at a time, {n:,}: timer_delete + mod_timer / io_recovery", 15,
                   ratio("recovery/timer_list", "recovery/io_recovery", n))
    yield under("a tick, nothing due: 1,024 busy slots / 4", 1.3,
                (data.median("recovery/tick_all", 1024) or float("nan")) / (data.median("recovery/tick_all", 4) or 1))
    yield under("bytes a slot, 1,024 slots", 9, data.median("recovery/slot", 1024) or float("nan"))
    if "before" in data.about:
        for writers in "1-writer", "8-writers":
            yield under(f"write() with 1 slot, {writers}: now / at {data.about['before']}", 1.05,
                        ratio(f"dev/slots-1/{writers}", f"dev/before/{writers}", 1))
    for n in data.sizes:
        yield over(f"start and stop, {n:,}: timer_list / iotimer", 5,
                   ratio("start_stop/timer_list", "start_stop/iotimer", n))
    flat = [data.median("start_stop/iotimer", n) for n in [1] + data.sizes]
    if all(flat):
        yield under("start and stop, 1 to 1,000,000: highest / lowest", 1.5,
                    max(flat) / min(flat))
    yield under(f"bytes a timer, {m:,}", 33, data.median("memory/iotimer", m) or float("nan"))
    yield under(f"longest hold in µs, {m:,}, of the tick that the host disturbed least, "
                "budget 200 µs + a batch of routines", 202,
                min(data.get("budget/hold", m) or [float("nan")]) / 1000)
    yield under(f"ticks missed, {m:,}, budget 200 µs", 0,
                data.median("budget/missed", m) or 0)
    yield under(f"devices not called once a tick, {m:,}, budget 200 µs", 0,
                data.median("budget/miscalled", m) or 0)


def results(data):
    """RESULTS.md, line by line."""
    yield from paragraph("# What it costs")
    about = data.about
    kernel, what = ((f"Debian's kernel {about['kernel']} under QEMU's -icount", "instructions") if data.icount else
                    (f"user-mode Linux {about['kernel']}, HZ=100", "ns"))
    yield from paragraph(f"`make bench{' QEMU=1' if data.icount else ''}`, {about['date']}: {about['machine']}; {kernel}. "
                         f"In {what} unless said otherwise. [METHOD.md](METHOD.md) explains the tables.")
    yield from second_section(data)
    yield from paragraph("## One I/O's time-out")
    yield from pairs(data, IO, data.sizes[-1:])
    yield from recovery_section(data)
    yield from start_section(data)
    if not data.icount:
        yield from softirq_section(data)
        yield from smp_section(data)
    elif 100000 in data.sizes:
        yield from paragraph("## The softirq")
        yield from by_size("", [100000], [
            ["longest hold, budget 200 µs", cell(data.get("budget/hold", 100000))]])
    yield from dev_section(data)
    if not data.icount:
        yield from paragraph("## Aims")
        yield from table(["", "aim", "reached", ""], [
            [what, aim, reached, "yes" if good else "**no**"] for what, aim, reached, good in targets(data)])


def check_claims(data, name):
    """Compare the ratios that a document claims; a result for each."""
    with open(name, encoding="utf-8") as file:
        claims = re.findall(r"<!-- bench: (\S+)@(\d+) / (\S+)@(\d+) = ([\d.]+) -->", file.read())
    for a, n, b, m, claimed in claims:
        top, bottom = data.median(a, int(n)), data.median(b, int(m))
        measured = top / bottom if top and bottom else 0.0
        data.results.append((measured >= 0.8 * float(claimed), f"claimed: {a}@{n} / {b}@{m} = {claimed}, "
                             f"measured {number(measured)}"))
    if not claims:
        data.results.append((False, f"{os.path.basename(name)} claims something"))


def plot(data, folder):
    def series(name, scale=1):
        return "".join(f"{n} {data.median(name, n) / scale}\n" for n in data.sizes if data.median(name, n))

    def draw(file, ylabel, lines):
        script = ["set terminal svg noenhanced size 800,480 font 'sans,13' background '#ffffff'",
                  f"set output '{os.path.join(folder, file)}'",
                  "set logscale xy", "set grid", "set key outside right", "set xlabel 'devices'",
                  f"set ylabel '{ylabel}'", "set format x '%.0s%c'", "set xrange [700:1400000]"]
        for i, (_, _, text) in enumerate(lines):
            script.append(f"$d{i} << E\n{text}E")
        script.append("plot " + ", ".join(
            f"$d{i} with linespoints lw 2 pt {i + 4} lc rgb '{colour}' title '{title}'"
            for i, (title, colour, _) in enumerate(lines)))
        subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)

    draw("second.svg", "ns per device and second", [
        (CONTENDERS[c], COLOURS[c], series(f"second/reads/all/{c}")) for c in COLOURS])
    draw("hold.svg", "longest hold of the softirq, µs", [
        ("budget 200 µs", COLOURS["iotimer"], series("budget/hold", 1000)),
        ("no budget", COLOURS["timer_list"], series("no-budget/hold", 1000))])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("data")
    parser.add_argument("claims")
    parser.add_argument("folder")
    args = parser.parse_args()
    data = Data(args.data)

    name = os.path.join(args.folder, "RESULTS-icount.md" if data.icount else "RESULTS.md")
    text = "\n".join(results(data))
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    if not data.icount:
        plot(data, args.folder)
    for line in text.splitlines():
        print(f"# {line}".rstrip())
    if not args.quick and not data.icount:
        check_claims(data, args.claims)
    for i, (good, what) in enumerate(data.results, 1):
        print(f"{'ok' if good else 'not ok'} {i} - {what}")
    print(f"# written: {name}")
    return not all(good for good, _ in data.results)


sys.exit(main())
