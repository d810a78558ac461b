# SPDX-License-Identifier: GPL-2.0-only
"""The command line of `scripts/timeline TRACE`, whose --help describes it."""
import argparse
import sys
from pathlib import Path

from ftrace import TraceError, parse
from model import build, counts
from perfetto import export


def main() -> int:
    parser = argparse.ArgumentParser(prog="timeline", add_help=False)
    parser.add_argument("trace")
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--png", type=Path)
    parser.add_argument("--perfetto", type=Path)
    parser.add_argument("--title", default="")
    parser.add_argument("--counts", action="store_true")
    args = parser.parse_args()
    if not (args.svg or args.png or args.perfetto or args.counts):
        base = Path("trace" if args.trace == "-" else args.trace)
        args.svg, args.png = Path(f"{base}.svg"), Path(f"{base}.png")
    try:
        if args.trace == "-":
            trace = parse(sys.stdin, "the standard input")
        else:
            with open(args.trace, encoding="utf-8", errors="replace") as file:
                trace = parse(file, args.trace)
        timeline = build(trace)
        if args.counts:
            for key, number in counts(timeline).items():
                print(f"{key}: {number}")
        if args.perfetto:
            args.perfetto.write_bytes(export(timeline))
        if args.svg or args.png:
            from draw import Picture	# needs matplotlib; the rest does not
            picture = Picture(timeline, args.title)
            if args.svg:
                args.svg.write_bytes(picture.svg())
            if args.png:
                args.png.write_bytes(picture.png())
    except TraceError as error:
        print(f"timeline: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"timeline: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
