#!/usr/bin/env python3
"""Runs streaming queries and reads tables with PySpark, for the tests against a real Spark.

One JVM serves every test: each line of standard input is a command (a JSON object with `op`), each answer is one line
on standard output. An answer is {"ok": ...} or {"error": text}.

    {"op": "run", "checkpoint": path, "sql": text, "mode": "append",
     "sources": [{"view": name, "format": f, "schema": ddl, "path": p, "options": {}, "name": n}],
     "sink": {"format": f, "path": p, "partitionBy": [c], "options": {}, "name": n}, "confs": {}}
        runs the query with trigger availableNow to its end; the answer holds the progress of each batch, and without a
        sink the rows of each batch.
        "steps": [[method, argument...]...] are methods of the frame called after the query's text.
    {"op": "run_all", "runs": [commands as those of run, with the same confs]}
        runs them side by side; the answer is the list of theirs, a failure as its text.
    {"op": "read", "format": f, "path": p, "schema": ddl, "options": {}}
        reads a table; the answer holds its schema and its rows, each as JSON text with nulls kept and times to microseconds.
        "select": [expressions] are then taken of it.
    {"op": "read_all", "reads": [commands as those of read], "confs": {}}
        the list of their answers; that of a read that fails is {"conditions": [each cause's, outermost first], "error": text}.
    {"op": "write_all", "input": {as of read}, "writes": [{"select": [expressions], "format": f, "path": p, "options": {},
     "partitionBy": [c], "confs": {}, "mode": "overwrite"}]}
        writes a table in one file (a folder) each time; the list of nulls, or of what failed as in read_all.
    A command with "zone" is done while the JVM's own time zone is that one.
    {"op": "duckdb", "sql": text}
        the rows of a query of DuckDB's, each as a list of texts.
    {"op": "statements", "texts": [sql...]}
        runs the statements in order in a session of their own; the answer has for each its columns (name and type), its
        rows unless it reads a stream, or the condition of its error.
    {"op": "evaluate", "view": text, "expressions": [text], "settings": [confs]}
        evaluates each expression over the view `t`, under each of the settings; the answer is a list for each of them with
        name, type and the rows as `show` prints them, or with the condition of the error.
"""
import json
import os
import re
import sys
from multiprocessing.pool import ThreadPool


def make_session():
    from pyspark.sql import SparkSession

    builder = (
        SparkSession.builder.master("local[2]")
        .appName("tidemill-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.streaming.pollingDelay", "10ms")
    )
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def as_json(df):
    from pyspark.sql import functions as F

    columns = [F.col("`" + c.replace("`", "``") + "`") for c in df.columns]
    micros = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
    options = {"ignoreNullFields": "false", "timestampFormat": micros + "XXX", "timestampNTZFormat": micros}
    text = F.to_json(F.struct(*columns), options)
    return [row[0] for row in df.select(text).collect()]


def with_confs(spark, command, action):
    old = {}
    for key, value in command.get("confs", {}).items():
        old[key] = spark.conf.get(key, None)
        spark.conf.set(key, value)
    try:
        return action()
    finally:
        for key, value in old.items():
            spark.conf.unset(key) if value is None else spark.conf.set(key, value)


def in_zone(spark, command, action):
    if "zone" not in command:
        return action()
    zones = spark._jvm.java.util.TimeZone
    old = zones.getDefault()
    zones.setDefault(zones.getTimeZone(command["zone"]))
    try:
        return action()
    finally:
        zones.setDefault(old)


def run(spark, command):
    return with_confs(spark, command, lambda: finish(*start(spark, command)))


def run_all(spark, command):
    return with_confs(spark, command, lambda: run_side_by_side(spark, command["runs"]))


def run_side_by_side(spark, runs, at_once=4):
    answers = []
    for first in range(0, len(runs), at_once):
        started = []
        for one in runs[first : first + at_once]:
            started.append(attempt(lambda: start(spark, one)))
        for one in started:
            answers.append(one if isinstance(one, str) else attempt(lambda: finish(*one)))
    return answers


def attempt(action):
    try:
        return action()
    except Exception as error:  # every failure of Spark is an answer
        return f"{type(error).__name__}: {error}"


def start(spark, command):
    for source in command["sources"]:
        reader = spark.readStream.format(source["format"]).options(**source.get("options", {}))
        if "schema" in source:
            reader = reader.schema(source["schema"])
        if "name" in source:
            reader = reader.name(source["name"])
        df = reader.load(source["path"]) if "path" in source else reader.load()
        df.createOrReplaceTempView(source["view"])
    df = spark.sql(command["sql"])
    for method, *arguments in command.get("steps", []):
        df = getattr(df, method)(*arguments)
    writer = df.writeStream.outputMode(command.get("mode", "append")).trigger(availableNow=True)
    writer = writer.option("checkpointLocation", command["checkpoint"])
    sink = command.get("sink")
    batches = {}
    if sink is None:
        writer = writer.foreachBatch(lambda batch, number: batches.__setitem__(number, as_json(batch)))
    else:
        writer = writer.format(sink["format"]).options(**sink.get("options", {}))
        if sink.get("partitionBy"):
            writer = writer.partitionBy(*sink["partitionBy"])
        if "name" in sink:
            writer = writer.name(sink["name"])
        writer = writer.option("path", sink["path"])
    return writer.start(), batches


