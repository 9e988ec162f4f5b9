-- Queries that both engines run over one stream `e`; tests/it/spark/shapes.rs reads them.
-- A comment of name, output mode and flags with bars between opens a shape; its text follows. Flags: `relay`, `store`, `order`,
-- `rows` where the progress is not compared, and last a method of the frame to call after the text:
-- `dropDuplicates(k, ts)`, `distinct()`.

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

-- sliding window of many functions | append | store
SELECT window(ts, '12 seconds', '3 seconds', '1 second') AS w, k, count(*) FILTER (WHERE v > 1) AS c, sum(v) AS s, max(s) AS m,
  approx_count_distinct(v) AS d, bool_and(v > 0) AS p
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '12 seconds', '3 seconds', '1 second'), k

-- sliding window of functions that heed the order | update |
SELECT window.start AS a, first(v) AS f, last(v, true) AS l, max_by(s, v) AS b, sum(x) AS t
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '20 seconds', '5 seconds')

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

-- grouping functions over a cube | update | store
SELECT k, b, grouping(k) AS gk, grouping_id() AS id, count(*) AS n FROM STREAM(e) GROUP BY CUBE (k, b)

-- having on a grouping function, which Spark lets keep the other sets out of the state | complete | rows
SELECT k, s, count(*) AS n FROM STREAM(e) GROUP BY ROLLUP (k, s) HAVING grouping(s) = 1 AND grouping_id() < 3

-- grouping sets in another order than their columns | update | store
SELECT k, b, grouping_id(b, k) AS id, count(*) AS n FROM STREAM(e) GROUP BY GROUPING SETS ((b), (k), (b, k))

-- a grouping set named twice | update | relay store
SELECT k, b, grouping_id() AS id, count(*) AS n, sum(v) AS t FROM STREAM(e)
GROUP BY GROUPING SETS ((k), (b), (k), (), ())

-- a cube over a repeated column | complete | store
SELECT k, b, grouping_id() AS id, count(*) AS n FROM STREAM(e) GROUP BY CUBE (k, b, k)

-- a key beside a rollup of it | update | relay store
SELECT k, s, grouping(s) AS gs, count(*) AS n FROM STREAM(e) GROUP BY k, ROLLUP (k, s)

-- the empty grouping set | update | store
SELECT grouping_id() AS id, count(*) AS n FROM STREAM(e) GROUP BY GROUPING SETS (())

-- the empty grouping set twice | update | store
SELECT count(*) AS n FROM STREAM(e) GROUP BY GROUPING SETS ((), ())

-- one grouping set | update | store
SELECT k, grouping_id() AS id, count(*) AS n FROM STREAM(e) GROUP BY GROUPING SETS ((k))

-- constants as keys | update | relay store
SELECT 'x' AS c, count(*) AS n, sum(v) AS t FROM STREAM(e) GROUP BY 'x', 1 = 1

-- a constant beside a key | complete | store
SELECT k, 'x' AS c, count(*) AS n FROM STREAM(e) GROUP BY concat('a', 'b'), k

-- a constant as a key of nothing | complete |
SELECT count(*) AS n FROM STREAM(e) WHERE v > 1000 GROUP BY 1 = 1

-- arrays sorted | update | store
SELECT k, sort_array(collect_list(v), false) AS l FROM STREAM(e) GROUP BY k

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

-- Spark runs what stands below a sort twice, to sample it, and counts the state of both runs.
-- ordered output | complete | rows
SELECT s, sum(v) AS t FROM STREAM(e) GROUP BY s ORDER BY t DESC NULLS LAST, s

-- arithmetic over functions | update |
SELECT k, sum(v) + count(*) AS a, max(x) - min(x) AS spread, coalesce(max(s), '-') AS m FROM STREAM(e) GROUP BY k

-- a struct and an array as keys | update | relay store
SELECT named_struct('k', k, 'v', v) AS kv, array(k, s) AS ks, count(*) AS n, sum(x) AS t FROM STREAM(e)
GROUP BY named_struct('k', k, 'v', v), array(k, s)

-- five keys of five types | complete | store
SELECT k, v, d, day, b, count(*) AS n, max(id) AS newest FROM STREAM(e) GROUP BY k, v, d, day, b

-- decimals computed, as a key and summed | update | store
SELECT CAST(d AS DECIMAL(12, 0)) AS whole, sum(d * 2) AS s, avg(d + 1) AS a, sum(CAST(d AS DECIMAL(30, 2))) AS wide
FROM STREAM(e) GROUP BY CAST(d AS DECIMAL(12, 0))

