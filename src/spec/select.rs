//! Selection expressions: `tag(nightly) & category(serving) - id(T15)`.
//!
//! A word that fits nothing is a mistake, since a typo would otherwise select nothing, or everything.

use globset::{Glob, GlobMatcher};

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Severity;
use crate::source::{SourceId, Span};

/// What a selection looks at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `T07`, or with a row `T07[model=iris]`.
    pub id: &'a str,
    pub category: Option<&'a str>,
    pub tags: &'a [String],
    pub severity: Severity,
    /// Whether `id` is final: a spec that was not yet expanded may still become a row that fits.
    pub expanded: bool,
}

/// A selection that was read.
#[derive(Clone, Debug)]
pub struct Selection {
    root: Set,
}

#[derive(Clone, Debug)]
enum Set {
    All,
    Atom(Atom),
    Not(Box<Set>),
    And(Box<Set>, Box<Set>),
    Or(Box<Set>, Box<Set>),
}

#[derive(Clone, Debug)]
struct Atom {
    by: By,
    text: String,
    matcher: GlobMatcher,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Id,
    Tag,
    Category,
    Severity,
    /// A word alone: an id, a tag or a category.
    Any,
}

/// Whether a spec is selected, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    Maybe,
    Yes,
}

impl Selection {
    /// Reads a selection, which was added to the sources as a text of its own.
    pub fn read(text: &str, source: SourceId, out: &mut Diagnostics) -> Option<Self> {
        let mut reader = Reader { text, at: 0, source };
        match reader.whole() {
            Ok(root) => Some(Self { root }),
            Err(d) => {
                out.push(d);
                None
            }
        }
    }

    /// Whether this spec is selected, or may have a row that is.
    #[must_use]
    pub fn takes(&self, facts: &Facts) -> bool {
        self.root.fit(facts) > Fit::No
    }

    /// Reports every word that fits none of `all`, which are all specs there are.
    pub fn unknown(&self, all: &[Facts], out: &mut Diagnostics) {
        self.report(all, |_| true, out);
    }

    /// Reports every row (`T07[...]`) that is none of `all`, which are the rows of the specs that were taken.
    pub fn unknown_rows(&self, all: &[Facts], out: &mut Diagnostics) {
        self.report(all, |atom| atom.text.contains('['), out);
    }

    fn report(&self, all: &[Facts], about: impl Fn(&Atom) -> bool, out: &mut Diagnostics) {
        self.root.each(&mut |atom| {
            if !about(atom) || all.iter().any(|f| atom.fit(f) > Fit::No) {
                return;
            }
            let known = atom.known(all);
            let what = match atom.by {
                By::Id => "has the id",
                By::Tag => "has the tag",
                By::Category => "is of the category",
                By::Severity => "is of the severity",
                By::Any => "has the id, tag or category",
            };
            out.push(
                Diagnostic::error(Code::UnknownSelection, format!("no spec {what} `{}`", atom.text))
                    .label(atom.span, "fits nothing")
                    .maybe_help(did_you_mean(&atom.text, known.iter().map(String::as_str))),
            );
        });
    }
}

impl Set {
    fn fit(&self, facts: &Facts) -> Fit {
        match self {
            Self::All => Fit::Yes,
            Self::Atom(atom) => atom.fit(facts),
            Self::Not(a) => match a.fit(facts) {
                Fit::No => Fit::Yes,
                Fit::Maybe => Fit::Maybe,
                Fit::Yes => Fit::No,
            },
            Self::And(a, b) => a.fit(facts).min(b.fit(facts)),
            Self::Or(a, b) => a.fit(facts).max(b.fit(facts)),
        }
    }

    fn each(&self, see: &mut impl FnMut(&Atom)) {
        match self {
            Self::All => {}
            Self::Atom(atom) => see(atom),
            Self::Not(a) => a.each(see),
            Self::And(a, b) | Self::Or(a, b) => {
                a.each(see);
                b.each(see);
            }
        }
    }
}

impl Atom {
    fn fit(&self, facts: &Facts) -> Fit {
        let yes = |is| if is { Fit::Yes } else { Fit::No };
        let tag = || facts.tags.iter().any(|t| self.matcher.is_match(t));
        let category = || facts.category.is_some_and(|c| self.matcher.is_match(c));
        match self.by {
            By::Id => self.fit_id(facts),
            By::Tag => yes(tag()),
            By::Category => yes(category()),
            By::Severity => yes(self.text == word(facts.severity)),
            By::Any => self.fit_id(facts).max(yes(tag() || category())),
        }
    }

    /// `T07` is every row of T07; `T07[model=iris]` is one row.
    fn fit_id(&self, facts: &Facts) -> Fit {
        let base = facts.id.split('[').next().unwrap_or_default();
        match self.text.split_once('[') {
            None if self.matcher.is_match(base) => Fit::Yes,
            Some(_) if facts.expanded && self.text == facts.id => Fit::Yes,
            Some((wanted, _)) if !facts.expanded && wanted == base => Fit::Maybe,
            _ => Fit::No,
        }
    }

