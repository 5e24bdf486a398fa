//! A spec file to a [`Spec`].

use std::path::Path;

use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Severity;
use crate::source::{self, Kind, Node, SourceId, Sources, Spanned, SyntaxErrorKind};

use super::checks::checks;
use super::fields::{
    bad_value, confidence, duration, list, missing_key, name, names, only_known, severity, text, wrong_kind,
};
use super::inputs::{inputs, matrix};
use super::steps::{Draft, Reader, STEP_KEYS};
use super::{Spec, SpecDefaults, Tool, like};

/// The keys of a spec.
pub(crate) const SPEC_KEYS: &[&str] = &[
    "specrun",
    "id",
    "title",
    "description",
    "category",
    "tags",
    "severity",
    "tools",
    "confidence",
    "timeout",
    "locks",
    "inputs",
    "matrix",
    "preconditions",
    "steps",
    "expect",
    "on_failure",
];

/// Reads a file; what is wrong with it goes to `out`.
pub fn read(
    sources: &Sources,
    path: &Path,
    registry: &Registry,
    defaults: SpecDefaults,
    out: &mut Diagnostics,
) -> Option<Spec> {
    let id = load(sources, path, out)?;
    read_text(sources, id, registry, defaults, out)
}

/// Adds a file to the sources; a byte order mark is left out.
pub(super) fn load(sources: &Sources, path: &Path, out: &mut Diagnostics) -> Option<SourceId> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            out.push(
                Diagnostic::error(Code::Unreadable, format!("reading {}: {e}", path.display())).path(path),
            );
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            Some(sources.add(path, text))
        }
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let line = String::from_utf8_lossy(&e.as_bytes()[..at]).matches('\n').count() + 1;
            out.push(
                Diagnostic::error(
                    Code::NotUtf8,
                    format!("{} is not UTF-8: byte {at}, line {line}", path.display()),
                )
                .path(path)
                .help("save the file as UTF-8"),
            );
            None
        }
    }
}

/// The node tree of a text, or a report.
pub(super) fn tree(sources: &Sources, id: SourceId, out: &mut Diagnostics) -> Option<Node> {
    match source::read(sources, id) {
        Ok(node) => Some(node),
        Err(e) => {
            let code = match e.kind {
                SyntaxErrorKind::Syntax => Code::Syntax,
                SyntaxErrorKind::DuplicateKey => Code::DuplicateKey,
                SyntaxErrorKind::UnquotedTemplate => Code::UnquotedTemplate,
                SyntaxErrorKind::Tag => Code::UnknownTag,
                SyntaxErrorKind::SeveralDocuments => Code::SeveralDocuments,
                SyntaxErrorKind::Budget => Code::Budget,
                SyntaxErrorKind::Ambiguous => Code::Ambiguous,
                SyntaxErrorKind::Empty => Code::Empty,
            };
            out.push(
                Diagnostic::error(code, e.message)
                    .label(e.span, "here")
                    .maybe_help(e.help)
                    .path(sources.path(id)),
            );
            None
        }
    }
}

/// Reads a text that was added to the sources.
pub fn read_text(
    sources: &Sources,
    id: SourceId,
    registry: &Registry,
    defaults: SpecDefaults,
    out: &mut Diagnostics,
) -> Option<Spec> {
    let root = tree(sources, id, out)?;
    if !matches!(root.kind, Kind::Map(_)) {
        wrong_kind(out, &root, "a spec", "a mapping");
        return None;
    }
    version(out, &root)?;
    only_known(out, &root, "a spec", SPEC_KEYS);

    let top = root.entries().first().map_or(root.span, |e| e.key.span);
    let required = |out: &mut Diagnostics, key: &str, help: &str| {
        if let Some(e) = root.get(key) {
            return text(out, &e.value, &format!("`{key}`"));
        }
        missing_key(out, top, "the spec", key, help);
        None
    };
    let spec_id = required(
        out,
        "id",
        "give it a name that is unique in the project: `id: T07`",
    )
    .filter(|t| spec_name(out, t));
    let title = required(out, "title", "say in a few words what it checks");
    let optional = |out: &mut Diagnostics, key: &str| {
        root.get(key)
            .and_then(|e| text(out, &e.value, &format!("`{key}`")))
    };
    let description = optional(out, "description");
    let category = optional(out, "category");
    let tags = root
        .get("tags")
        .map_or(Vec::new(), |e| names(out, &e.value, "`tags`", false));
    for tag in &tags {
        name(out, tag, "a tag", true);
    }
    if let Some(category) = &category {
        name(out, category, "a category", true);
    }
    let spec_severity = root.get("severity").and_then(|e| severity(out, &e.value));
    let tools = root
        .get("tools")
        .map(|e| Spanned::new(tools(out, &e.value), e.key.span));
    let spec_confidence = root.get("confidence").and_then(|e| confidence(out, &e.value));
    let timeout = root
        .get("timeout")
        .and_then(|e| duration(out, &e.value, "`timeout`"));
    let locks = root
        .get("locks")
        .map_or(Vec::new(), |e| names(out, &e.value, "`locks`", false));
    let inputs = root.get("inputs").map_or(Vec::new(), |e| inputs(out, &e.value));
    let matrix = root.get("matrix").map_or(Vec::new(), |e| matrix(out, &e.value));

    let mut steps = Reader {
        registry,
        defaults,
        out,
    };
    let mut group = |key: &str| -> Vec<Draft> {
        root.get(key)
            .map_or(Vec::new(), |e| steps.steps(&e.value, &format!("`{key}`")))
    };
    let groups = vec![group("preconditions"), group("steps"), group("on_failure")];
    if root.get("steps").is_none() {
        missing_key(
            out,
            top,
            "the spec",
            "steps",
            "a spec does something: give at least one step",
        );
    }
    let mut groups = like::resolve(groups, out).into_iter();
    let expect = root
        .get("expect")
        .map_or(Vec::new(), |e| checks(out, &e.value, "`expect`"));
    let expects = says_expectation(&root, registry);
    let mut next = || groups.next().unwrap_or_default();
    Some(Spec {
        source: id,
        file: sources.path(id),
        preconditions: next(),
        steps: next(),
        on_failure: next(),
        id: spec_id?,
        title: title?,
        description,
        category,
        tags,
        severity: spec_severity.unwrap_or(Severity::Critical),
        tools,
        confidence: spec_confidence,
        timeout,
        locks,
        inputs,
        matrix,
        expect,
        expects,
    })
}

