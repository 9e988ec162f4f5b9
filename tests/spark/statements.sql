-- Statements that both engines run in this order, each in one session; tests/it/spark/statements.rs reads them.
-- A blank line ends a statement. `IN` in a path stands for the folder of the input, which holds two JSON and two CSV files.
-- What a statement comes to must be alike: the names and types of a query's columns, its rows unless it reads a stream,
-- or the error's condition. `-- here: ok` or `-- here: CONDITION` says what it comes to in Tidemill where that differs.

CREATE TABLE events (ts TIMESTAMP, k STRING, v INT, tags ARRAY<STRING>, st STRUCT<a: INT, b: STRING>) USING json OPTIONS (path 'IN/json')

CREATE TABLE IF NOT EXISTS events (other INT) USING json OPTIONS (path 'IN/json')

CREATE TABLE events (ts TIMESTAMP) USING json OPTIONS (path 'IN/json')

CREATE TABLE found USING json OPTIONS (path 'IN/json')

CREATE TABLE located (k STRING, v INT) USING csv OPTIONS (header 'true') LOCATION 'IN/csv'

CREATE TABLE commented (k STRING COMMENT 'a key', v INT NOT NULL COMMENT 'it''s a value') USING csv OPTIONS (path 'IN/csv', header true) COMMENT 'two columns' TBLPROPERTIES ('a.b' = 'c')

CREATE TABLE ticks USING rate OPTIONS (rowsPerSecond 5)

-- here: USER_SPECIFIED_SCHEMA_NOT_SUPPORTED
CREATE TABLE ticks2 (value BIGINT) USING rate

CREATE TABLE nowhere (k STRING) USING nosuchformat

CREATE TABLE untyped (k FOO) USING json OPTIONS (path 'IN/json')

CREATE TABLE twice (k STRING, K INT) USING json OPTIONS (path 'IN/json')

-- here: DUPLICATE_KEY
CREATE TABLE options_twice (k STRING) USING json OPTIONS (path 'IN/json', path 'x')

DROP TABLE IF EXISTS options_twice

-- here: DUPLICATE_CLAUSES
CREATE TABLE using_twice (k STRING) USING json USING csv OPTIONS (path 'IN/json')

CREATE TABLE IF NOT EXISTS parted (v INT, k STRING) USING json OPTIONS (path 'IN/json') PARTITIONED BY (nosuch)

DESCRIBE events

DESCRIBE TABLE found

DESC commented

DESCRIBE nosuch

DESCRIBE QUERY SELECT k, v + 1 AS n FROM events

DESCRIBE SELECT k, v * 2 FROM events

DESC QUERY WITH a AS (SELECT v FROM events) SELECT max(v) FROM a

DESC QUERY VALUES (1, 'a')

DESCRIBE QUERY SELECT nosuch FROM events

SELECT * FROM events

SELECT k, v FROM located

SELECT st.a, st.b AS B, tags[0] FROM events

SELECT e.* FROM events e WHERE v > 1

SELECT K, V FROM EVENTS ORDER BY V DESC NULLS LAST LIMIT 2

SELECT `k` FROM `events` WHERE `v` IS NOT NULL

SELECT k AS `a b`, v AS `weird``name` FROM events

SELECT nosuch FROM events

SELECT k FROM nosuch

SELECT k FROM events WHERE v

SELECT k, count(*) FROM events

SELECT k, count(*) FROM events GROUP BY k HAVING count(*) > 0 ORDER BY 1

SELECT k, sum(v) AS s FROM events GROUP BY ALL

SELECT upper(k) u, sum(v) FROM events GROUP BY u

SELECT count(*) AS n FROM events GROUP BY ALL

SELECT k, v, max(v) FROM events GROUP BY ALL ORDER BY ALL DESC

SELECT v FROM events UNION ALL SELECT v FROM located ORDER BY ALL LIMIT 2

