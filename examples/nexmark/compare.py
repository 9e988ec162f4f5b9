"""Nexmark in Tidemill beside Spark and beside DataFusion's own limit, on the same files, in one run.

usage: compare.py --data DIR --work DIR [--nexmark target/release/examples/nexmark] [--python PYTHON_WITH_PYSPARK]
  [--queries q0,q5] [--repeat 5] [--spark-repeat 1] [--lines FILE.jsonl]

DIR of --data is what `nexmark generate` wrote. For each query, in turn: the stream in Tidemill; the same text in Tidemill as a
plain batch for each file, which is DataFusion without state and logs, and the stream without fsync beside it; the stream in
Spark, if --python is given. Prints a table in Markdown: medians, and ratios of medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def tidemill(args, query, *options):
    command = [args.nexmark, "run", args.data, "--here", "--queries", query, "--work", args.work, *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) | {"query": query}


def spark(args, query, *options):
    command = [args.python, str(HERE / "spark.py"), "--data", args.data, "--work", args.work, "--query", query, *options]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out.splitlines()[-1])


def keep(args, line):
    if args.lines:
        with open(args.lines, "a") as lines:
            lines.write(json.dumps(line) + "\n")
    return line


def median(lines, figure):
    return statistics.median(line[figure] for line in lines) if lines else None


def shown(number, digits=2):
    return "-" if number is None else f"{number:.{digits}f}"


def ratio(one, other):
    return None if one is None or not other else one / other


def measure(args, query, sink):
    """The lines of each way to run a query; the ways take turns, so that a busy machine is busy for all of them."""
    options = ["--sink", sink]
    ways = {
        "stream": lambda: tidemill(args, query, *options),
        "unsynced": lambda: tidemill(args, query, *options, "--set", "tidemill.checkpoint.fsync=off"),
        "batch": lambda: tidemill(args, query, *options, "--as", "batch"),
    }
    lines = {way: [] for way in ways}
    for _ in range(args.repeat):
        for way, run in ways.items():
            lines[way].append(keep(args, run()))
    lines["spark"] = [keep(args, spark(args, query, *options)) for _ in range(args.spark_repeat if args.python else 0)]
    return lines


def row(query, sink, lines):
    stream, batch = median(lines["stream"], "wall_s"), median(lines["batch"], "wall_s")
    in_spark = median(lines["spark"], "wall_s")
    name = query if sink == "noop" else f"{query} to {sink}"
    cells = [
        name,
        shown(stream),
        shown(median(lines["stream"], "cpu_s")),
        shown(median(lines["stream"], "rows_s"), 0),
        shown(median(lines["stream"], "peak_rss_mb"), 0),
        shown(batch),
        shown(ratio(median(lines["unsynced"], "wall_s"), batch)),
        shown(in_spark, 1),
        shown(ratio(in_spark, stream), 1),
        shown(ratio(median(lines["spark"], "peak_rss_mb"), median(lines["stream"], "peak_rss_mb")), 1),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)
    return ratio(in_spark, stream)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", required=True)
    args.add_argument("--work", required=True)
    args.add_argument("--nexmark", default="target/release/examples/nexmark")
    args.add_argument("--python")
    args.add_argument("--queries")
    args.add_argument("--repeat", type=int, default=5)
    args.add_argument("--spark-repeat", type=int, default=1)
    args.add_argument("--lines")
    args = args.parse_args()

    queries = args.queries.split(",") if args.queries else listed(args)
    titles = ["query", "s", "CPU s", "rows/s", "RSS MB", "batch s", "unsynced / batch", "Spark s", "times faster",
              "times less memory"]
    print("| " + " | ".join(titles) + " |")
    print("|" + "---|" * len(titles), flush=True)
    faster = []
    for query in queries:
        for sink in ["noop", "parquet"] if query == "q0" else ["noop"]:
            faster.append(row(query, sink, measure(args, query, sink)))
    faster = [times for times in faster if times]
    if faster:
        print(f"\nGeometric mean: {statistics.geometric_mean(faster):.1f} times faster than Spark.")


def listed(args):
    out = subprocess.run([args.nexmark, "list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[0] for line in out.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
