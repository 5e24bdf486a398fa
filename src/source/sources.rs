//! The texts of a run and the spans that point into them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

/// A text that was read, by number; the number is only meaningful with its [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A range of bytes of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    #[must_use]
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            source,
            start: clamp(start),
            end: clamp(end.max(start)),
        }
    }

    /// The smallest span that covers both; `other` of another text is ignored.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.source != other.source {
            return self;
        }
        Self {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// A value and the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: f(self.value),
            span: self.span,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A position for people: both count from 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCol {
    pub line: u32,
    pub col: u32,
}

#[derive(Debug)]
struct Text {
    path: PathBuf,
    text: Arc<str>,
    /// Where each line starts; made when first asked for, since most texts have no mistake.
    lines: OnceLock<Vec<usize>>,
}

/// All texts of a run. Cheap to clone; clones share the texts.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<RwLock<Vec<Text>>>);

impl Sources {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under the path that messages shall show.
    pub fn add(&self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> SourceId {
        let mut all = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.push(Text {
            path: path.into(),
            text: text.into(),
            lines: OnceLock::new(),
        });
        SourceId(u32::try_from(all.len() - 1).unwrap_or(u32::MAX))
    }

    fn with<R>(&self, id: SourceId, f: impl FnOnce(&Text) -> R) -> R {
        let all = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&all[id.0 as usize])
    }

    #[must_use]
    pub fn path(&self, id: SourceId) -> PathBuf {
        self.with(id, |t| t.path.clone())
    }

    #[must_use]
    pub fn text(&self, id: SourceId) -> Arc<str> {
        self.with(id, |t| Arc::clone(&t.text))
    }

    /// The text a span covers.
    #[must_use]
    pub fn slice(&self, span: Span) -> String {
        self.with(span.source, |t| {
            t.text
                .get(span.start as usize..span.end as usize)
                .unwrap_or_default()
                .to_owned()
        })
    }

    /// Where a span starts.
    #[must_use]
    pub fn line_col(&self, span: Span) -> LineCol {
        self.with(span.source, |t| {
            let upto = (span.start as usize).min(t.text.len());
            let lines = t.lines.get_or_init(|| {
                let ends = t.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
                std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect()
            });
            let line = lines.partition_point(|start| *start <= upto);
            let start = lines.get(line - 1).copied().unwrap_or(0);
            let before = &t.text.as_bytes()[start..upto];
            let col = String::from_utf8_lossy(before).chars().count() + 1;
            let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            LineCol {
                line: clamp(line),
                col: clamp(col),
            }
        })
    }

    /// `specs/T07.yaml:31:9`, the form editors and CI understand.
    #[must_use]
    pub fn locate(&self, span: Span) -> String {
        let at = self.line_col(span);
        format!("{}:{}:{}", self.path(span.source).display(), at.line, at.col)
    }

    /// The text that was added under `path`, if one was.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<SourceId> {
        let all = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.iter()
            .position(|t| t.path == path)
            .map(|i| SourceId(u32::try_from(i).unwrap_or(u32::MAX)))
    }
}