-- here: MISSING_AGGREGATION
SELECT v + count(*) FROM events GROUP BY ALL

SELECT window(ts, '5 minutes') AS w, count(*) AS n FROM STREAM(events) GROUP BY ALL

SELECT window.start, count(*) FROM STREAM(events) GROUP BY ALL

SELECT k FROM events ORDER BY 2

SELECT k, count(*) FROM events GROUP BY v

FROM (FROM events SELECT k, v) SELECT sum(v)

FROM events

SELECT upper(k), sum(v) FROM events GROUP BY 1

SELECT sum(v) FROM events GROUP BY 3

SELECT nosuchfunction(k) FROM events

SELECT upper(k, v) FROM events

SELECT count(DISTINCT k), count(v) FILTER (WHERE v > 1) FROM events

SELECT a.k, b.v FROM events a JOIN located b ON a.k = b.k

SELECT a.k, b.v FROM events a LEFT JOIN located b USING (k)

SELECT k FROM events a NATURAL JOIN located b

SELECT k FROM events a JOIN located b ON a.v = b.v

SELECT v FROM events UNION ALL SELECT v FROM located

SELECT v, k FROM events UNION SELECT v FROM located

SELECT k FROM events EXCEPT SELECT k FROM located

SELECT k FROM events INTERSECT SELECT k FROM located

SELECT k FROM events WHERE v IN (SELECT v FROM located)

SELECT k FROM events WHERE EXISTS (SELECT 1 FROM located l WHERE l.k = events.k)

SELECT (SELECT max(v) FROM located) AS m, k FROM events

SELECT (SELECT k, v FROM located) FROM events

WITH a AS (SELECT k, v FROM events WHERE v > 0), b (x) AS (SELECT k FROM a) SELECT x FROM b

WITH a AS (SELECT 1 AS one), a AS (SELECT 2 AS two) SELECT * FROM a

FROM events SELECT k

VALUES (1, 'a'), (2, 'b')

SELECT * FROM VALUES (1, 'a'), (2, NULL) AS t(n, s)

-- here: UNSUPPORTED_FEATURE
SELECT k FROM events TABLESAMPLE (50 PERCENT)

SELECT * FROM range(3)

SELECT id * 2 AS n FROM range(1, 10, 3) r WHERE r.id > 1

SELECT count(*) FROM range(5, 0, -2, 4) AS r

SELECT sum(a) FROM range(10) AS r(a)

-- here: UNSUPPORTED_TABLE_VALUED_FUNCTION
SELECT id FROM range('x')

SELECT id FROM range(1, 2, 0)

SELECT * FROM explode(array(1, 2))

SELECT p, c FROM posexplode(array('x', 'y')) AS t(p, c)

SELECT a.id, b.col FROM range(2) a JOIN explode(array(10, 20)) b

SELECT k, t FROM events, LATERAL explode(tags) AS x(t)

SELECT * FROM range(2), LATERAL explode(array(1, id)), LATERAL posexplode(array(id)) p(a, b)

SELECT k, p, t FROM STREAM(events), LATERAL posexplode(tags) AS x(p, t) WHERE p > 0

SELECT * FROM nosuchfunction(1)

-- here: UNSUPPORTED_TABLE_VALUED_FUNCTION
SELECT * FROM sql_keywords()

SELEC k FROM events

-- here: PARSE_SYNTAX_ERROR
SELECT k FROM events WHERE

-- here: PARSE_SYNTAX_ERROR
SELECT k, FROM events

SELECT 'unclosed FROM events

SELECT k FROM events; SELECT

CREATE VIEW v1 AS SELECT k, v FROM events WHERE v IS NOT NULL

CREATE TEMPORARY VIEW v2 AS SELECT k, v AS n FROM events

CREATE TEMP VIEW v2 AS SELECT 1

CREATE OR REPLACE TEMPORARY VIEW v2 AS SELECT k, v + 1 AS n FROM events

CREATE TEMPORARY VIEW v3 (a, b) AS SELECT k, v FROM events

