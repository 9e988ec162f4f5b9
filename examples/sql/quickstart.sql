-- Click events, as JSON files that arrive in a folder, become a partitioned Parquet table.
-- Run it from the root of the repository, twice: the second run finds nothing new.
--
--     cargo run --release -p tidemill --features cli -- run examples/sql/quickstart.sql

CREATE TABLE clicks (
    ts TIMESTAMP, click_id BIGINT, user STRING, page_id INT, action STRING, dwell_ms INT, agent STRING
) USING json OPTIONS (path 'examples/data/clicks', maxFilesPerTrigger '2');

CREATE TABLE pages (page_id INT, title STRING, section STRING)
    USING csv OPTIONS (path 'examples/data/pages.csv', header 'true');

CREATE STREAMING TABLE page_views
    USING parquet
    LOCATION 'quickstart-output/sql/page_views'
    PARTITIONED BY (day)
    OPTIONS (checkpointLocation 'quickstart-output/sql/checkpoint', trigger 'availableNow')
AS SELECT c.ts,
          c.click_id,
          coalesce(c.user, 'guest') AS user,
          p.title,
          p.section,
          c.dwell_ms / 1000 AS dwell_s,
          CAST(c.ts AS DATE) AS day
   FROM STREAM(clicks) c JOIN pages p ON c.page_id = p.page_id
   WHERE c.action = 'view' AND NOT c.agent LIKE '%bot%';

SELECT day, section, count(*) AS views, count(DISTINCT user) AS users, round(avg(dwell_s), 1) AS avg_dwell_s
FROM page_views
GROUP BY day, section
ORDER BY day, section;
