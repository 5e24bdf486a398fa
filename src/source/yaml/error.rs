//! What is wrong with a text: the parser's errors in our words, with a span of bytes.

use serde_saphyr::{Error, Location};

use super::tree;
use crate::source::{SourceId, Span};

/// Why a text is not strict YAML.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntaxError {
    pub kind: SyntaxErrorKind,
    pub message: String,
    pub span: Span,
    pub help: Option<String>,
}

/// The kinds of syntax errors; each has its diagnostic code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyntaxErrorKind {
    Syntax,
    DuplicateKey,
    /// `{{ x }}` without quotes, or an expression that a comment cuts off.
    UnquotedTemplate,
    /// A tag (`!name`).
    Tag,
    /// More than one document.
    SeveralDocuments,
    /// A bomb: too many nodes, too deep, too many aliases.
    Budget,
    /// `yes`, `on`, `0777`, `1_000`: other YAML versions read it differently. Or a number that cannot be held.
    Ambiguous,
    /// Nothing in it.
    Empty,
}

/// The bytes a parser's location covers.
pub(super) fn span_of(at: &Location, text: &str, source: SourceId) -> Span {
    let span = at.span();
    if let (Some(offset), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        let end = start
            .saturating_add(usize::try_from(len).unwrap_or(usize::MAX))
            .min(text.len());
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            return Span::new(source, start, end);
        }
    }
    let start = offset_of(text, at.line(), at.column());
    let len = text[start..]
        .chars()
        .next()
        .filter(|c| *c != '\n')
        .map_or(0, char::len_utf8);
    Span::new(source, start, start + len)
}

/// The byte at a line and column that count from 1; the nearest when the text has no such place.
fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line.max(1)).unwrap_or(usize::MAX);
    let column = usize::try_from(column.max(1)).unwrap_or(usize::MAX);
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(n) => start += n + 1,
            None => return text.len(),
        }
    }
    let rest = &text[start..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(i, _)| i)
}

/// The parser's error as ours.
pub(super) fn from_parser(error: &Error, text: &str, source: SourceId) -> SyntaxError {
    let error = innermost(error);
    let at = error.location().unwrap_or(Location::UNKNOWN);
    let span = span_of(&at, text, source);
    let (kind, message, help) = match error {
        Error::Eof { .. } => (SyntaxErrorKind::Empty, "nothing in this file".to_owned(), None),
        Error::MultipleDocuments { .. } => (
            SyntaxErrorKind::SeveralDocuments,
            "a second document begins here".to_owned(),
            Some("one file holds one document: move the rest into a file of its own".to_owned()),
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => (SyntaxErrorKind::Budget, plain_message(error), None),
        Error::NonFiniteFloat { value, .. } => (
            SyntaxErrorKind::Ambiguous,
            format!("`{value}` is not a finite number"),
            Some(format!("write \"{value}\" if text is meant")),
        ),
        Error::UnsupportedTag { .. } | Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            return tag(text, "", span);
        }
        Error::UnknownAnchor { .. } => return unknown_anchor(text, span),
        Error::RecursiveReferencesRequireWeakTypes { .. } => (
            SyntaxErrorKind::Budget,
            "an alias stands inside its own anchor and would never end".to_owned(),
            None,
        ),
        Error::Unexpected {
            expected: "string scalar",
            ..
        } => (SyntaxErrorKind::Syntax, "a key has to be text".to_owned(), None),
        other => {
            let message = plain_message(other);
            // The scanner's own limit on nesting has no variant of its own.
            if message.contains("recursion limit") {
                let message = format!("lists and mappings are nested more than {} deep", tree::MAX_DEPTH);
                (SyntaxErrorKind::Budget, message, None)
            } else {
                (SyntaxErrorKind::Syntax, message, None)
            }
        }
    };
    let mut error = SyntaxError {
        kind,
        message,
        span,
        help,
    };
    if kind == SyntaxErrorKind::Syntax {
        explain(&mut error, text);
    }
    error
}