    fn known(&self, all: &[Facts]) -> Vec<String> {
        let mut known: Vec<String> = Vec::new();
        for facts in all {
            if matches!(self.by, By::Id | By::Any) {
                known.push(facts.id.to_owned());
            }
            if matches!(self.by, By::Tag | By::Any) {
                known.extend(facts.tags.iter().cloned());
            }
            if matches!(self.by, By::Category | By::Any) {
                known.extend(facts.category.map(str::to_owned));
            }
            if self.by == By::Severity {
                known.push(word(facts.severity).to_owned());
            }
        }
        known.sort();
        known.dedup();
        known
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// How deep parentheses and `!` may go.
const DEPTH: usize = 50;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    source: SourceId,
}

impl Reader<'_> {
    fn whole(&mut self) -> Result<Set, Diagnostic> {
        let set = self.union(0)?;
        if self.peek().is_some() {
            return Err(self.wrong("here an operator must stand"));
        }
        Ok(set)
    }

    fn union(&mut self, depth: usize) -> Result<Set, Diagnostic> {
        let mut left = self.difference(depth)?;
        while self.eat('|') {
            left = Set::Or(Box::new(left), Box::new(self.difference(depth)?));
        }
        Ok(left)
    }

    /// `a & b - c` is read from left to right.
    fn difference(&mut self, depth: usize) -> Result<Set, Diagnostic> {
        let mut left = self.one(depth)?;
        loop {
            if self.eat('&') {
                left = Set::And(Box::new(left), Box::new(self.one(depth)?));
            } else if self.eat('-') {
                let without = Set::Not(Box::new(self.one(depth)?));
                left = Set::And(Box::new(left), Box::new(without));
            } else {
                return Ok(left);
            }
        }
    }

    fn one(&mut self, depth: usize) -> Result<Set, Diagnostic> {
        if depth > DEPTH {
            return Err(self.wrong("too deep"));
        }
        if self.eat('!') {
            return Ok(Set::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.eat('(') {
            let inner = self.union(depth + 1)?;
            self.close()?;
            return Ok(inner);
        }
        let (start, first) = self.word()?;
        if !self.eat('(') {
            if first == "all" {
                return Ok(Set::All);
            }
            return self.atom(By::Any, start, first);
        }
        let by = match first.as_str() {
            "id" => By::Id,
            "tag" => By::Tag,
            "category" => By::Category,
            "severity" => By::Severity,
            other => {
                let span = Span::new(self.source, start, start + other.len());
                return Err(Diagnostic::error(
                    Code::SelectionSyntax,
                    format!("`{other}(...)` selects nothing"),
                )
                .label(span, "unknown")
                .maybe_help(did_you_mean(other, ["id", "tag", "category", "severity"])));
            }
        };
        let (start, argument) = self.word()?;
        let atom = self.atom(by, start, argument)?;
        self.close()?;
        Ok(atom)
    }

    fn atom(&self, by: By, start: usize, text: String) -> Result<Set, Diagnostic> {
        let span = Span::new(self.source, start, start + text.len());
        // A row's brackets are its name, not a set of characters.
        let pattern = text.split('[').next().unwrap_or_default();
        match Glob::new(pattern) {
            Ok(glob) => Ok(Set::Atom(Atom {
                by,
                matcher: glob.compile_matcher(),
                text,
                span,
            })),
            Err(e) => Err(Diagnostic::error(
                Code::SelectionSyntax,
                format!("`{text}` is not a pattern: {}", e.kind()),
            )
            .label(span, "here")),
        }
    }

    /// Letters, digits, `_ . - * ?`, and a row in brackets.
    fn word(&mut self) -> Result<(usize, String), Diagnostic> {
        self.peek();
        let start = self.at;
        let mut in_row = false;
        for c in self.text[start..].chars() {
            let part = if in_row {
                c != '\n'
            } else {
                c.is_alphanumeric()
                    || matches!(c, '_' | '.' | '*' | '?' | '[')
                    || (c == '-' && self.at > start)
            };
            if !part {
                break;
            }
            in_row = (in_row || c == '[') && c != ']';
            self.at += c.len_utf8();
        }
        if self.at == start {
            return Err(
                self.wrong("here a name, `all`, `tag(...)`, `category(...)`, `id(...)` or `(` must stand")
            );
        }
        Ok((start, self.text[start..self.at].to_owned()))
    }

    fn close(&mut self) -> Result<(), Diagnostic> {
        if self.eat(')') {
            return Ok(());
        }
        Err(self.wrong("here a `)` is missing"))
    }

    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let is = self.peek() == Some(c);
        if is {
            self.at += c.len_utf8();
        }
        is
    }

    fn wrong(&mut self, what: &str) -> Diagnostic {
        let len = self.peek().map_or(0, char::len_utf8);
        let mut d = Diagnostic::error(Code::SelectionSyntax, "the selection cannot be read")
            .label(Span::new(self.source, self.at, self.at + len), what.to_owned());
        let rest = &self.text[self.at..];
        for (wrong, right) in [("and ", "&"), ("or ", "|"), ("not ", "!")] {
            if rest.starts_with(wrong) {
                d = d.help(format!("write `{right}` for `{}`", wrong.trim()));
            }
        }
        d
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Selection};
    use crate::diag::{Code, Diagnostics};
    use crate::event::Severity;
    use crate::source::SourceId;

    fn specs(expanded: bool, tags: &[Vec<String>; 3]) -> Vec<Facts<'_>> {
        let row = if expanded { "T03[model=a b]" } else { "T03" };
        [("T01", "serving"), ("T02", "registry"), (row, "serving")]
            .into_iter()
            .zip(tags)
            .map(|((id, category), tags)| Facts {
                id,
                category: Some(category),
                tags,
                severity: if id == "T02" {
                    Severity::Warning
                } else {
                    Severity::Critical
                },
                expanded,
            })
            .collect()
    }

