//! Options `modifiedBefore` and `modifiedAfter`: which files a batch reads, by the time of their last change.

use tidemill_sql::record::value::{Zone, parse_timestamp};

use crate::options::invalid_value;
use crate::{Conf, Options, Result, TidemillError};

/// Times between which a file must have been changed last, both excluded.
#[derive(Clone, Debug)]
pub(crate) struct ModifiedRange {
    /// Microseconds since the epoch, as the next.
    after: Option<i64>,
    before: Option<i64>,
    zone: Zone,
}

impl ModifiedRange {
    /// What the options say, in the zone of option `timeZone`, else the session's.
    ///
    /// # Errors
    /// INVALID_OPTION_VALUE for a text that is no time, or a zone that is none.
    pub(crate) fn new(options: &Options, conf: &Conf) -> Result<Self> {
        let session = || conf.get("spark.sql.session.timeZone");
        let id = options.get("timeZone").or_else(session).unwrap_or("UTC");
        let is_asked = ["modifiedAfter", "modifiedBefore"]
            .iter()
            .any(|name| options.get(name).is_some());
        let zone = match Zone::parse(id) {
            Some(zone) => zone,
            None if is_asked => return Err(invalid_value("timeZone", id, "a time zone")),
            None => Zone::utc(),
        };
        let bound = |name: &str| -> Result<Option<i64>> {
            let Some(text) = options.get(name) else {
                return Ok(None);
            };
            let micros = parse_timestamp(text.as_bytes(), &zone);
            let micros = micros.ok_or_else(|| {
                TidemillError::invalid(
                    "INVALID_OPTION_VALUE",
                    format!(
                        "The timestamp provided for the '{name}' option is invalid. The expected format is \
                         'YYYY-MM-DDTHH:mm:ss', but the provided timestamp: {text}."
                    ),
                )
            })?;
            Ok(Some(micros))
        };
        Ok(Self {
            after: bound("modifiedAfter")?,
            before: bound("modifiedBefore")?,
            zone,
        })
    }

    /// The option that is set, if one is.
    pub(crate) fn option(&self) -> Option<&'static str> {
        let before = self.before.map(|_| "modifiedBefore");
        before.or(self.after.map(|_| "modifiedAfter"))
    }

    /// Whether a file that was changed then, milliseconds since the epoch, is read.
    ///
    /// Spark compares the local time of the change, as if it were UTC, with the bound's instant; so does this.
    pub(crate) fn contains(&self, modified_ms: i64) -> bool {
        if self.option().is_none() {
            return true;
        }
        let micros = modified_ms.saturating_mul(1000);
        let local = self.zone.to_local(micros).unwrap_or(micros);
        self.after.is_none_or(|after| local > after) && self.before.is_none_or(|before| local < before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(options: &[(&str, &str)], zone: &str) -> Vec<usize> {
        const BOUND: i64 = 1_704_067_200;
        let mut conf = Conf::default();
        conf.set("spark.sql.session.timeZone", zone);
        let options: Options = options.iter().copied().collect();
        let range = ModifiedRange::new(&options, &conf).unwrap();
        let changed = [-1, 0, 1, 5 * 3600, -5 * 3600, 10 * 3600, -10 * 3600].map(|s| (BOUND + s) * 1000);
        (0..changed.len())
            .filter(|at| range.contains(changed[*at]))
            .collect()
    }

    /// As Spark 4.3 gave them for files with these times.
    #[test]
    fn files_are_kept_as_spark_keeps_them() {
        let at = "2024-01-01T00:00:00";
        assert_eq!(kept(&[("modifiedBefore", at)], "UTC"), [0, 4, 6]);
        assert_eq!(kept(&[("modifiedAfter", at)], "UTC"), [2, 3, 5]);
        assert_eq!(
            kept(&[("modifiedBefore", at), ("timeZone", "Asia/Tokyo")], "UTC"),
            [0; 0]
        );
        assert_eq!(
            kept(&[("modifiedBefore", at)], "America/New_York"),
            [0, 1, 2, 3, 4, 6]
        );
        assert_eq!(kept(&[("modifiedAfter", at)], "America/New_York"), [0; 0]);
        assert_eq!(kept(&[("modifiedBefore", "2024-01-01")], "UTC"), [0, 4, 6]);
        assert_eq!(
            kept(&[("modifiedAfter", "2024-01-01 00:00:00.5")], "UTC"),
            [2, 3, 5]
        );
        assert_eq!(
            kept(&[("modifiedAfter", "2024-01-01T00:00:00+05:00")], "UTC"),
            [0, 1, 2, 3, 5]
        );
        let both = [
            ("modifiedAfter", "2023-12-31T22:00:00"),
            ("modifiedBefore", "2024-01-01T00:00:01"),
        ];
        assert_eq!(kept(&both, "UTC"), [0, 1]);
    }

    #[test]
    fn a_text_that_is_no_time_is_refused() {
        for text in ["nonsense", ""] {
            let options: Options = [("modifiedAfter", text)].into_iter().collect();
            let error = ModifiedRange::new(&options, &Conf::default()).unwrap_err();
            assert_eq!(error.condition(), "INVALID_OPTION_VALUE");
        }
        let nowhere = [("modifiedAfter", "2024-01-01"), ("timeZone", "Nowhere")];
        let options: Options = nowhere.into_iter().collect();
        let error = ModifiedRange::new(&options, &Conf::default()).unwrap_err();
        assert!(error.message().contains("'Nowhere'"), "{error}");
    }
}