def finish(query, batches):
    query.awaitTermination()
    return {"id": query.id, "batches": batches, "progress": [json.loads(one.json) for one in query.recentProgress]}


def table(spark, command):
    reader = spark.read.format(command["format"]).options(**command.get("options", {}))
    if "schema" in command:
        reader = reader.schema(command["schema"])
    df = reader.load(command["path"])
    return df.selectExpr(*command["select"]) if "select" in command else df


def read(spark, command):
    df = table(spark, command)
    return {"schema": json.loads(df.schema.json()), "rows": as_json(df)}


# Nothing is compiled for what runs once over a few rows.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def read_all(spark, command, at_once=4):
    command = {**command, "confs": INTERPRETED | command.get("confs", {})}
    with ThreadPool(at_once) as pool:
        one = lambda arguments: answer(lambda: read(spark, arguments))
        return with_confs(spark, command, lambda: pool.map(one, command["reads"]))


def write_all(spark, command):
    def one(arguments):
        confs = {"confs": INTERPRETED | arguments.get("confs", {})}
        return answer(lambda: with_confs(spark, confs, lambda: write(spark, command["input"], arguments)))

    return [one(arguments) for arguments in command["writes"]]


def write(spark, source, command):
    df = table(spark, {**source, "select": command.get("select", ["*"])}).coalesce(1)
    writer = df.write.mode(command.get("mode", "overwrite")).format(command["format"]).options(**command.get("options", {}))
    writer.partitionBy(*command.get("partitionBy", [])).save(command["path"])


def duckdb(_, command):
    import duckdb

    rows = duckdb.connect().execute(command["sql"]).fetchall()
    return [[None if value is None else str(value) for value in row] for row in rows]


def answer(action):
    try:
        return action()
    except Exception as error:  # every failure of Spark is an answer
        return {"conditions": conditions(error), "error": f"{type(error).__name__}: {error}"}


def conditions(error):
    """The conditions of an exception and of what caused it, the outermost first."""
    from py4j.java_gateway import is_instance_of
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    found = []
    cause = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while cause is not None and len(found) < 20:
        named = is_instance_of(gateway, cause, "org.apache.spark.SparkThrowable")
        condition = cause.getCondition() if named else None
        found.append(condition or cause.getClass().getSimpleName())
        cause = cause.getCause()
    return found


def statements(spark, command):
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        return [statement(session, text) for text in command["texts"]]
    finally:
        for table in spark.catalog.listTables():
            spark.sql(f"DROP {'VIEW' if table.tableType == 'VIEW' else 'TABLE'} IF EXISTS `{table.name}`")


def statement(session, text):
    try:
        df = session.sql(text)
        answer = {"columns": [list(column) for column in df.dtypes], "streaming": df.isStreaming}
        if not df.isStreaming:
            answer["rows"] = as_json(df)
        return answer
    except Exception as error:  # every failure of Spark is an answer
        return {"error": condition_of(error)}


def condition_of(error):
    """The error's condition; its text where it has none."""
    named = getattr(error, "getCondition", lambda: None)()
    found = re.search(r"\[([A-Z][A-Z_.0-9]+)\]", str(error))
    return named or (found.group(1) if found else f"{type(error).__name__}: {error}")


def evaluate(spark, command):
    settings = [{"confs": INTERPRETED | confs} for confs in command["settings"]]
    return [with_confs(spark, one, lambda: evaluate_all(spark, command)) for one in settings]


def evaluate_all(spark, command, at_once=40):
    spark.sql(command["view"]).createOrReplaceTempView("t")
    expressions = command["expressions"]
    parts = [expressions[first : first + at_once] for first in range(0, len(expressions), at_once)]
    return [answer for part in parts for answer in evaluate_some(spark, part)]


def evaluate_some(spark, expressions):
    try:
        df = spark.sql(f"SELECT {', '.join(expressions)} FROM t")._jdf
        fields = [df.schema().apply(at) for at in range(len(expressions))]
        rows = columns_of(df.showString(20, 0, False))
        return [{"name": f.name(), "type": f.dataType().catalogString(), "rows": r} for f, r in zip(fields, rows)]
    except Exception as error:  # every failure of Spark is an answer
        if len(expressions) > 1:
            return [evaluate_some(spark, [one])[0] for one in expressions]
        return [{"error": condition_of(error)}]


def columns_of(table):
    """The cells of a table that `show` drew, column by column; its first line tells where columns end."""
    lines = table.split("\n")
    ends = [at for at, c in enumerate(lines[0]) if c == "+"]
    rows = [line for line in lines[3:] if line.startswith("|")]
    return [[row[start + 1 : end].rstrip() for row in rows] for start, end in zip(ends, ends[1:])]


def main():
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    operations = {
        "run": run,
        "run_all": run_all,
        "read": read,
        "read_all": read_all,
        "write_all": write_all,
        "duckdb": duckdb,
        "evaluate": evaluate,
        "statements": statements,
    }
    spark = make_session()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"ok": in_zone(spark, command, lambda: operations[command["op"]](spark, command))}
        except Exception as error:  # every failure of Spark is an answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    spark.stop()


if __name__ == "__main__":
    main()
