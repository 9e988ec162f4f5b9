//! English names of months, days and zones.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Abbreviations of zones with the region they stand for, and the long name where Java has one.
pub(super) const ZONES: &[(&str, &str, &str)] = &[
    ("UTC", "UTC", "Coordinated Universal Time"),
    ("GMT", "GMT", "Greenwich Mean Time"),
    ("EST", "America/New_York", "Eastern Standard Time"),
    ("EDT", "America/New_York", "Eastern Daylight Time"),
    ("CST", "America/Chicago", "Central Standard Time"),
    ("CDT", "America/Chicago", "Central Daylight Time"),
    ("MST", "America/Denver", "Mountain Standard Time"),
    ("MDT", "America/Denver", "Mountain Daylight Time"),
    ("PST", "America/Los_Angeles", "Pacific Standard Time"),
    ("PDT", "America/Los_Angeles", "Pacific Daylight Time"),
    ("BST", "Europe/London", "British Summer Time"),
    ("WET", "Europe/Lisbon", "Western European Standard Time"),
    ("CET", "Europe/Paris", "Central European Standard Time"),
    ("CEST", "Europe/Paris", "Central European Summer Time"),
    ("EET", "Europe/Athens", "Eastern European Standard Time"),
    ("EEST", "Europe/Athens", "Eastern European Summer Time"),
    ("MSK", "Europe/Moscow", "Moscow Standard Time"),
    ("IST", "Asia/Kolkata", "India Standard Time"),
    ("JST", "Asia/Tokyo", "Japan Standard Time"),
];

/// The first three letters of an English name.
pub(super) fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}