    fn tags() -> [Vec<String>; 3] {
        [
            vec!["nightly".to_owned(), "load".to_owned()],
            vec!["nightly".to_owned(), "pre-prod".to_owned()],
            vec![],
        ]
    }

    fn read(text: &str) -> Result<Selection, Vec<crate::diag::Diagnostic>> {
        let mut out = Diagnostics::new();
        Selection::read(text, SourceId(0), &mut out).ok_or_else(|| out.sorted())
    }

    fn taken(text: &str) -> String {
        let tags = tags();
        let all = specs(true, &tags);
        let selection = read(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        let ids: Vec<&str> = all.iter().filter(|f| selection.takes(f)).map(|f| f.id).collect();
        ids.join(" ")
    }

    #[test]
    fn sets_are_combined() {
        for (text, want) in [
            ("all", "T01 T02 T03[model=a b]"),
            ("T01", "T01"),
            ("nightly", "T01 T02"),
            ("pre-prod", "T02"),
            ("tag(nightly) & category(serving)", "T01"),
            ("tag(nightly) & category(serving) - id(T01)", ""),
            ("all - id(T01)", "T02 T03[model=a b]"),
            ("all - tag(load) - tag(pre-prod)", "T03[model=a b]"),
            ("!tag(nightly) | id(T01)", "T01 T03[model=a b]"),
            ("all & !(T01 | T02)", "T03[model=a b]"),
            ("id(T0?)", "T01 T02 T03[model=a b]"),
            ("id(T03[model=a b])", "T03[model=a b]"),
            ("id(T03[model=c])", ""),
            ("severity(warning)", "T02"),
            ("T01 | registry & load", "T01"),
        ] {
            assert_eq!(taken(text), want, "{text}");
        }
    }

    #[test]
    fn a_row_is_kept_open_until_rows_are_known() {
        let tags = tags();
        let all = specs(false, &tags);
        let takes = |text: &str| -> Vec<&str> {
            let s = read(text).unwrap();
            all.iter().filter(|f| s.takes(f)).map(|f| f.id).collect()
        };
        assert_eq!(takes("id(T03[model=a b])"), ["T03"]);
        assert_eq!(takes("all - id(T03[model=a b])"), ["T01", "T02", "T03"]);
        assert_eq!(takes("all - T03"), ["T01", "T02"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in [
            "", " ", "tag(", "tag()", "tag(a", "(T01", "T01)", "T01 T02", "T01 &", "tagg(a)", "a and b", "&",
            "-a",
        ] {
            let e = read(text).unwrap_err();
            assert_eq!(e[0].code, Code::SelectionSyntax, "{text}");
        }
        assert!(read(&"(".repeat(100_000)).is_err());
        assert!(read(&"!".repeat(100_000)).is_err());
    }

    #[test]
    fn a_word_that_fits_nothing_is_reported() {
        let tags = tags();
        for (text, expanded, want) in [
            ("tag(nightli) | T01", false, Some("`nightly`")),
            ("T99", false, Some("T01")),
            ("id(T03[model=c])", true, Some("T03[model=a b]")),
            ("id(T03[model=c])", false, None),
            ("category(serving) - T01", false, None),
        ] {
            let mut out = Diagnostics::new();
            read(text).unwrap().unknown(&specs(expanded, &tags), &mut out);
            let found = out.sorted();
            match want {
                None => assert!(found.is_empty(), "{text}: {found:?}"),
                Some(help) => {
                    assert_eq!(found.len(), 1, "{text}");
                    assert_eq!(found[0].code, Code::UnknownSelection);
                    let got = found[0].help.clone().unwrap_or_default();
                    assert!(got.contains(help), "{text}: {got}");
                }
            }
        }
    }
}