/// Whether something is expected somewhere, or a key is misspelt that may have been meant to.
fn says_expectation(root: &Node, registry: &Registry) -> bool {
    let step = |key: &str| {
        ["expect", "eventually", "expect_failure"].contains(&key)
            || !STEP_KEYS.contains(&key) && registry.get(key).is_none()
    };
    let top = |key: &str| key == "expect" || !SPEC_KEYS.contains(&key);
    root.entries().iter().any(|e| top(&e.key.value))
        || root.get("steps").is_some_and(|steps| {
            let mut keys = steps.value.items().iter().flat_map(Node::entries);
            keys.any(|e| step(&e.key.value))
        })
}

pub(super) fn version(out: &mut Diagnostics, root: &Node) -> Option<()> {
    let Some(entry) = root.get("specrun") else {
        let top = root.entries().first().map_or(root.span, |e| e.key.span);
        let near = root
            .entries()
            .iter()
            .find(|e| did_you_mean(&e.key.value, ["specrun"]).is_some_and(|h| h.contains("did you mean")));
        out.push(
            Diagnostic::error(
                Code::Version,
                "the file does not say which version of the language it is written in",
            )
            .label(near.map_or(top, |e| e.key.span), "`specrun` is missing")
            .help("begin the file with `specrun: 1`"),
        );
        return None;
    };
    if entry.value.kind == Kind::Int(1) {
        return Some(());
    }
    out.push(
        Diagnostic::error(Code::Version, "this version of the language is not known")
            .label(entry.value.span, "not 1")
            .help("this program reads `specrun: 1`"),
    );
    None
}

/// Ids also name folders, so they hold nothing that a path or a shell would understand.
fn spec_name(out: &mut Diagnostics, id: &Spanned<String>) -> bool {
    let ok = id.value.len() <= 100
        && id.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !ok {
        out.push(
            Diagnostic::error(Code::BadName, format!("`{}` cannot name a spec", id.value))
                .label(id.span, "not a name")
                .help("a letter or digit first, then letters, digits, `_`, `-` or `.`; at most 100"),
        );
    }
    ok
}

fn tools(out: &mut Diagnostics, node: &Node) -> Vec<Tool> {
    let mut found: Vec<Tool> = Vec::new();
    for item in list(out, node, "`tools`") {
        let Some(tool) = tool(out, item) else { continue };
        if let Some(first) = found.iter().find(|t| t.family.value == tool.family.value) {
            out.push(
                Diagnostic::error(
                    Code::BadValue,
                    format!("`{}` stands twice in `tools`", tool.family.value),
                )
                .label(tool.family.span, "again")
                .label(first.family.span, "first here"),
            );
        } else {
            found.push(tool);
        }
    }
    found
}

/// A family, or `{family: VERSION}`.
fn tool(out: &mut Diagnostics, item: &Node) -> Option<Tool> {
    if !matches!(item.kind, Kind::Map(_)) {
        return Some(Tool {
            family: text(out, item, "an item of `tools`")?,
            version: None,
        });
    }
    let [one] = item.entries() else {
        wrong_kind(
            out,
            item,
            "an item of `tools`",
            "a name, or one name with a version",
        );
        return None;
    };
    let wanted = text(out, &one.value, "a version")?;
    let version = semver::VersionReq::parse(&wanted.value);
    if let Err(e) = &version {
        bad_value(
            out,
            wanted.span,
            format!(
                "`{}` is not a version requirement such as `>=2.2`: {e}",
                wanted.value
            ),
        );
    }
    Some(Tool {
        family: one.key.clone(),
        version: version.ok(),
    })
}