/// A key that stands twice; `first` and `second` are the places of the two.
pub(super) fn duplicate(text: &str, key: &str, first: Span, second: Span) -> SyntaxError {
    let line = text[..first.start as usize].matches('\n').count() + 1;
    SyntaxError {
        kind: SyntaxErrorKind::DuplicateKey,
        message: format!("key `{key}` stands twice in one mapping"),
        span: second,
        help: Some(format!(
            "the first is on line {line}: remove or rename one of them"
        )),
    }
}

/// A tag in front of the node at `node`.
pub(super) fn tag(text: &str, name: &str, node: Span) -> SyntaxError {
    let before = &text[..node.start as usize];
    let span = before
        .rfind('!')
        .map(|last| {
            before[..last]
                .rfind(|c: char| c.is_whitespace() || "[{,".contains(c))
                .map_or(0, |p| p + 1)
        })
        .map(|start| {
            let len = text[start..]
                .find(char::is_whitespace)
                .unwrap_or(text.len() - start);
            Span::new(node.source, start, start + len)
        })
        .filter(|s| text[s.start as usize..s.end as usize].starts_with(['!', '&']))
        .unwrap_or(node);
    let written = &text[span.start as usize..span.end as usize];
    let shown = if written.starts_with('!') { written } else { name };
    SyntaxError {
        kind: SyntaxErrorKind::Tag,
        message: if shown.is_empty() {
            "a YAML tag".to_owned()
        } else {
            format!("tag `{shown}` is not known here")
        },
        span,
        help: Some("remove it: specs use no tags, quotes make text of anything".to_owned()),
    }
}

fn unknown_anchor(text: &str, star: Span) -> SyntaxError {
    let start = star.start as usize;
    let len = text[start..]
        .find(|c: char| c.is_whitespace() || ",]}".contains(c))
        .unwrap_or(text.len() - start);
    SyntaxError {
        kind: SyntaxErrorKind::Syntax,
        message: format!(
            "no anchor is called `{}`",
            text[start..start + len].trim_start_matches('*')
        ),
        span: Span::new(star.source, start, start + len),
        help: Some(
            "`*name` repeats what `&name` marked before it; text that starts with `*` needs quotes"
                .to_owned(),
        ),
    }
}

fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    error
}

/// The parser's message without its own place, which the label shows.
fn plain_message(error: &Error) -> String {
    let rendered = error.render_with_options(serde_saphyr::render_options! {
        formatter: &serde_saphyr::UserMessageFormatter,
        snippets: serde_saphyr::SnippetMode::Off,
    });
    let message = rendered.lines().next().unwrap_or_default();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].trim_end_matches('.').to_owned()
}

/// Says more of a syntax error when the text around it shows what happened.
fn explain(error: &mut SyntaxError, text: &str) {
    let at = error.span.start as usize;
    let line_start = text[..at].rfind('\n').map_or(0, |p| p + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |p| at + p);
    let line = &text[line_start..line_end];
    if let Some(open) = unquoted_braces(line) {
        let start = line_start + open;
        let end = text[start..line_end]
            .find("}}")
            .map_or(line_end, |p| start + p + 2);
        *error = SyntaxError {
            kind: SyntaxErrorKind::UnquotedTemplate,
            message: "an expression in braces stands without quotes".to_owned(),
            span: Span::new(error.span.source, start, end),
            help: Some("put the whole value in quotes: \"${{ ... }}\"".to_owned()),
        };
        return;
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    if indent.contains('\t') {
        let tab = line_start + indent.find('\t').unwrap_or(0);
        error.span = Span::new(error.span.source, tab, tab + 1);
        "a tab indents this line".clone_into(&mut error.message);
        error.help = Some("YAML is indented with spaces".to_owned());
    } else if error.message.contains("mapping values are not allowed") && line.contains(": ") {
        error.help = Some("text with `: ` in it needs quotes".to_owned());
    }
}

/// Where `{{` or `${{` stands outside quotes.
fn unquoted_braces(line: &str) -> Option<usize> {
    let mut quote = None;
    let bytes = line.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        match (quote, b) {
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), b) if q == b => quote = None,
            (None, b'{') if bytes.get(i + 1) == Some(&b'{') => {
                return Some(if i > 0 && bytes[i - 1] == b'$' { i - 1 } else { i });
            }
            (None, b'#') if i == 0 || bytes[i - 1] == b' ' => return None,
            _ => {}
        }
    }
    None
}
