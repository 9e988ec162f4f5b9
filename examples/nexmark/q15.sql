-- update: bids, bidders and auctions of each day, by rank of price; distinct ones counted approximately.
SELECT date_format(date_time, 'yyyy-MM-dd') AS day,
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
GROUP BY date_format(date_time, 'yyyy-MM-dd')
