//! From the parser's events to the node tree.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned as Placed, Tagged};

use super::{SyntaxError, SyntaxErrorKind, ambiguous, error};
use crate::source::{Entry, Kind, Node, SourceId, Span, Spanned};

/// Containers inside containers. Specs need about ten; each level takes stack.
pub(super) const MAX_DEPTH: usize = 64;

/// Values of a document; a spec of 5 MB has about half a million.
pub(super) const MAX_NODES: usize = 2_000_000;

/// Reads one document.
pub(super) fn read(text: &str, source: SourceId) -> Result<Node, SyntaxError> {
    let raw: RawNode = serde_saphyr::from_str_with_options(text, options())
        .map_err(|e| error::from_parser(&e, text, source))?;
    let tree = Tree { text, source };
    let node = tree.build(raw)?.node;
    let written = text.get(node.span.start as usize..node.span.end as usize);
    if node.kind == Kind::Null && written.unwrap_or_default().trim().is_empty() {
        return Err(SyntaxError {
            kind: SyntaxErrorKind::Empty,
            message: "nothing in this file".to_owned(),
            span: Span::new(source, 0, 0),
            help: None,
        });
    }
    Ok(node)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4_000_000,
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_recorded_anchor_events: 200_000,
            max_merge_keys: 10_000,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
        // Doubles are found on the tree, where both places are known.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        null_as_string: true,
        with_snippet: false,
    }
}

/// A node as the parser gives it: places are of single tokens.
struct RawNode {
    kind: RawKind,
    tag: Option<String>,
    used: Location,
    defined: Location,
}

