-- append: every bid, unchanged; what reading and passing on costs.
SELECT auction, bidder, price, date_time, extra
FROM bid