CREATE TEMPORARY VIEW v4 (a) AS SELECT k, v FROM events

-- here: ok
CREATE TEMPORARY VIEW IF NOT EXISTS v5 AS SELECT 1

DROP VIEW IF EXISTS v5

CREATE TEMPORARY VIEW v6 AS SELECT nosuch FROM events

CREATE TEMPORARY VIEW v7 AS SELECT k, v, st FROM STREAM(events)

SELECT * FROM v2

SELECT a, b FROM v3

SELECT k, v FROM v1

SELECT k, count(*) AS n FROM v7 GROUP BY k

DESCRIBE v3

SHOW VIEWS

SHOW TABLES

SHOW TABLES LIKE 'ev*'

SHOW TABLES 'v*|loc*'

SHOW VIEWS LIKE 'v2'

SHOW COLUMNS IN events

-- here: UNSUPPORTED_FEATURE
SHOW FUNCTIONS LIKE 'nosuch'

DROP VIEW v2

DROP VIEW v2

DROP VIEW IF EXISTS v2

-- here: EXPECT_TABLE_NOT_VIEW
DROP TABLE v1

DROP VIEW events

DROP TABLE IF EXISTS nosuch

DROP TABLE nosuch

DROP TABLE commented

SELECT k FROM commented

SELECT * FROM STREAM(events)

SELECT * FROM STREAM events

SELECT e.k FROM STREAM(events) AS e

SELECT k, v FROM STREAM(events) WITH (maxFilesPerTrigger = '1')

-- here: DUPLICATED_OPTION
SELECT k, v FROM STREAM(events) WITH (path = 'x')

SELECT k, v FROM STREAM(nosuch)

-- here: UNSUPPORTED_FEATURE.STREAM_OF_TABLE
SELECT k, v FROM STREAM(v1)

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 10 MINUTES

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL '10' MINUTE AS e

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 1 HOUR 30 MINUTES

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL '0:10' HOUR TO MINUTE

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 1.5 SECONDS

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 1 MONTH

-- here: NEGATIVE_WATERMARK_DELAY
SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL -1 MINUTE

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF '10 minutes'

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF 10 MINUTES

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL '10 minutes'

SELECT k FROM STREAM(events) AS e WATERMARK ts DELAY OF INTERVAL 10 MINUTES

SELECT k FROM STREAM(events) WATERMARK date_trunc('hour', ts) DELAY OF INTERVAL 10 MINUTES

SELECT * FROM STREAM(events) WATERMARK date_trunc('hour', ts) AS hour DELAY OF INTERVAL 10 MINUTES

SELECT k FROM STREAM(events) WATERMARK k DELAY OF INTERVAL 10 MINUTES

SELECT k FROM STREAM(events) WATERMARK nosuch DELAY OF INTERVAL 10 MINUTES

SELECT k FROM (SELECT ts, k FROM STREAM(events)) WATERMARK ts DELAY OF INTERVAL 10 MINUTES AS e

SELECT k FROM events WATERMARK ts DELAY OF INTERVAL 10 MINUTES

SELECT k FROM STREAM(events) IDENTIFIED BY mine

SELECT k FROM STREAM(events) WITH (maxFilesPerTrigger = '1') IDENTIFIED BY mine WATERMARK ts DELAY OF INTERVAL 1 MINUTE AS e

SELECT k FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 1 MINUTE IDENTIFIED BY mine

SELECT window, k, count(*) AS n FROM STREAM(events) WATERMARK ts DELAY OF INTERVAL 1 MINUTE GROUP BY window(ts, '5 minutes'), k

SELECT window.start, window.end, count(*) FROM STREAM(events) GROUP BY window(ts, '5 minutes')

SELECT window(ts, '5 minutes').start, count(*) FROM STREAM(events) GROUP BY window(ts, '5 minutes')