enum RawKind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Seq(Vec<RawNode>),
    Map(Vec<(Placed<String>, RawNode)>),
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Tagged(placed, tag) = Tagged::<Placed<RawKind>>::deserialize(d)?;
        Ok(Self {
            kind: placed.value,
            tag,
            used: placed.referenced,
            defined: placed.defined,
        })
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<RawKind, E> {
        Ok(RawKind::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<RawKind, E> {
        Ok(RawKind::Int(v))
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<RawKind, E> {
        Ok(i64::try_from(v).map_or(RawKind::Float(v as f64), RawKind::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<RawKind, E> {
        if v.is_finite() {
            Ok(RawKind::Float(v))
        } else {
            Err(E::custom("not a finite number"))
        }
    }

    fn visit_str<E>(self, v: &str) -> Result<RawKind, E> {
        Ok(RawKind::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<RawKind, E> {
        Ok(RawKind::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(RawKind::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Placed<String>>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(RawKind::Map(entries))
    }
}

/// Turns raw nodes into nodes of one text.
struct Tree<'a> {
    text: &'a str,
    source: SourceId,
}

/// A node with the extent of its definition, which its container needs when that was itself defined elsewhere.
struct Built {
    node: Node,
    defined: Span,
}

impl Tree<'_> {
    fn build(&self, raw: RawNode) -> Result<Built, SyntaxError> {
        let used = self.token(&raw.used);
        let token = self.token(&raw.defined);
        if let Some(tag) = raw.tag {
            return Err(error::tag(self.text, &tag, token));
        }
        let aliased = used != token;
        let mut defined = token;
        let kind = match raw.kind {
            RawKind::Null => Kind::Null,
            RawKind::Bool(b) => Kind::Bool(b),
            RawKind::Int(i) => Kind::Int(i),
            RawKind::Float(f) => Kind::Float(f),
            RawKind::String(s) => {
                defined = block_scalar(self.text, &s, token).unwrap_or(token);
                Kind::String(s)
            }
            RawKind::Seq(raw) => {
                let mut items = Vec::with_capacity(raw.len());
                let mut extent = Extent::new(self.text, token);
                for item in raw {
                    let built = self.build(item)?;
                    extent.cover(if aliased { built.defined } else { built.node.span });
                    items.push(built.node);
                }
                defined = extent.close();
                Kind::Seq(items)
            }
            RawKind::Map(raw) => {
                let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
                let mut seen: HashMap<String, Span> = HashMap::with_capacity(raw.len());
                let mut extent = Extent::new(self.text, token);
                for (key, value) in raw {
                    let key_used = self.token(&key.referenced);
                    let key_defined = self.token(&key.defined);
                    if let Some(first) = seen.insert(key.value.clone(), key_defined) {
                        return Err(error::duplicate(self.text, &key.value, first, key_defined));
                    }
                    extent.cover(if aliased { key_defined } else { key_used });
                    let built = self.build(value)?;
                    extent.cover(if aliased { built.defined } else { built.node.span });
                    entries.push(Entry {
                        key: Spanned::new(key.value, key_used),
                        value: built.node,
                    });
                }
                defined = extent.close();
                Kind::Map(entries)
            }
        };
        ambiguous::check(self.text, &kind, defined)?;
        Ok(Built {
            node: Node {
                kind,
                span: if aliased { used } else { defined },
                defined: aliased.then_some(defined),
            },
            defined,
        })
    }

    fn token(&self, at: &Location) -> Span {
        error::span_of(at, self.text, self.source)
    }
}

/// Grows from a container's first token over its children to its closing bracket.
struct Extent<'a> {
    text: &'a str,
    flow: Option<u8>,
    span: Span,
}

impl<'a> Extent<'a> {
    fn new(text: &'a str, token: Span) -> Self {
        let flow = match text.as_bytes().get(token.start as usize) {
            Some(b'[') => Some(b']'),
            Some(b'{') => Some(b'}'),
            _ => None,
        };
        let end = token.start + u32::from(flow.is_some());
        Self {
            text,
            flow,
            span: Span { end, ..token },
        }
    }

    /// Children that stand before the container came through a merge key or an alias.
    fn cover(&mut self, child: Span) {
        if child.start >= self.span.start {
            self.span.end = self.span.end.max(child.end);
        }
    }

    fn close(self) -> Span {
        let Some(bracket) = self.flow else {
            return self.span;
        };
        let bytes = self.text.as_bytes();
        let mut at = self.span.end as usize;
        while let Some(&b) = bytes.get(at) {
            match b {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'?' => at += 1,
                b'#' => {
                    while bytes.get(at).is_some_and(|b| *b != b'\n') {
                        at += 1;
                    }
                }
                _ => break,
            }
        }
        if bytes.get(at) == Some(&bracket) {
            Span::new(self.span.source, self.span.start as usize, at + 1)
        } else {
            self.span
        }
    }
}

/// The parser's place of a block scalar leaves its header out and runs into the next line: from `|` to the end of
/// the last line that belongs to it. None when `token` is no block scalar.
fn block_scalar(text: &str, value: &str, token: Span) -> Option<Span> {
    let start = token.start as usize;
    let line_start = text[..start].rfind('\n')? + 1;
    if !text[line_start..start].trim().is_empty() {
        return None;
    }
    let before = text[..line_start].trim_end();
    let header_line = before.rfind('\n').map_or(0, |p| p + 1);
    let line = &before[header_line..];
    let line = line.find(" #").map_or(line, |at| &line[..at]).trim_end();
    let indicators = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let head = indicators.strip_suffix(['|', '>'])?;
    if line.len() - head.len() > 3 || !(head.is_empty() || head.ends_with([' ', '\t', '\u{feff}'])) {
        return None;
    }
    if value.is_empty() {
        return Some(Span::new(token.source, header_line + head.len(), before.len()));
    }
    let keeps = line[head.len()..].contains('+');
    let written = &text[start..token.end as usize];
    let indent = start - line_start;
    let mut end = token.end as usize;
    // The first line is content, whatever it looks like.
    let rest = written.rfind('\n').map_or("", |p| &written[p + 1..]);
    if rest.trim_matches(' ').is_empty() && rest.len() <= indent {
        end -= rest.len();
    }
    if !keeps {
        end = start + without_blank_lines(&text[start..end], indent);
    }
    Some(Span::new(token.source, header_line + head.len(), end))
}

/// The length of a block's text without the blank lines at its end. Lines of more spaces than `indent` are content.
fn without_blank_lines(text: &str, indent: usize) -> usize {
    let mut end = text.len();
    while let Some(last) = text[..end].trim_end_matches(['\n', '\r']).rfind('\n') {
        let line = text[last + 1..end].trim_end_matches(['\n', '\r']);
        if !line.trim_matches(' ').is_empty() || line.len() > indent {
            break;
        }
        end = last + 1;
    }
    while text[..end].ends_with("\n\n") {
        end -= 1;
    }
    end
}
