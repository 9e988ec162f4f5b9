//! A path into a JSON text (`$.a[0]['b'][*]`) and what it finds there, as Hive and Spark find it.

use super::encoder::push_string;
use super::tape::{Kind, Syntax, Tape, Token};
use super::unescape::unescape;
use crate::record::value::format_double;

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// `.name`, `['name']`
    Name(String),
    /// `[0]`
    Index(usize),
    /// `[*]`
    Every,
    /// `.*`, which finds nothing
    Nothing,
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

impl JsonPath {
    /// The path of a text; `None` for what is no path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(after) = rest.strip_prefix(".*").or(rest.strip_prefix("['*']")) {
                (Step::Nothing, after)
            } else if let Some(name) = rest.strip_prefix('.') {
                let (name, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
                (Step::Name(name.to_owned()), after)
            } else if let Some(name) = rest.strip_prefix("['") {
                let (name, after) = name.split_once('\'')?;
                (Step::Name(name.to_owned()), after.strip_prefix(']')?)
            } else {
                let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
                let is_number = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
                match index {
                    "*" => (Step::Every, after),
                    index if is_number => (Step::Index(index.parse().ok()?), after),
                    _ => return None,
                }
            };
            if step == Step::Name(String::new()) {
                return None;
            }
            steps.push(step);
            rest = after;
        }
        Some(Self(steps))
    }
}

/// How what is found is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// A string without its quotes.
    Raw,
    /// A JSON value.
    Quoted,
    /// The elements of arrays instead of the arrays.
    Flatten,
}

/// The tokens of a text, as `get_json_object` and its like read it; `None` for what is no JSON.
pub(crate) struct JsonText<'a> {
    text: &'a [u8],
    tape: Tape,
}

impl<'a> JsonText<'a> {
    /// Reads the first value of the text.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let syntax = Syntax {
            non_numeric_numbers: false,
            ..Syntax::default()
        };
        let mut tape = Tape::default();
        let text = text.as_bytes();
        let read = tape.read(text, &syntax).ok()?;
        (read > 0).then_some(Self { text, tape })
    }

    /// How many elements the array has.
    pub(crate) fn array_length(&self) -> Option<usize> {
        let top = self.tape.get(0).filter(|top| top.kind == Kind::Array)?;
        Some(self.children(0, top).count())
    }

    /// The object's names, repeated ones too.
    pub(crate) fn object_keys(&self) -> Option<Vec<String>> {
        let top = self.tape.get(0).filter(|top| top.kind == Kind::Object)?;
        let names = self.children(0, top).step_by(2);
        Some(
            names
                .filter_map(|at| self.tape.get(at))
                .map(|name| self.string(name))
                .collect(),
        )
    }

    /// The value of an object's field; of a repeated name the last one.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let top = self.tape.get(0).filter(|top| top.kind == Kind::Object)?;
        let names = self.children(0, top).step_by(2);
        let named = names.filter(|at| self.tape.get(*at).is_some_and(|t| self.string(t) == name));
        let value = named.last()? + 1;
        let is_null = self.tape.get(value).is_none_or(|t| t.kind == Kind::Null);
        let mut found = Vec::new();
        (!is_null && self.walk(value, Style::Raw, &[], &mut found)).then(|| found.concat())
    }

    /// What the path finds.
    pub(crate) fn find(&self, path: &JsonPath) -> Option<String> {
        let mut found = Vec::new();
        self.walk(0, Style::Raw, &path.0, &mut found)
            .then(|| found.join(" "))
    }

    fn children(&self, index: usize, container: Token) -> impl Iterator<Item = usize> {
        children(&self.tape, index, container)
    }

    fn raw(&self, token: Token) -> &'a [u8] {
        self.text
            .get(token.start as usize..token.end as usize)
            .unwrap_or_default()
    }

    fn string(&self, token: Token) -> String {
        let mut plain = Vec::new();
        unescape(self.raw(token), &mut plain);
        String::from_utf8_lossy(&plain).into_owned()
    }

    /// Appends what the path finds from the value at `index` on; whether it found something.
    fn walk(&self, index: usize, style: Style, path: &[Step], out: &mut Vec<String>) -> bool {
        let Some(token) = self.tape.get(index) else {
            return false;
        };
        let elements = || self.children(index, token);
        match (token.kind, path) {
            (Kind::String | Kind::Escaped, []) if style == Style::Raw => {
                out.push(self.string(token));
                true
            }
            (Kind::Array, []) if style == Style::Flatten => {
                // Every element is written, whatever was found before.
                elements().filter(|at| self.walk(*at, style, &[], out)).count() > 0
            }
            (_, []) => {
                let mut text = Vec::new();
                copy(&self.tape, self.text, index, &mut text);
                out.push(String::from_utf8_lossy(&text).into_owned());
                true
            }
            (Kind::Object, [Step::Name(name), rest @ ..]) => {
                // Of a repeated name the first counts under which something is found.
                elements().step_by(2).any(|at| {
                    let is_named = self.tape.get(at).is_some_and(|t| self.string(t) == *name);
                    let is_null = self.tape.get(at + 1).is_none_or(|t| t.kind == Kind::Null);
                    is_named && !is_null && self.walk(at + 1, style, rest, out)
                })
            }
            (Kind::Array, [Step::Every, rest @ ..]) => self.walk_elements(index, token, style, rest, out),
            (Kind::Array, [Step::Index(n), rest @ ..]) => {
                let style = if rest.first() == Some(&Step::Every) {
                    Style::Quoted
                } else {
                    style
                };
                elements()
                    .nth(*n)
                    .is_some_and(|at| self.walk(at, style, rest, out))
            }
            _ => false,
        }
    }

    /// `[*]`: an array of what is found in the elements, which Hive leaves out around a single find.
    fn walk_elements(
        &self,
        index: usize,
        array: Token,
        style: Style,
        rest: &[Step],
        out: &mut Vec<String>,
    ) -> bool {
        let (inner, rest, keeps_array) = match (style, rest) {
            (_, [Step::Every, rest @ ..]) => (Style::Flatten, rest, true),
            (Style::Quoted, rest) => (Style::Quoted, rest, true),
            (Style::Raw, rest) => (Style::Quoted, rest, false),
            (Style::Flatten, rest) => (Style::Flatten, rest, false),
        };
        let mut found = Vec::new();
        let elements = self.children(index, array);
        let finds = elements
            .filter(|at| self.walk(*at, inner, rest, &mut found))
            .count();
        let values = found.join(",");
        if keeps_array || finds > 1 {
            out.push(format!("[{values}]"));
        } else if finds == 1 {
            out.push(values);
        }
        finds > 0
    }
}

