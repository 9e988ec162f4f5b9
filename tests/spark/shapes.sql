-- Queries that both engines run over one stream `e`; tests/it/spark/shapes.rs reads them.
-- A comment of name, output mode and flags with bars between opens a shape; its text follows. Flags: `relay`, `store`, `order`,
-- and last a method of the frame to call after the text: `dropDuplicates(k, ts)`, `distinct()`.

-- windowed count, update | update | relay store
SELECT window(ts, '10 seconds') AS w, k, count(*) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '10 seconds'), k

-- windowed count, append | append | relay
SELECT window(ts, '10 seconds') AS w, k, count(*) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '10 seconds'), k

-- windowed count, complete | complete |
SELECT window(ts, '10 seconds') AS w, k, count(*) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '10 seconds'), k

-- sliding window with sums, update | update | store
SELECT window(ts, '20 seconds', '5 seconds') AS w, sum(v) AS s, max(x) AS m
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '20 seconds', '5 seconds')

-- sliding window with averages, append | append |
SELECT window.start AS a, window.end AS z, k, avg(v) AS av, min(s) AS mi
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '10 seconds', '5 seconds'), k

-- window with an offset | append |
SELECT window.start AS a, count(v) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS
GROUP BY window(ts, '10 seconds', '10 seconds', '3 seconds')

-- many functions by key | update | relay store
SELECT k, count(*) AS n, count(v) AS nv, sum(v) AS s, avg(v) AS a, min(v) AS mi, max(v) AS ma, collect_list(v) AS l
FROM STREAM(e) GROUP BY k

-- count, sum and average by a string | complete | store
SELECT s, count(*) AS n, sum(x) AS sx, avg(x) AS ax FROM STREAM(e) GROUP BY s

-- everything without keys | complete |
SELECT count(*) AS n, sum(v) AS s, avg(d) AS a, min(day) AS mi, max(ts) AS ma FROM STREAM(e)

-- everything without keys, update | update |
SELECT count(v) AS n, sum(d) AS s, count_if(v > 3) AS c FROM STREAM(e)

-- having above an aggregation | update |
SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k HAVING count(*) > 5

-- having on a sum that is not selected | complete |
SELECT k FROM STREAM(e) GROUP BY k HAVING sum(v) > 20

-- filtered functions | update |
SELECT k, count(*) FILTER (WHERE v > 3) AS hi, sum(v) FILTER (WHERE s LIKE 'a%') AS sa, max(x) AS m
FROM STREAM(e) GROUP BY k

-- a filter below an aggregation | update |
SELECT s, count(*) AS n, sum(v) AS t FROM STREAM(e) WHERE v IS NOT NULL AND x > 1.0 GROUP BY s

-- arithmetic as a key | update |
SELECT v % 3 AS r, count(*) AS n, sum(v + 1) AS t FROM STREAM(e) GROUP BY v % 3

-- functions of strings as keys | complete |
SELECT upper(s) AS u, length(s) AS len, count(*) AS n FROM STREAM(e) GROUP BY upper(s), length(s)

-- a condition as a key | update |
SELECT CASE WHEN v > 5 THEN 'big' WHEN v > 2 THEN 'mid' END AS size, count(*) AS n, avg(v) AS a
FROM STREAM(e) GROUP BY CASE WHEN v > 5 THEN 'big' WHEN v > 2 THEN 'mid' END

-- null keys of several types | update | store
SELECT k, v, count(*) AS n FROM STREAM(e) GROUP BY k, v

-- sums and averages of decimals | update | store
SELECT k, sum(d) AS s, avg(d) AS a, min(d) AS mi, max(d) AS ma FROM STREAM(e) GROUP BY k

-- a decimal as a key | complete |
SELECT d, count(*) AS n FROM STREAM(e) GROUP BY d

-- dates as keys | update |
SELECT day, count(*) AS n, min(ts) AS first_ts, max(ts) AS last_ts FROM STREAM(e) GROUP BY day

-- years and months of dates | complete |
SELECT year(day) AS y, month(day) AS m, count(*) AS n, max(day) AS latest FROM STREAM(e) GROUP BY year(day), month(day)

