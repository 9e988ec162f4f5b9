-- append: how many bids each bidder made in each ten seconds of event time.
SELECT bidder, window.start AS starttime, window.end AS endtime, count(*) AS bid_count
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY bidder, window(date_time, '10 seconds')
