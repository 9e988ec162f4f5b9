-- update: as q15, by channel too.
SELECT channel, date_format(date_time, 'yyyy-MM-dd') AS day,
    max(date_format(date_time, 'HH:mm')) AS minute,
    count(*) AS total_bids,
    count(*) FILTER (WHERE price < 10000) AS rank1_bids,
    count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
    count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
    approx_count_distinct(bidder) AS total_bidders,
    approx_count_distinct(bidder) FILTER (WHERE price < 10000) AS rank1_bidders,
    approx_count_distinct(bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bidders,
    approx_count_distinct(bidder) FILTER (WHERE price >= 1000000) AS rank3_bidders,
    approx_count_distinct(auction) AS total_auctions,
    approx_count_distinct(auction) FILTER (WHERE price < 10000) AS rank1_auctions,
    approx_count_distinct(auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_auctions,
    approx_count_distinct(auction) FILTER (WHERE price >= 1000000) AS rank3_auctions
FROM bid WATERMARK date_time DELAY OF INTERVAL 4 SECONDS
GROUP BY channel, date_format(date_time, 'yyyy-MM-dd')