-- booleans | update |
SELECT b, bool_and(v > 1) AS every, bool_or(v > 7) AS any_one, count(b) AS n FROM STREAM(e) GROUP BY b

-- minimum and maximum of strings | update |
SELECT k, min(s) AS mi, max(s) AS ma FROM STREAM(e) GROUP BY k

-- deviations | complete |
SELECT k, stddev(x) AS sd, var_pop(x) AS vp, var_samp(v) AS vs FROM STREAM(e) GROUP BY k

-- correlation | complete |
SELECT corr(x, v) AS c, covar_pop(x, v) AS cp, covar_samp(x, v) AS cs FROM STREAM(e)

-- bits | update |
SELECT k, bit_or(v) AS o, bit_and(v) AS a, bit_xor(v) AS x FROM STREAM(e) GROUP BY k

-- values by the greatest of another | update |
SELECT k, max_by(id, id) AS newest, min_by(s, id) AS oldest_s FROM STREAM(e) GROUP BY k

-- distinct counts, approximated | complete |
SELECT k, approx_count_distinct(v) AS n FROM STREAM(e) GROUP BY k

-- grouping sets | update | store
SELECT k, s, count(*) AS n, sum(v) AS t FROM STREAM(e) GROUP BY GROUPING SETS ((k), (s), ())

-- a rollup with a window | complete |
SELECT window(ts, '30 seconds').start AS a, k, count(*) AS n FROM STREAM(e)
GROUP BY ROLLUP (window(ts, '30 seconds'), k)

-- select distinct | update | store
SELECT DISTINCT k, v % 2 AS p FROM STREAM(e)

-- select distinct, complete | complete |
SELECT DISTINCT s, b FROM STREAM(e)

-- union distinct | update |
SELECT k AS key FROM STREAM(e) UNION SELECT s AS key FROM STREAM(e)

-- an aggregation over a union | complete |
SELECT key, count(*) AS n, sum(v) AS t FROM
(SELECT k AS key, v FROM STREAM(e) UNION ALL SELECT s AS key, v FROM STREAM(e) WHERE v > 2) GROUP BY key

-- a window of windows | append | store
SELECT window(window, '20 seconds') AS w2, count(*) AS n, sum(c) AS t FROM (
  SELECT window(ts, '10 seconds') AS window, k, count(*) AS c
  FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '10 seconds'), k
) GROUP BY window(window, '20 seconds')

-- the event time as a key | append |
SELECT ts, count(*) AS n, max(v) AS m FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY ts

-- the greatest counts | complete |
SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k ORDER BY n DESC, k LIMIT 2

-- ordered output | complete |
SELECT s, sum(v) AS t FROM STREAM(e) GROUP BY s ORDER BY t DESC NULLS LAST, s

-- arithmetic over functions | update |
SELECT k, sum(v) + count(*) AS a, max(x) - min(x) AS spread, coalesce(max(s), '-') AS m FROM STREAM(e) GROUP BY k

-- first rows by key | append | store dropDuplicates(k)
SELECT id, k, v FROM STREAM(e)

-- first rows by two keys, update | update | dropDuplicates(k, s)
SELECT id, k, s FROM STREAM(e)

-- first rows with a watermark | append | relay store dropDuplicates(k, ts)
SELECT k, ts, v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS

-- first rows within the watermark | append | relay dropDuplicatesWithinWatermark(k)
SELECT k, ts FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS

-- distinct of the frame | append | distinct()
SELECT s, v FROM STREAM(e)

-- a limit | append |
SELECT id, k FROM STREAM(e) LIMIT 17

-- a projection without state | append |
SELECT id, v * 2 AS w, concat(s, '!') AS t FROM STREAM(e) WHERE k = 'b'

-- first rows by five texts | append | order dropDuplicates(e, d, c, b, a)
SELECT k AS a, CAST(b AS STRING) AS b, CAST(v % 2 AS STRING) AS c, upper(k) AS d, CAST(v > 4 AS STRING) AS e
FROM STREAM(e)
