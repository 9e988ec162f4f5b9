-- append: the auction with most bids in the last ten seconds, every two seconds.
SELECT w.start AS starttime, w.end AS endtime, max_by(auction, num) AS auction, max(num) AS num
FROM (
    SELECT auction, window AS w, count(*) AS num
    FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
    GROUP BY auction, window(date_time, '10 seconds', '2 seconds')
)
GROUP BY w
