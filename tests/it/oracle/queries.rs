//! The queries without a watermark: as a stream in Spark's dialect, and as DataFusion's own.

/// A query and its oracle.
pub(super) struct OracleQuery {
    /// Over `{e}`.
    pub(super) stream: &'static str,
    /// Over the table `e`; empty where the text of the stream is valid there too.
    pub(super) batch: &'static str,
    /// The columns of the result that are its key.
    pub(super) keys: &'static [&'static str],
    /// Only complete mode can show it.
    pub(super) only_complete: bool,
}

impl OracleQuery {
    pub(super) fn streaming(&self) -> String {
        self.stream.replace("{e}", "STREAM(e)")
    }

    pub(super) fn has_grouping_sets(&self) -> bool {
        ["CUBE(", "ROLLUP(", "GROUPING SETS "]
            .iter()
            .any(|sets| self.stream.contains(sets))
    }

    pub(super) fn oracle(&self) -> String {
        match self.batch {
            "" => self.stream.replace("{e}", "e"),
            batch => batch.to_owned(),
        }
    }
}

const fn same(stream: &'static str, keys: &'static [&'static str]) -> OracleQuery {
    OracleQuery {
        stream,
        batch: "",
        keys,
        only_complete: false,
    }
}

const fn other(stream: &'static str, batch: &'static str, keys: &'static [&'static str]) -> OracleQuery {
    OracleQuery {
        batch,
        ..same(stream, keys)
    }
}

const fn complete(query: OracleQuery) -> OracleQuery {
    OracleQuery {
        only_complete: true,
        ..query
    }
}

pub(super) const QUERIES: &[OracleQuery] = &[
    same(
        "SELECT k, count(*) AS n, count(v) AS c, sum(v) AS s, min(v) AS lo, max(v) AS hi FROM {e} GROUP BY k",
        &["k"],
    ),
    same(
        "SELECT g, avg(v) AS a, stddev(v) AS sd, var_pop(v) AS vp, max(k) AS mk, min(ts) AS t FROM {e} GROUP BY g",
        &["g"],
    ),
    same("SELECT count(*) AS n, sum(v) AS s, max(ts) AS t FROM {e}", &[]),
    same(
        "SELECT k, g, count(*) FILTER (WHERE v > 5) AS n, sum(v) FILTER (WHERE g = 1) AS s FROM {e} GROUP BY k, g",
        &["k", "g"],
    ),
    same(
        "SELECT v % 3 AS m, count(*) AS n, bool_and(v > 2) AS b FROM {e} WHERE v IS NOT NULL GROUP BY v % 3",
        &["m"],
    ),
    same("SELECT DISTINCT k, g FROM {e}", &["k", "g"]),
    other(
        "SELECT x, count(*) AS n FROM {e} GROUP BY x",
        "SELECT z AS x, count(*) AS n FROM (SELECT CASE WHEN x = 0 THEN 0.0 ELSE x END AS z FROM e) GROUP BY z",
        &["x"],
    ),
    other(
        "SELECT window.start AS ws, window.end AS we, k, sum(v) AS s FROM {e} GROUP BY window(ts, '10 seconds'), k",
        "SELECT arrow_cast(w, 'Timestamp(Microsecond, Some(\"UTC\"))') AS ws,
            arrow_cast(w + INTERVAL '10 seconds', 'Timestamp(Microsecond, Some(\"UTC\"))') AS we, k, sum(v) AS s FROM (
            SELECT date_bin(INTERVAL '10 seconds', ts) AS w, k, v FROM e WHERE ts IS NOT NULL
         ) GROUP BY w, k",
        &["ws", "k"],
    ),
    same(
        "SELECT u.k AS k, count(*) AS n, sum(u.w) AS s FROM (
            SELECT k, v AS w FROM {e} WHERE g = 1 UNION ALL SELECT k, g AS w FROM {e}
         ) u GROUP BY u.k",
        &["k"],
    ),
    complete(same(
        "SELECT k, count(*) AS n FROM {e} GROUP BY k HAVING count(*) > 1 AND sum(v) > 0",
        &["k"],
    )),
    complete(same(
        "SELECT k, count(*) AS n FROM {e} GROUP BY k ORDER BY n DESC, k ASC NULLS FIRST LIMIT 2",
        &["k"],
    )),
    complete(same(
        "SELECT k, g, count(*) AS n, sum(v) AS s FROM {e} GROUP BY CUBE(k, g)",
        &["k", "g"],
    )),
    complete(same(
        "SELECT k, g, count(v) AS n FROM {e} GROUP BY ROLLUP(k, g)",
        &["k", "g"],
    )),
    complete(same(
        "SELECT k, g, max(v) AS n FROM {e} GROUP BY GROUPING SETS ((k), (g))",
        &["k", "g"],
    )),
    complete(same(
        "SELECT n, count(*) AS c FROM (SELECT v + 1 AS n FROM {e} WHERE v > 1) q GROUP BY n ORDER BY n",
        &["n"],
    )),
];
