"""One query of the Nexmark benchmark in Spark Structured Streaming: a fresh JVM, a file of each table a micro-batch.

usage: spark.py --data DIR --work DIR --query q5 [--sink noop|parquet] [--partitions 2] [--heap 8g]

DIR of --data is what `nexmark generate` wrote. The query is the SQL file of this folder. Prints one JSON object with the keys
of `nexmark run`. Needs PySpark 4.3 and a Java that it runs on.
"""

import argparse
import json
import os
import shutil
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
WARM_UP = 5
PARTS = ["triggerExecution", "latestOffset", "walCommit", "queryPlanning", "addBatch", "commitOffsets"]


def descendants(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = open(f"/proc/{entry}/stat").read()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    out, todo = [], [pid]
    while todo:
        one = todo.pop()
        out.append(one)
        todo += children.get(one, [])
    return out


def cpu_s(pids):
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(int(t) for t in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:15])
        except OSError:
            pass
    return ticks / TICK


def peak_rss_mb(pids):
    kilobytes = 0
    for pid in pids:
        try:
            lines = open(f"/proc/{pid}/status").read().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kilobytes // 1024


def percentile(samples, p):
    return sorted(samples)[(len(samples) - 1) * p // 100] if samples else None


def figures(progress):
    """What the progress of the batches tells, as `nexmark run` tells it."""
    ran = [p for p in progress if "addBatch" in p["durationMs"]]
    with_data = [p for p in ran if p["numInputRows"] > 0]
    steady = with_data[WARM_UP:] or with_data

    def parts(p):
        samples = {part: [b["durationMs"][part] for b in steady if part in b["durationMs"]] for part in PARTS}
        return {part: percentile(of, p) for part, of in samples.items() if of}

    def most(figure):
        return max((sum(o[figure] for o in p["stateOperators"]) for p in ran), default=0)

    return {
        "batches": len(ran),
        "rows": sum(p["numInputRows"] for p in ran),
        "p50_ms": parts(50),
        "p99_ms": parts(99),
        "state_rows_max": most("numRowsTotal"),
        "state_bytes_max": most("memoryUsedBytes"),
    }


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", required=True)
    args.add_argument("--work", required=True)
    args.add_argument("--query", required=True)
    args.add_argument("--sink", default="noop", choices=["noop", "parquet"])
    args.add_argument("--partitions", type=int, default=2)
    args.add_argument("--cores", type=int, default=2)
    args.add_argument("--heap", default="8g")
    args = args.parse_args()

    from pyspark.sql import SparkSession

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{args.query}.sql")
    sql = open(path).read()
    mode = sql.removeprefix("-- ").split(":", 1)[0]
    spark = (
        SparkSession.builder.master(f"local[{args.cores}]")
        .config("spark.driver.memory", args.heap)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.streaming.numRecentProgressUpdates", "100000")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(args.partitions))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for table in ["bid", "auction", "person"]:
        files = os.path.join(args.data, table)
        stream = spark.readStream.schema(spark.read.parquet(files).schema).option("maxFilesPerTrigger", 1)
        stream.parquet(files).createOrReplaceTempView(table)
    side_input = spark.read.schema("key BIGINT, value STRING").option("header", True)
    side_input.csv(os.path.join(args.data, "side_input")).createOrReplaceTempView("side_input")

    work = os.path.join(args.work, f"spark-{args.query}")
    shutil.rmtree(work, ignore_errors=True)
    writer = spark.sql(sql).writeStream.outputMode(mode).trigger(availableNow=True).format(args.sink)
    writer = writer.option("checkpointLocation", f"{work}/checkpoint").option("path", f"{work}/out")
    processes = descendants(os.getpid())
    began, cpu = time.perf_counter(), cpu_s(processes)
    query = writer.start()
    query.awaitTermination()
    wall = time.perf_counter() - began
    processes = descendants(os.getpid())
    progress = [p if isinstance(p, dict) else json.loads(p.json) for p in query.recentProgress]
    line = {"engine": "spark", "as": "stream", "sink": args.sink, "query": args.query,
            "wall_s": round(wall, 3), "cpu_s": round(cpu_s(processes) - cpu, 2), **figures(progress)}
    line["rows_s"] = round(line["rows"] / wall)
    line["peak_rss_mb"] = peak_rss_mb(processes)
    print(json.dumps(line), flush=True)
    spark.stop()
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
