-- append: the highest price of each ten seconds.
SELECT window.end AS endtime, max(price) AS maxprice
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY window(date_time, '10 seconds')
