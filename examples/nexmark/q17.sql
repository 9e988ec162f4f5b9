-- update: bids of each auction and day, by rank of price, and what was bid.
SELECT auction, date_format(date_time, 'yyyy-MM-dd') AS day,
    count(*) AS total_bids,
    count(*) FILTER (WHERE price < 10000) AS rank1_bids,
    count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
    count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
    min(price) AS min_price, max(price) AS max_price, avg(price) AS avg_price, sum(price) AS sum_price
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY auction, date_format(date_time, 'yyyy-MM-dd')
