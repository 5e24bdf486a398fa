//! Diagnostics as text for people, in the form compilers use: code and message, `--> file:line:column`, the text
//! with carets, help. Files of any size cost little: only the lines around the labels are drawn.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};

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
/// Lines of an excerpt that are drawn even without a label.
const UNFOLDED: usize = 6;
/// Bytes of a line that are kept on each side of a label.
const KEEP: usize = 2000;

/// One diagnostic with its text, carets and help; ends with a line break. `width` is in columns.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style, width: usize) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(clean(&diagnostic.message))
        .id(diagnostic.code.id())
        .elements(Vec::<Origin<'_>>::new());
    let excerpts = excerpts(diagnostic, sources);
    for excerpt in &excerpts {
        group = group.element(
            Snippet::source(excerpt.text.as_str())
                .path(excerpt.path.as_str())
                .line_start(excerpt.first_line)
                .fold(excerpt.text.matches('\n').count() > UNFOLDED)
                .annotations(excerpt.annotations.iter().map(|a| a.drawn())),
        );
    }
    let path = diagnostic.path.as_ref().map(|p| clean(&p.display().to_string()));
    if let (Some(path), true) = (&path, excerpts.is_empty()) {
        group = group.element(Origin::path(path.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain().decor_style(DecorStyle::Ascii),
        Style::Fancy => Renderer::styled().decor_style(DecorStyle::Unicode),
    };
    let mut text = renderer.term_width(width.max(MIN_WIDTH)).render(&[group]);
    text.push('\n');
    text
}

/// The part of one text that is drawn.
struct Excerpt {
    path: String,
    text: String,
    first_line: usize,
    annotations: Vec<Mark>,
}

struct Mark {
    primary: bool,
    range: std::ops::Range<usize>,
    label: String,
}

impl Mark {
    fn drawn(&self) -> Annotation<'_> {
        let kind = if self.primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let mark = kind.span(self.range.clone());
        if self.label.is_empty() {
            mark
        } else {
            mark.label(self.label.as_str())
        }
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
    let mut from = text[..start].rfind('\n').map_or(0, |p| p + 1);
    // One line before and behind gives the eye its bearings, unless it is endless.
    if from > 0 {
        let before = text[..from - 1].rfind('\n').map_or(0, |p| p + 1);
        if from - before <= KEEP {
            from = before;
        }
    }
    let to = text[end..].find('\n').map_or(text.len(), |p| end + p);
    let first_line = text[..from].bytes().filter(|b| *b == b'\n').count() + 1;
    Excerpt {
        path: clean(&sources.path(source).display().to_string()),
        text: text[from..to].to_owned(),
        first_line,
        annotations: labels
            .iter()
            .zip(ranges)
            .map(|((index, label), range)| Mark {
                primary: *index == 0,
                range: range.start - from..range.end - from,
                label: clean(&label.text),
            })
            .collect(),
    }
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
    let start = floor(label.span.start as usize);
    let end = floor(label.span.end as usize).max(start);
    let line = &text[start..end];
    let line = &line[..line.find('\n').unwrap_or(line.len())];
    start..start + line.trim_end().len()
}

/// Texts may quote what stands in a file; a control character in them must not reach the terminal.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if (c.is_control() && c != '\n') || hidden {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