-- here: WINDOW_DURATION_IS_NOT_LITERAL
SELECT window(ts, INTERVAL 5 MINUTES) FROM STREAM(events)

SELECT window(ts, '5 minutes', '7 minutes') FROM STREAM(events)

SELECT window(k, '5 minutes') FROM events

SELECT stream, watermark, delay FROM VALUES (1, 2, 3) AS t(stream, watermark, delay)

SELECT k, tag FROM STREAM(events) LATERAL VIEW explode(tags) t AS tag

-- here: STREAMING_SOURCE_IN_BATCH_QUERY
INSERT INTO located SELECT k, v FROM STREAM(events)

-- here: STREAMING_SOURCE_IN_BATCH_QUERY
CREATE TABLE copied USING parquet AS SELECT * FROM STREAM(events)

-- here: ok
CREATE STREAMING TABLE s1 USING noop TBLPROPERTIES (trigger = 'availableNow') AS SELECT k FROM STREAM(events)

-- here: ok
CREATE STREAMING TABLE IF NOT EXISTS s2 COMMENT 'c' TBLPROPERTIES ('trigger' = 'once', 'x.y' = 'z') USING noop AS SELECT k, v FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE
CREATE OR REPLACE STREAMING TABLE s3 USING noop AS SELECT k FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE
CREATE OR REFRESH STREAMING TABLE s3 USING noop AS SELECT k FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE
CREATE TEMPORARY STREAMING TABLE s3 USING noop AS SELECT k FROM STREAM(events)

CREATE STREAMING TABLE s3 SCHEDULE EVERY 1 HOUR USING noop AS SELECT k FROM STREAM(events)

-- here: DUPLICATE_CLAUSES
CREATE STREAMING TABLE s3 COMMENT 'a' COMMENT 'b' USING noop AS SELECT k FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE
CREATE STREAMING TABLE s3 (CONSTRAINT c EXPECT (k > 1)) USING noop AS SELECT k FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE.STREAMING_TABLE_WITHOUT_QUERY
CREATE STREAMING TABLE s3

-- here: UNSUPPORTED_FEATURE
CREATE STREAMING TABLE s3 CLUSTER BY (k) USING noop AS SELECT k FROM STREAM(events)

-- here: UNSUPPORTED_FEATURE
CREATE STREAMING TABLE s3 DEFAULT COLLATION UTF8_LCASE AS SELECT k FROM STREAM(events)

CREATE MATERIALIZED VIEW m AS SELECT k FROM events

CREATE FLOW f AS INSERT INTO located BY NAME SELECT k, v FROM events

-- here: UNSUPPORTED_FEATURE
CREATE SINK s USING console

-- here: UNSUPPORTED_FEATURE
AUTO CDC INTO located FROM STREAM events KEYS (k) SEQUENCE BY v

-- here: UNSUPPORTED_FEATURE
DROP STREAMING TABLE s1

-- here: UNSUPPORTED_FEATURE
SHOW STREAMS

-- here: UNSUPPORTED_FEATURE
STOP STREAM s1

-- here: ok
SET spark.sql.shuffle.partitions = 3

SET spark.sql.shuffle.partitions

SET spark.sql.shuffle.partitions = 0

SET spark.sql.shuffle.partitions = many

SET spark.sql.ansi.enabled = maybe

SET spark.sql.session.timeZone = Mars

-- here: ok
SET spark.sql.session.timeZone = America/New_York

SELECT CAST(TIMESTAMP '2026-01-01 00:00:00' AS STRING) AS t, date_format(TIMESTAMP '2026-01-01 00:00:00Z', 'HH') AS h

-- here: ok
SET TIME ZONE 'UTC'

SET TIME ZONE 'Mars/Olympus'

-- here: ok
SET TIME ZONE INTERVAL 2 HOURS

SELECT hour(TIMESTAMP '2026-01-01 00:00:00Z') AS h

SET TIME ZONE INTERVAL 30 HOURS

RESET spark.sql.session.timeZone

