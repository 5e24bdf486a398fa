//! Diagnostics as text for people, drawn by miette: code and message, `[file:line:column]`, the text with carets,
//! help. Files of any size cost little: only the lines around the labels are drawn.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::{Diagnostic, Label, Severity};
use crate::source::{SourceId, Sources};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ASCII without colour: files, CI, snapshots.
    Plain,
    /// Unicode and colour: a terminal.
    Fancy,
}

/// The narrowest width that is drawn to, in columns.
const MIN_WIDTH: usize = 40;
/// Labels that are drawn; more would hide the mistake.
const MAX_LABELS: usize = 12;
/// Bytes of a line that are kept on each side of the labels; lines beyond are cut.
const KEEP: usize = 200;

/// One diagnostic with its text, carets and help; ends with a line break. `width` is in columns.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style, width: usize) -> String {
    let mut excerpts = excerpts(diagnostic, sources).into_iter();
    let mut message = clean(&diagnostic.message);
    let first = excerpts.next();
    if let (Some(path), None) = (&diagnostic.path, &first) {
        message = format!("{message}: {}", clean(&path.display().to_string()));
    }
    let (severity, word) = match diagnostic.severity {
        Severity::Error => (miette::Severity::Error, "error"),
        Severity::Warning => (miette::Severity::Warning, "warning"),
    };
    // On one line with its code: that is what people search logs for.
    message = format!("{word}[{}]: {message}", diagnostic.code.id());
    let elsewhere = excerpts.map(|e| Drawn {
        severity: miette::Severity::Advice,
        message: "it has to do with this".to_owned(),
        help: None,
        excerpt: Some(e),
        elsewhere: Vec::new(),
    });
    let drawn = Drawn {
        severity,
        message,
        help: diagnostic.help.as_deref().map(clean),
        excerpt: first,
        elsewhere: elsewhere.collect(),
    };
    let theme = match style {
        Style::Plain => GraphicalTheme::none(),
        Style::Fancy => GraphicalTheme::unicode(),
    };
    let mut text = String::new();
    let drawing = GraphicalReportHandler::new_themed(theme)
        .with_width(width.max(MIN_WIDTH))
        .with_wrap_lines(false)
        .with_links(false)
        .render_report(&mut text, &drawn);
    if drawing.is_err() {
        // Only a span outside its text can do this; the message must not be lost with the drawing.
        text = format!("{drawn}\n");
    }
    // Lines end where their text does, so that files and snapshots hold no blanks nobody sees.
    let mut out: String = text
        .trim_start_matches('\n')
        .lines()
        .flat_map(|l| [l.trim_end(), "\n"])
        .collect();
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// A diagnostic as miette takes it.
#[derive(Debug)]
struct Drawn {
    severity: miette::Severity,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    elsewhere: Vec<Drawn>,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|e| e as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt
            .as_ref()
            .map(|e| Box::new(e.marks.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(
            self.elsewhere.iter().map(|d| d as &dyn miette::Diagnostic),
        ))
    }
}

/// The part of one text that is drawn.
#[derive(Debug)]
struct Excerpt {
    path: String,
    text: String,
    /// Lines before the excerpt.
    lines_before: usize,
    /// Characters before the excerpt on its first line, when that line is cut.
    columns_before: usize,
    marks: Vec<LabeledSpan>,
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        let mut column = inner.column();
        if before == 0 && after == 0 {
            // miette asks so for the place it prints, and counts bytes; every other report counts characters.
            let upto = &self.text[..span.offset().min(self.text.len())];
            let line = upto.rfind('\n').map_or(upto, |at| &upto[at + 1..]);
            let cut = if upto.contains('\n') {
                0
            } else {
                self.columns_before
            };
            column = line.chars().count() + cut;
        }
        Ok(Box::new(MietteSpanContents::new_named(
            self.path.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.lines_before,
            column,
            inner.line_count(),
        )))
    }
}

/// One excerpt for each text, the one with the mistake first.
fn excerpts(diagnostic: &Diagnostic, sources: &Sources) -> Vec<Excerpt> {
    let labels = &diagnostic.labels[..diagnostic.labels.len().min(MAX_LABELS)];
    let mut order: Vec<SourceId> = Vec::new();
    for label in labels {
        if !order.contains(&label.span.source) {
            order.push(label.span.source);
        }
    }
    order
        .into_iter()
        .map(|source| {
            let of_source: Vec<(usize, &Label)> = labels
                .iter()
                .enumerate()
                .filter(|(_, l)| l.span.source == source)
                .collect();
            excerpt(source, &of_source, sources)
        })
        .collect()
}

fn excerpt(source: SourceId, labels: &[(usize, &Label)], sources: &Sources) -> Excerpt {
    let text = sources.text(source);
    let ranges: Vec<std::ops::Range<usize>> = labels.iter().map(|(_, l)| first_line_of(&text, l)).collect();
    let start = ranges.iter().map(|r| r.start).min().unwrap_or(0);
    let end = ranges.iter().map(|r| r.end).max().unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |p| p + 1);
    let line_end = text[end..].find('\n').map_or(text.len(), |p| end + p);
    let mut from = line_start;
    // One line before gives the eye its bearings, unless it is endless.
    if from > 0 {
        let before = text[..from - 1].rfind('\n').map_or(0, |p| p + 1);
        if from - before <= KEEP {
            from = before;
        }
    }
    let mut columns_before = 0;
    if start - line_start > KEEP {
        from = ceil(&text, start - KEEP);
        columns_before = text[line_start..from].chars().count();
    }
    let to = if line_end - end > KEEP {
        ceil(&text, end + KEEP)
    } else {
        line_end
    };
    let mut drawn = visible(&text[from..to]);
    if end == to {
        // A label behind the last character needs a column to stand in, or miette leaves it out.
        drawn.push(' ');
    }
    Excerpt {
        path: clean(&sources.path(source).display().to_string()),
        text: drawn,
        lines_before: text[..from].bytes().filter(|b| *b == b'\n').count(),
        columns_before,
        marks: labels
            .iter()
            .zip(ranges)
            .map(|((index, label), range)| {
                let text = (!label.text.is_empty()).then(|| clean(&label.text));
                let at = (range.start - from, range.len());
                if *index == 0 {
                    LabeledSpan::new_primary_with_span(text, at)
                } else {
                    LabeledSpan::new_with_span(text, at)
                }
            })
            .collect(),
    }
}

/// The next place at which a character begins.
fn ceil(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The same text with everything that could drive a terminal replaced, byte for byte, so that places stay.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
            c if reorders(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Characters that change the order or the lines of what a terminal shows; three bytes each.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The bytes of a label on its first line; a mapping of a thousand lines is pointed at, not framed.
fn first_line_of(text: &str, label: &Label) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut start = floor(label.span.start as usize);
    if start == text.len() && text.ends_with('\n') {
        // Behind the last line break there is no line to draw: the end of the last line stands for it.
        start -= 1;
    }
    let end = floor(label.span.end as usize).max(start);
    let line = &text[start..end];
    let line = &line[..line.find('\n').unwrap_or(line.len())];
    start..start + line.trim_end().len()
}

/// Texts may quote what stands in a file; a control character in them must not reach the terminal.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || reorders(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
