//! `parse_url`, `url_encode`, `url_decode`: the parts of a URL as Java's `URI` finds them.

use super::simple::{Row, Value};
use crate::SqlError;

/// The parts of a URL as they are written.
#[derive(Default)]
struct Uri<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    user: Option<&'a str>,
    host: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

/// Whether a part holds only letters, digits, the marks of every part, these ones, whole escapes, and letters beyond ASCII.
fn is_legal(part: &str, marks: &str) -> bool {
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        let legal = match c {
            '%' => rest.by_ref().take(2).filter(char::is_ascii_hexdigit).count() == 2,
            c if c.is_ascii() => c.is_ascii_alphanumeric() || "_-!.~'()*".contains(c) || marks.contains(c),
            c => !c.is_control() && !c.is_whitespace(),
        };
        if !legal {
            return false;
        }
    }
    true
}

const IN_QUERY: &str = ";/?:@&=+$,[]";
const IN_PATH: &str = "/;:@&=+$,";
const IN_AUTHORITY: &str = "$,;:@&=+";
const IN_USER: &str = ";:&=+$,";

fn parse(text: &str) -> Option<Uri<'_>> {
    let mut out = Uri::default();
    let mut rest = text;
    if let Some((before, fragment)) = rest.split_once('#') {
        out.fragment = Some(fragment).filter(|f| is_legal(f, IN_QUERY));
        out.fragment?;
        rest = before;
    }
    let scheme_end = rest
        .find([':', '/', '?'])
        .filter(|at| rest.get(*at..*at + 1) == Some(":"));
    if let Some(end) = scheme_end {
        let (scheme, after) = rest.split_at_checked(end)?;
        let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts
            || !scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            return None;
        }
        out.scheme = Some(scheme);
        rest = after.get(1..)?;
        if !rest.starts_with('/') {
            return (!rest.is_empty() && is_legal(rest, IN_QUERY)).then_some(out);
        }
    }
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (authority, path) = after.split_at_checked(end)?;
        if authority.is_empty() && path.is_empty() && out.fragment.is_none() {
            return None;
        }
        if !authority.is_empty() {
            out.authority = Some(authority);
            (out.user, out.host) = server(authority)?;
        }
        rest = path;
    }
    if let Some((path, query)) = rest.split_once('?') {
        out.query = Some(query).filter(|q| is_legal(q, IN_QUERY));
        out.query?;
        rest = path;
    }
    out.path = Some(rest).filter(|p| is_legal(p, IN_PATH));
    out.path?;
    Some(out)
}

/// The user and the host of an authority; neither where it names no host.
fn server(authority: &str) -> Option<(Option<&str>, Option<&str>)> {
    let (user, address) = match authority.split_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, authority),
    };
    let (host, port) = match address.rfind(']') {
        Some(end) => address.split_at_checked(end + 1)?,
        None => address.split_at_checked(address.find(':').unwrap_or(address.len()))?,
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    let is_server = is_host(host)
        && port.bytes().all(|b| b.is_ascii_digit())
        && user.is_none_or(|u| is_legal(u, IN_USER));
    if is_server {
        return Some((user, Some(host)));
    }
    is_legal(authority, IN_AUTHORITY).then_some((None, None))
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.iter().all(is_label)
        && labels
            .last()
            .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// `parse_url(url, part[, key])`: a URL that is none is an error under ANSI.
pub(super) fn parse_url(row: Row<'_>) -> Option<Value> {
    part_of(row, row.ansi)
}

/// `try_parse_url(url, part[, key])`
pub(super) fn try_parse_url(row: Row<'_>) -> Option<Value> {
    part_of(row, false)
}

fn part_of(row: Row<'_>, strict: bool) -> Option<Value> {
    let (text, part) = (row.text(0)?, row.text(1)?);
    let key = if row.width() > 2 { Some(row.text(2)?) } else { None };
    let Some(uri) = parse(text) else {
        return strict.then(|| {
            SqlError::new(
                "INVALID_URL",
                format!("The url is invalid: {text}. Use `try_parse_url` to tolerate invalid URL and return NULL instead."),
            )
            .into()
        });
    };
    if let Some(key) = key {
        let query = Some(uri.query?).filter(|_| part == "QUERY")?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        return pairs
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.into());
    }
    Some(match part {
        "HOST" => uri.host?.into(),
        "PATH" => uri.path?.into(),
        "QUERY" => uri.query?.into(),
        "REF" => uri.fragment?.into(),
        "PROTOCOL" => uri.scheme?.into(),
        "AUTHORITY" => uri.authority?.into(),
        "USERINFO" => uri.user?.into(),
        "FILE" => match uri.query {
            Some(query) => format!("{}?{query}", uri.path?).into(),
            None => uri.path?.into(),
        },
        _ => return None,
    })
}

/// `url_encode(s)`
pub(super) fn url_encode(row: Row<'_>) -> Option<Value> {
    let mut out = String::new();
    for byte in row.text(0)?.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b".-*_".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    Some(out.into())
}

/// `url_decode(s)`
pub(super) fn url_decode(row: Row<'_>) -> Option<Value> {
    let text = row.text(0)?;
    Some(decoded(text).map_or_else(
        || {
            SqlError::new(
                "CANNOT_DECODE_URL",
                format!("The provided URL cannot be decoded: {text}. Please ensure that the URL is properly formatted."),
            )
            .into()
        },
        Value::from,
    ))
}

/// `try_url_decode(s)`
pub(super) fn try_url_decode(row: Row<'_>) -> Option<Value> {
    decoded(row.text(0)?).map(Value::from)
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
            }
            other => out.push(other),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