/// Writes the value at `index` of the tape without blanks, its numbers as Java prints them.
pub(super) fn copy(tape: &Tape, text: &[u8], index: usize, out: &mut Vec<u8>) {
    let Some(token) = tape.get(index) else {
        return;
    };
    let raw = text
        .get(token.start as usize..token.end as usize)
        .unwrap_or_default();
    match token.kind {
        Kind::String | Kind::Escaped => {
            let mut plain = Vec::new();
            unescape(raw, &mut plain);
            push_string(&String::from_utf8_lossy(&plain), out);
        }
        // Java's zero has no sign.
        Kind::Integer if raw == b"-0" => out.push(b'0'),
        Kind::Decimal => {
            let number: Option<f64> = std::str::from_utf8(raw).ok().and_then(|t| t.parse().ok());
            match number {
                Some(number) if number.is_finite() => format_double(number, out),
                Some(number) if number < 0.0 => push_string("-Infinity", out),
                _ => push_string("Infinity", out),
            }
        }
        Kind::Array => {
            out.push(b'[');
            for (place, at) in children(tape, index, token).enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                copy(tape, text, at, out);
            }
            out.push(b']');
        }
        Kind::Object => {
            out.push(b'{');
            for (place, at) in children(tape, index, token).step_by(2).enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                copy(tape, text, at, out);
                out.push(b':');
                copy(tape, text, at + 1, out);
            }
            out.push(b'}');
        }
        _ => out.extend_from_slice(raw),
    }
}

/// The places of what a container holds: elements, or names and values in turn.
fn children(tape: &Tape, index: usize, container: Token) -> impl Iterator<Item = usize> {
    let end = container.next as usize;
    let next = |at: &usize| tape.get(*at).map(|t| t.next as usize);
    std::iter::successors(Some(index + 1), next).take_while(move |at| *at < end)
}
