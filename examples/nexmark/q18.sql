-- update: the last bid of each bidder on each auction.
SELECT bidder, auction, max_by(struct(price, channel, url, date_time, extra), date_time) AS last_bid
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY bidder, auction
