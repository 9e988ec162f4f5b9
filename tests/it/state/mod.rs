//! The state of a query: crashes at every write, starts on a checkpoint that does not fit, confs, what progress tells.

mod confs;
mod crash;
mod kept;
mod progress;
mod restart;

/// A windowed count under a watermark of 10 seconds.
const WINDOWED_COUNT: &str = "SELECT window.start AS ws, k, count(*) AS n
    FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k";