-- a date and a window | append | relay
SELECT window(ts, '10 seconds') AS w, day, count(*) AS n, min(d) AS mi
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts, '10 seconds'), day

-- having on a sum of a window | append |
SELECT window.start AS a, k, sum(v) AS s FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS
GROUP BY window(ts, '10 seconds'), k HAVING sum(v) > 6

-- windows of windows under filters of keys | append | store
SELECT window(window, '30 seconds', '10 seconds') AS w2, max(c) AS m, count(*) AS n FROM (
  SELECT window(ts, '5 seconds') AS window, k, b, count(*) AS c
  FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS WHERE v IS NOT NULL GROUP BY window(ts, '5 seconds'), k, b
) WHERE k <> 'b' GROUP BY window(window, '30 seconds', '10 seconds')

-- first and last values that are not null | update | relay store
SELECT k, first(v) IGNORE NULLS AS fv, last(s) IGNORE NULLS AS ls, first(x) AS fx, last(d) AS ld
FROM STREAM(e) GROUP BY k

-- a condition and a window as keys | append |
SELECT window.end AS z, CASE WHEN v > 6 THEN 'big' WHEN b THEN 'true' ELSE k END AS c, count(*) AS n, avg(x) AS a
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '10 seconds'), CASE WHEN v > 6 THEN 'big' WHEN b THEN 'true' ELSE k END

-- a window over an expression | update |
SELECT window(ts + INTERVAL 3 SECONDS, '10 seconds') AS w, count(*) AS n, sum(v) AS s
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY window(ts + INTERVAL 3 SECONDS, '10 seconds')

-- Spark tells the event times of the first watermark only, here of all.
-- a union of two streams with watermarks | append | store rows
SELECT window(ts, '10 seconds') AS w, key, count(*) AS n, sum(v) AS s FROM (
  SELECT ts, k AS key, v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
  UNION ALL SELECT ts, s AS key, v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 2 SECONDS WHERE v > 2
) GROUP BY window(ts, '10 seconds'), key

-- a union of two streams with watermarks, update | update |
SELECT window(ts, '10 seconds') AS w, count(*) AS n, sum(v) AS s FROM (
  SELECT ts, v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS
  UNION ALL SELECT ts, id AS v FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 0 SECONDS
) GROUP BY window(ts, '10 seconds')

-- a cube with a window | update | store
SELECT window(ts, '20 seconds') AS w, k, count(*) AS n, sum(v) AS s
FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 5 SECONDS GROUP BY CUBE (window(ts, '20 seconds'), k)

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

-- a limit below an aggregation | complete | store
SELECT k, count(*) AS n FROM (SELECT * FROM STREAM(e) LIMIT 17) GROUP BY k

-- two event times as keys | complete |
SELECT window(ts, '10 seconds').start AS w, ts, count(*) AS n FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '10 seconds'), ts

-- constants among the keys | update | store
SELECT 'x' AS c, k, 1 + 1 AS two, count(*) AS n FROM STREAM(e) GROUP BY 'x', k, 1 + 1

-- a column that is constant among the keys | update | store
SELECT src, k, count(*) AS n FROM (SELECT k, 'a' AS src FROM STREAM(e)) GROUP BY src, k

-- a condition without columns above an aggregation | update | store
SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k HAVING current_date() > DATE'2999-01-01'

-- a join on a false condition above an aggregation | update | store
SELECT a.k, a.n, t.x FROM (SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k) a JOIN VALUES (1) AS t(x) ON 1 = 0

-- the least and the greatest of floats | update | store
SELECT k, CAST(min(y) AS STRING) AS lo, CAST(max(y) AS STRING) AS hi, max_by(v, y) AS at FROM
(SELECT k, v, CASE WHEN v % 3 = 0 THEN CAST('NaN' AS DOUBLE) WHEN v % 3 = 1 THEN CAST('-Infinity' AS DOUBLE) ELSE x END AS y
 FROM STREAM(e) WHERE v IS NOT NULL) GROUP BY k

-- first rows by five texts | append | order dropDuplicates(e, d, c, b, a)
SELECT k AS a, CAST(b AS STRING) AS b, CAST(v % 2 AS STRING) AS c, upper(k) AS d, CAST(v > 4 AS STRING) AS e
FROM STREAM(e)
