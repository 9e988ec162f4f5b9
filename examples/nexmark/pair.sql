-- update: how many bids each bidder made on each auction.
SELECT bidder, auction, count(*) AS n
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY bidder, auction