SET spark.sql.warehouse.dir = x

-- here: ok
SET spark.sql.nosuch = 1

SET spark.sql.streaming.pollingDelay = abc

SET spark.sql.streaming.minBatchesToRetain = 0

SET spark.sql.streaming.multipleWatermarkPolicy = foo

SET spark.sql.parquet.compression.codec = nope

-- here: UNKNOWN_CONF
SET foo = 1

-- here: ok
SET foo

SET nosuch.conf

EXPLAIN SELEC 1

-- here: PARSE_SYNTAX_ERROR
EXPLAIN EXPLAIN SELECT 1

-- here: UNSUPPORTED_FEATURE
USE nosuch

-- here: UNSUPPORTED_FEATURE
REFRESH TABLE located

-- here: UNSUPPORTED_FEATURE
CACHE TABLE located

-- here: UNSUPPORTED_FEATURE
TRUNCATE TABLE located

-- here: UNSUPPORTED_FEATURE
ALTER TABLE located ADD COLUMNS (x INT)

DELETE FROM located

UPDATE located SET v = 1

MERGE INTO located USING events ON located.k = events.k WHEN MATCHED THEN DELETE

CREATE TEMPORARY VIEW u AS SELECT * FROM VALUES (1, '1', 1.5D, CAST(2.5 AS DECIMAL(4,2)), DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00', true), (2, '02', 2.5D, CAST(-1 AS DECIMAL(4,2)), DATE '2024-01-03', TIMESTAMP '2024-01-02 11:30:00', false), (2, '3', 0D, NULL, DATE '2024-01-04', TIMESTAMP '2024-01-04 00:00:00', true), (NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS v(a, s, d, dc, dt, ts, b)

SELECT a FROM u UNION ALL SELECT s FROM u

SELECT s FROM u UNION SELECT a FROM u

SELECT '1' UNION ALL SELECT 2

SELECT '1.5' AS x UNION SELECT 2.5

SELECT a FROM u UNION ALL SELECT 'x'

SELECT dt FROM u UNION ALL SELECT '2024-02-01'

SELECT ts FROM u UNION ALL SELECT dt FROM u

SELECT b FROM u UNION ALL SELECT 'true'

SELECT b FROM u UNION ALL SELECT 1

SELECT a FROM u UNION ALL SELECT dc FROM u

SELECT dc FROM u UNION ALL SELECT d FROM u

SELECT a FROM u UNION ALL SELECT NULL

SELECT array(1) AS x UNION ALL SELECT array('2')

SELECT struct(a) AS x FROM u UNION ALL SELECT named_struct('a', 1L)

SELECT a FROM u INTERSECT SELECT s FROM u

SELECT s FROM u EXCEPT SELECT a FROM u

SELECT a FROM u MINUS SELECT 1

SELECT 1 AS x UNION ALL SELECT '2' UNION ALL SELECT 3.5

SELECT 1 AS x UNION ALL (SELECT '2' UNION SELECT 3L) ORDER BY x DESC LIMIT 2

SELECT x + 1 FROM (SELECT '1' AS x UNION ALL SELECT 2) q

WITH c AS (SELECT a AS x FROM u UNION SELECT d FROM u) SELECT x / 2 AS half FROM c WHERE x > 1

SELECT 1, 2 UNION ALL SELECT 3, 3

SELECT a, s FROM u UNION ALL SELECT a, a FROM u

SELECT a FROM u UNION ALL SELECT a, s FROM u

SELECT a FROM u UNION BY NAME SELECT a FROM u

SELECT k, v FROM STREAM(events) UNION ALL SELECT k, CAST(v AS BIGINT) FROM STREAM(events)

SELECT k FROM events WHERE v IN (SELECT s FROM u)

SELECT a FROM u WHERE s IN (SELECT v FROM events)

SELECT a FROM u WHERE a IN (SELECT d FROM u)

SELECT a FROM u WHERE a NOT IN (SELECT v FROM events)

SELECT a FROM u WHERE a NOT IN (SELECT v FROM located)

SELECT a FROM u WHERE a IN (SELECT v FROM located WHERE v > 1) OR d > 1

SELECT a FROM u WHERE ts IN (SELECT dt FROM u)

SELECT a FROM u WHERE b IN (SELECT 1)

SELECT k, v IN (SELECT a FROM u) AS known, v NOT IN (SELECT a FROM u WHERE a IS NOT NULL) AS unknown FROM events

SELECT k, EXISTS (SELECT 1 FROM u WHERE u.a = e.v) AS found FROM events e

SELECT k, NOT EXISTS (SELECT 1 FROM u WHERE u.a = e.v) AS missing FROM events e

-- here: UNSUPPORTED_FEATURE
SELECT k, v IN (SELECT l.v FROM located l WHERE l.k = e.k) AS found FROM events e

SELECT k, CASE WHEN v IN (SELECT a FROM u) THEN 'y' ELSE 'n' END AS c FROM events

SELECT k, EXISTS (SELECT 1 FROM located WHERE v > 2) FROM events

SELECT count(*), k IN (SELECT k FROM located) FROM events GROUP BY k

SELECT v > 1.5, count(*) > 0.5 FROM events GROUP BY v

SELECT q.x > 1.5 AS big FROM (SELECT v AS x FROM events) q

SELECT a, row_number() OVER (ORDER BY d), row_number() OVER (PARTITION BY a ORDER BY d DESC) FROM u

SELECT a, rank() OVER (ORDER BY a), dense_rank() OVER (ORDER BY a NULLS LAST), percent_rank() OVER (ORDER BY a), cume_dist() OVER (ORDER BY a), ntile(3) OVER (ORDER BY d), ntile() OVER (ORDER BY d) FROM u

SELECT a, lag(s) OVER (ORDER BY d), lag(a, 2) OVER (ORDER BY d), lag(a, 1, 0) OVER (ORDER BY d), lag(a, -1) OVER (ORDER BY d), lead(s, 1, 'none') OVER (PARTITION BY a ORDER BY d), lead(a) IGNORE NULLS OVER (ORDER BY d) FROM u

SELECT lag(a, 1, 0L) OVER (ORDER BY d) FROM u

SELECT first_value(a) IGNORE NULLS OVER (ORDER BY d), any_value(a, true) OVER (ORDER BY d), last(a) OVER (ORDER BY d), last_value(a) OVER (ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(s, 2) OVER (ORDER BY d), nth_value(a, 1) IGNORE NULLS OVER (ORDER BY d) FROM u

SELECT a, sum(a) OVER (ORDER BY a), sum(a) OVER (PARTITION BY a), sum(d) OVER (), count(*) OVER (PARTITION BY b), count(s) OVER (ORDER BY d) FROM u

SELECT avg(dc) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), sum(dc) OVER (ORDER BY d ROWS 1 PRECEDING), min(a) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), max(s) OVER (ORDER BY d ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING), count(1) OVER (ORDER BY d ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), sum(d) OVER (ORDER BY d ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM u

SELECT sum(d) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING), sum(d) OVER (ORDER BY a RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), sum(a) OVER (ORDER BY a DESC RANGE 1 PRECEDING) FROM u

