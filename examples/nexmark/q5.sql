-- append: how many bids each auction had in the last ten seconds, every two seconds.
SELECT auction, window.start AS starttime, window.end AS endtime, count(*) AS num
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY auction, window(date_time, '10 seconds', '2 seconds')
