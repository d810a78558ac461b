#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py [--quick] DATA README FOLDER: make RESULTS.md and its pictures of what scripts/bench measured.

A line of DATA is "KERNEL NAME DEVICES UNIT SAMPLE...". What the README claims
stands there in comments, and is held against DATA unless --quick is given:

    <!-- bench: NAME@DEVICES / NAME@DEVICES = 12 -->

Ends with "N passed, N failed": a cell of a table that was measured passes.
"""
import argparse
import datetime
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


class Data:
    def __init__(self, name):
        self.samples = {}
        self.passed = 0
        self.missing = []
        with open(name) as lines:
            for line in lines:
                if line.startswith("FAILED"):
                    sys.exit(f"report: {line.strip()}")
                kernel, name, devices, unit, *samples = line.split()
                self.samples[kernel, name, int(devices)] = [float(s) for s in samples]
        self.kernels = {key[0] for key in self.samples}
        self.icount = "bench" not in self.kernels
        self.kernel = "stock" if self.icount else "bench"
        self.sizes = [n for n in SIZES if (self.kernel, "io/io_timeout", n) in self.samples]

    def get(self, name, devices, kernel=None):
        """The samples, or None."""
        key = (kernel or self.kernel, name, devices)
        if key in self.samples:
            self.passed += 1
            return self.samples[key]
        if key not in self.missing:
            self.missing.append(key)
        return None

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
    yield from table([""] + [f"{n:,}" for n in sizes], rows)


def pairs(data, rows, columns, kernel=None):
    """Rows of (text, name); columns of devices; the first row is the base."""
    base = {n: data.median(rows[0][1], n, kernel) for n in columns}
    yield from table([""] + [f"{n:,}" for n in columns], [
        [text] + [cell(data.get(name, n, kernel), base[n] if i else None) for n in columns]
        for i, (text, name) in enumerate(rows)])


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
    for n in data.sizes:
        yield over(f"start and stop, {n:,}: timer_list / iotimer", 5,
                   ratio("start_stop/timer_list", "start_stop/iotimer", n))
    flat = [data.median("start_stop/iotimer", n) for n in [1] + data.sizes]
    if all(flat):
        yield under("start and stop, 1 to 1,000,000: dearest / cheapest", 1.5,
                    max(flat) / min(flat))
    yield under(f"bytes a timer, {m:,}", 33, data.median("memory/iotimer", m) or float("nan"))
    yield under(f"longest hold in µs, {m:,}, of the tick that the host disturbed least, "
                "budget 200 µs + a batch of routines", 202,
                min(data.get("budget/hold", m) or [float("nan")]) / 1000)
    yield under(f"ticks missed, {m:,}, budget 200 µs", 0,
                data.median("budget/missed", m) or 0)
    yield under(f"devices not called once a tick, {m:,}, budget 200 µs", 0,
                data.median("budget/miscalled", m) or 0)


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "?")
    return f"{model}, {os.cpu_count()} CPUs"


def kernel_version(name):
    folder = os.readlink(os.path.expanduser(
        os.environ.get("IOTIMER_CACHE", "~/.cache/iotimer")) + f"/current-{name}")
    return re.search(r"[0-9]+\.[0-9]+\.[0-9]+[^/]*?(?=-[0-9a-f]{12}$|$)", folder).group(0)


def results(data, command):
    unit = "instructions" if data.icount else "ns"
    yield "# What it costs"
    yield ""
    yield f"`{command}`, {datetime.date.today()}: {machine()}; "
    if data.icount:
        yield (f"Debian's kernel {kernel_version('stock')} under QEMU's -icount. All figures are "
               "instructions, without regard to memory.")
    else:
        yield (f"user-mode Linux {kernel_version('bench')}, HZ=100, one CPU unless said otherwise, memory in "
               "large pages.")
    yield (f"Median (least–most) of at least 5, or what was measured once, in {unit} unless said otherwise, and "
           "**how many times iotimer's**, or the first row's, that is. Made by scripts/bench; what exactly is "
           "measured stands at the top of each file in bench/.")
    yield ""
    yield "## A device's second"
    yield ""
    yield (f"{unit} for each enabled device. All timers of a contender expire in the same jiffy, the best case for "
           "those that have one for each device. Contexts have 256 bytes and lie in memory in another order than "
           "that of the calls, as do the list's entries, which are of all timers, enabled or not; a timer lies in "
           "its context. iotimer's budget is not used up" + ("." if data.icount else "; what it costs if it is "
           "stands below, under \"The softirq\". The seconds follow one another without a pause, so the caches are "
           "warm as far as they reach; the tables \"as a second of sleep leaves them\" are nearer to life."))
    yield ""
    if not data.icount:
        yield "![ns per device against the number of devices](second.svg)"
        yield ""
    prefix = "cold" if data.icount else "second"
    for routine, text in ("reads", "reads its context"), ("nothing", "reads nothing"):
        for which, share in ("all", "all enabled"), ("half", "a random half enabled"), ("percent", "1 % enabled"):
            yield f"The routine {text}; {share}:"
            yield ""
            yield from seconds(data, prefix, routine, which, data.sizes)
    if not data.icount:
        for routine, text in ("reads", "reads its context"), ("nothing", "reads nothing"):
            yield (f"Caches as a second of sleep leaves them, as it is in life; the routine {text}, all enabled:")
            yield ""
            yield from seconds(data, "cold", routine, "all", data.sizes[:2])
        yield "Contexts and entries allocated in the order of the calls, one after the other; it reads its context:"
        yield ""
        yield from seconds(data, "ordered/second", "reads", "all", data.sizes)
    yield "## One I/O's time-out"
    yield ""
    yield from pairs(data, [
        ("io_timeout: begin, interrupt", "io/io_timeout"),
        ("the same, each under the driver's lock", "io/io_timeout_locked"),
        ("the lock alone, twice", "io/lock_alone"),
        ("mod_timer, timer_delete", "io/timer_list"),
        ("the same, each under the driver's lock", "io/timer_list_locked"),
        ("as the block layer: a deadline, a shared timer", "io/block_layer"),
    ], data.sizes[-1:])
    yield "## Start and stop, create and destroy"
    yield ""
    yield "With so many timers enabled, or armed:"
    yield ""
    rows = []
    columns = ([1] if (data.kernel, "start_stop/iotimer", 1) in data.samples else []) + data.sizes
    for text, name in (("start + stop", "start_stop"), ("start + stop_sync", "start_stop_sync"),
                       ("start of one that runs", "start_again"),
                       ("start, all once, in another order than memory", "cold_start"),
                       ("stop, in the same order", "cold_stop"), ("create", "create"), ("destroy", "destroy")):
        hot = name.startswith("start")
        rows.append([f"{text}: iotimer"] + [
            cell(data.get(f"{name}/iotimer", n)) if hot or n > 1 else "" for n in columns])
        rows.append(["timer_list"] + [
            cell(data.get(f"{name}/timer_list", n), data.median(f"{name}/iotimer", n)) if hot or n > 1 else ""
            for n in columns])
    yield from table([""] + [f"{n:,}" for n in columns], rows)
    yield ("(A timer_list is part of its driver's memory: its create is timer_setup(), its destroy "
           "timer_shutdown_sync(). iotimer's find a slot, and look whether the device has a timer.)")
    yield ""
    if data.icount and 100000 in data.sizes:
        yield (f"With 100,000 devices and a budget of 200 µs, 200,000 instructions, the softirq is held for "
               f"{cell(data.get('budget/hold', 100000))}.")
        yield ""
    if not data.icount:
        m = data.sizes[-1]
        yield (f"Memory, by the pages that {m:,} timers take from the system, all overheads included: "
               f"{cell(data.get('memory/iotimer', m))} bytes a timer.")
        yield ""
        yield "## The softirq"
        yield ""
        yield "![The longest hold of the softirq](hold.svg)"
        yield ""
        rows = []
        for name, text, scale in (("hold", "longest hold of the softirq, µs", 1000),
                                  ("spread", "from a tick's first call to its last, µs", 1000),
                                  ("held", "ns per device, all holds together", 1),
                                  ("missed", "ticks missed", 1), ("miscalled", "devices not called once a tick", 1)):
            for prefix, budget in ("budget", "200 µs"), ("no-budget", "none"):
                rows.append([f"{text}; budget {budget}"] + [
                    cell([s / scale for s in data.get(f"{prefix}/{name}", n) or []]) for n in data.sizes])
        yield from table([""] + [f"{n:,}" for n in data.sizes], rows)
        yield ("(Each routine reads its context and counts; one in 16 reads the clock. This is a guest in a guest, whose "
               "host may take the CPU away at any time; where nobody does, in RESULTS-icount.md, the budget is kept.)")
        yield ""
        yield from table(["wake-ups a second", "none started", "all started", "timer_list each, at random times"], [
            [f"timers: {n:,}"] + [cell(data.get(f"wakeups/{name}", n))
                                 for name in ("iotimer_stopped", "iotimer", "timer_list")] for n in (1, 1000)])
        rates = [(hz, k) for hz, k in ((100, "bench"), (250, "stock"), (1000, "newest-1000")) if k in data.kernels]
        yield "The same for one timer, by the kernel's tick rate:"
        yield ""
        yield from table(["wake-ups a second"] + [f"HZ={hz}" for hz, _ in rates], [
            [text] + [cell(data.get(f"wakeups/{name}", 1, k)) for _, k in rates]
            for text, name in (("none started", "iotimer_stopped"), ("one started", "iotimer"),
                               ("a timer_list", "timer_list"))])
        yield "## The price of SMP"
        yield ""
        yield ("A call of a routine costs a full barrier, for which a kernel without SMP needs no instruction. User-mode "
               "Linux has MFENCE for it, and for each acquire and release too: five a call, where x86's own kernel has "
               "one locked addition. So do not take these figures home. One CPU, all enabled:")
        yield ""
        yield from table(["ns a device"] + [f"{n:,}" for n in data.sizes], [
            [f"{text}, {kernel}"] + [cell(data.get(f"second/{routine}/all/iotimer", n, k)) for n in data.sizes]
            for text, routine in (("reads its context", "reads"), ("reads nothing", "nothing"))
            for k, kernel in (("bench", "without SMP"), ("bench-smp", "with SMP"))])
        yield "## Two CPUs"
        yield ""
        yield "The same kernel with SMP, where every atomic operation and lock costs:"
        yield ""
        yield ("(A spinlock taken and released with interrupts off costs some 300 ns in this kernel, far more than on "
               "hardware. So what takes one looks dear here; do not take these ratios home.)")
        yield ""
        yield from pairs(data, [
            ("io_timeout: begin, interrupt", "io/io_timeout"),
            ("the same, each under the driver's lock", "io/io_timeout_locked"),
            ("mod_timer, timer_delete", "io/timer_list")], [1000], "bench-smp")
        yield from pairs(data, [("start + stop: iotimer", "start_stop/iotimer"),
                                ("timer_list", "start_stop/timer_list")], [1000], "bench-smp")
        for cpus, text in (1, "start + stop, one CPU at work"), (2, "two, each on its own timer"):
            yield from pairs(data, [(f"{text}: iotimer", f"cpus/{cpus}/iotimer"),
                                    ("timer_list", f"cpus/{cpus}/timer_list")], [1000], "bench-smp")
        yield "Timers that are neighbours in memory, each CPU its own:"
        yield ""
        yield from table(["", "one CPU at work", "two"], [
            [text] + [cell(data.get(f"cpus/{cpus}/{name}", 1000, "bench-smp")) for cpus in (1, 2)]
            for text, name in (("start + stop", "neighbours"), ("start of one that runs", "neighbours_again"),
                               ("if (!enabled) start, of one that runs", "neighbours_demand"))])
    yield "## Through /dev"
    yield ""
    yield (f"{unit} for a blocking write() of 64 bytes; latency 0; by one thread, or four, which take the devices in "
           "turn. A request takes two context switches, to the interrupt thread and back." + ("" if data.icount else
           " What a time-out adds to that is less than the spread; RESULTS-icount.md has it."))
    yield ""
    for kernel, text in (data.kernel, ""), ("bench-smp", " (two CPUs)"):
        if kernel not in data.kernels:
            continue
        yield from table(["" + text.strip(" ()"), "1 device", "4 devices"], [
            [f"sim_dev, {w}"] + [cell(data.get(f"dev/sim_dev/{w}", n, kernel)) +
                                 (f" = {1e9 / data.median(f'dev/sim_dev/{w}', n, kernel):,.0f}/s"
                                  if not data.icount and data.median(f"dev/sim_dev/{w}", n, kernel) else "")
                                 for n in (1, 4)] for w in ("1-writer", "4-writers")] + [
            [f"a device that does nothing, {w}", cell(data.get(f"dev/null/{w}", 1, kernel)), ""]
            for w in ("1-writer", "4-writers")])
        yield from pairs(data, [
            ("the driver without time-outs", "dev/untimed/1-writer"),
            ("with the counter", "dev/counter/1-writer"),
            ("with a timer_list for each request", "dev/timer_list/1-writer")], [1], kernel)
    none = data.median("dev/untimed/1-writer", 1)
    counter = data.median("dev/counter/1-writer", 1)
    timer = data.median("dev/timer_list/1-writer", 1)
    if data.icount and none and counter and timer:
        yield (f"So the time-out of a request costs {counter - none:,.0f} instructions by the counter, and "
               f"{timer - none:,.0f} by a timer_list.")
        yield ""
    if data.icount:
        return
    yield "## Aims"
    yield ""
    aims = list(targets(data))
    yield from table(["", "aim", "reached", ""], [
        [what, aim, reached, "yes" if good else "**no**"] for what, aim, reached, good in aims])
    if not all(good for *_, good in aims):
        with open(os.path.join(os.path.dirname(__file__), "missed.md")) as file:
            yield file.read()


def claims(data, readme):
    """What the README says: (text, claimed, measured)."""
    with open(readme) as file:
        for a, n, b, m, claimed in re.findall(
                r"<!-- bench: (\S+)@(\d+) / (\S+)@(\d+) = ([\d.]+) -->", file.read()):
            top, bottom = data.median(a, int(n)), data.median(b, int(m))
            yield f"{a}@{n} / {b}@{m}", float(claimed), top / bottom if top and bottom else 0.0


def plot(data, folder):
    def series(name, scale=1):
        return "".join(f"{n} {data.median(name, n) / scale}\n" for n in data.sizes if data.median(name, n))

    def draw(file, ylabel, lines):
        script = [f"set terminal svg noenhanced size 800,480 font 'sans,13' background '#ffffff'",
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
    parser.add_argument("readme")
    parser.add_argument("folder")
    args = parser.parse_args()
    data = Data(args.data)
    failed = 0

    text = "\n".join(results(data, "make bench" + (" QEMU=1" if data.icount else ""))) + "\n"
    name = os.path.join(args.folder, "RESULTS-icount.md" if data.icount else "RESULTS.md")
    with open(name, "w") as file:
        file.write(text)
    if not data.icount:
        plot(data, args.folder)
    print(text)
    for key in data.missing:
        print("    FAILED  not measured: %s %s %d" % key)
        failed += 1
    if not args.quick and not data.icount:
        claimed = list(claims(data, args.readme))
        for what, claim, measured in claimed:
            good = measured >= 0.8 * claim
            failed += not good
            data.passed += good
            print(f"    {'ok    ' if good else 'FAILED'}  the README claims {what} = {claim}: {number(measured)}")
        if not claimed:
            print("    FAILED  the README claims nothing")
            failed += 1
    print(f"written: {name}\n{data.passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