SELECT sum(a) OVER (ORDER BY d RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u

SELECT sum(a) OVER (ORDER BY d RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) AS x FROM u

SELECT sum(a) OVER (ORDER BY dt RANGE BETWEEN 1 PRECEDING AND CURRENT ROW), sum(a) OVER (ORDER BY dt RANGE BETWEEN INTERVAL 2 DAYS PRECEDING AND CURRENT ROW), sum(a) OVER (ORDER BY ts RANGE BETWEEN INTERVAL 36 HOURS PRECEDING AND CURRENT ROW), count(a) OVER (ORDER BY ts RANGE BETWEEN INTERVAL 1 MONTH PRECEDING AND CURRENT ROW) FROM u

SELECT sum(a) OVER (ORDER BY a, d RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u

SELECT sum(a) OVER (RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u

SELECT sum(a) OVER (ORDER BY s RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u

SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM u

-- here: UNSUPPORTED_WINDOW_FRAME
SELECT row_number() OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u

SELECT collect_list(a) OVER (ORDER BY d), max_by(s, a) OVER (PARTITION BY b), stddev(a) OVER (ORDER BY d), sum(a) FILTER (WHERE a > 1) OVER (ORDER BY d), count_if(a > 1) OVER (ORDER BY d ROWS 1 PRECEDING), bit_or(a) OVER (ORDER BY d ROWS 1 PRECEDING), collect_list(a) OVER (ORDER BY d ROWS 1 PRECEDING) FROM u

SELECT approx_count_distinct(a) OVER (), percentile(a, 0.5) OVER (PARTITION BY b), bool_and(b) OVER (ORDER BY d) FROM u

SELECT row_number() OVER () FROM u

SELECT rank() OVER (PARTITION BY a) FROM u

SELECT lag(a) OVER () FROM u

SELECT nth_value(a, 2) OVER () FROM u

SELECT row_number() FROM u

SELECT upper(s) OVER () FROM u

SELECT count(DISTINCT a) OVER () FROM u

SELECT ntile(0) OVER (ORDER BY a) FROM u

SELECT nth_value(a, 0) OVER (ORDER BY a) FROM u

SELECT sum(a) OVER nosuch FROM u

SELECT a, row_number() OVER w, sum(a) OVER w AS s FROM u WINDOW w AS (PARTITION BY b ORDER BY d)

SELECT sum(a) OVER (w) FROM u WINDOW v AS (ORDER BY d), w AS v

SELECT a FROM u WHERE row_number() OVER (ORDER BY d) = 1

SELECT b, count(*) FROM u GROUP BY b HAVING row_number() OVER (ORDER BY b) = 1

SELECT b, sum(a), rank() OVER (ORDER BY sum(a)), sum(sum(a)) OVER () FROM u GROUP BY b

SELECT d, row_number() OVER (ORDER BY d) AS r FROM u QUALIFY r = 2

SELECT d FROM u QUALIFY row_number() OVER (PARTITION BY a ORDER BY d) = 1

SELECT a FROM u QUALIFY a = 1

SELECT a, max(d) OVER w AS m FROM u WHERE a > 0 WINDOW w AS (PARTITION BY b) QUALIFY m > 0

SELECT * FROM (SELECT d, row_number() OVER (ORDER BY d) AS r FROM u) q WHERE r = 1

SELECT DISTINCT count(*) OVER () FROM u

SELECT sum(a) OVER (ORDER BY d) / sum(a) OVER (), a - lag(a) OVER (ORDER BY d) AS step, sum(a) OVER () > 1.5 FROM u

SELECT row_number() OVER (PARTITION BY u.b, upper(s) ORDER BY a + 1, d DESC NULLS FIRST) FROM u

SELECT k, row_number() OVER (ORDER BY v) FROM STREAM(events)

SELECT a FROM (VALUES (1), (1), (1), (2), (NULL), (NULL)) AS l(a) INTERSECT ALL SELECT a FROM (VALUES (1), (1), (3), (NULL)) AS r(a)

SELECT a FROM (VALUES (1), (1), (1), (2), (NULL), (NULL)) AS l(a) EXCEPT ALL SELECT a FROM (VALUES (1), (1), (3), (NULL)) AS r(a)

SELECT median(a) OVER (ORDER BY d) FROM u

-- here: UNSUPPORTED_FEATURE
SELECT count(*) OVER (PARTITION BY a) AS n, explode(array(1, 2)) FROM u

SELECT k, (SELECT max(d) FROM u WHERE u.a = e.v) FROM events e
