# SPDX-License-Identifier: GPL-2.0-only
"""report.py REPORT TOP: compare what gcovr counted (its JSON) with the limits; prints KTAP."""
import json, os, sys

report, top = sys.argv[1:]
reasons = {}
for line in open(os.path.join(top, "tests/coverage/not-covered")):
    if line.strip() and not line.startswith("#"):
        name, rest = line.strip().split(" | ", 1)
        text, reason = rest.rsplit(" | ", 1)
        reasons[name, text] = reason
results = []

def check(text, good):
    results.append(good)
    print("%s %d - %s" % ("ok" if good else "not ok", len(results), text))

print("# %-16s %12s %16s" % ("file", "lines", "branches"))
unexplained, used, all_lines, all_branches = [], set(), [0, 0], [0, 0]
for file in sorted(json.load(open(report))["files"], key=lambda f: f["file"]):
    name = os.path.basename(file["file"])
    source = open(os.path.join(top, name)).read().split("\n")
    lines, branches = [0, 0], [0, 0]
    for line in file["lines"]:
        if line.get("gcovr/noncode"):
            continue
        text = source[line["line_number"] - 1].strip()
        reached = line["count"] > 0
        taken = sum(b["count"] > 0 for b in line["branches"])
        lines[0] += reached
        lines[1] += 1
        branches[0] += taken
        branches[1] += len(line["branches"])
        if reached and taken == len(line["branches"]):
            continue
        used.add((name, text))
        if (name, text) not in reasons:
            unexplained.append("%s:%d: %s: %s" % (name, line["line_number"],
                "%d of %d branches" % (taken, len(line["branches"])) if reached else "never run", text))
    for total, part in (all_lines, lines), (all_branches, branches):
        total[0] += part[0]
        total[1] += part[1]
    print("# %-16s %4d of %4d %7d of %4d" % (name, *lines, *branches))
percent = lambda part: 100.0 * part[0] / max(part[1], 1)
print("# %-16s %4d of %4d %7d of %4d" % ("all", *all_lines, *all_branches))
for text in unexplained:
    print("# not in tests/coverage/not-covered: " + text)
check("lines reached: at least 95 %% (%.1f %%)" % percent(all_lines), percent(all_lines) >= 95)
check("branches reached: at least 90 %% (%.1f %%)" % percent(all_branches), percent(all_branches) >= 90)
check("each line that is not reached has a reason in not-covered (%d lines)" % len(used), not unexplained)
stale = sorted(set(reasons) - used)
check("each reason in not-covered still has its line" + "".join("\n# %s: %s" % key for key in stale), not stale)
sys.exit(not all(results))
