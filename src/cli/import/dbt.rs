//! The generic tests of dbt in a `schema.yml`: `unique`, `not_null`, `accepted_values`, `relationships`.
//!
//! dbt counts the rows its query gives: for `not_null` and `relationships` those are rows of the table, for the other two
//! they are values. So limits on the count (`error_if`, `warn_if`) are taken over for the first two only.

use serde_json::{Map, Value as Json, json};

use super::Tables;
use super::foreign::{Foreign, Keys};
use super::sql::condition;
use crate::source::{Kind, Node, Span};

/// The lists whose items have columns with tests.
const RESOURCES: [&str; 3] = ["models", "seeds", "snapshots"];
/// Keys of a model or a column that test nothing.
const SILENT: [&str; 14] = [
    "description",
    "docs",
    "meta",
    "tags",
    "config",
    "access",
    "group",
    "latest_version",
    "deprecation_date",
    "data_type",
    "quote",
    "identifier",
    "loaded_at_field",
    "label",
];

/// The checks by table, and what was left out because dbt would not run it.
#[derive(Debug, Default)]
pub struct Imported {
    pub tables: Vec<(String, Vec<Json>)>,
    pub notes: Vec<String>,
}

/// The tests of a file.
///
/// # Errors
/// Everything that cannot be said, with its place.
pub fn schema(name: &str, text: &str, tables: &Tables) -> Result<Imported, Vec<String>> {
    let (file, root) = Foreign::open(name, text)?;
    let mut keys = Keys::of(&root, &file, "a schema file");
    keys.pass(&["version"]);
    let mut reader = Reader {
        file: &file,
        tables,
        out: Imported::default(),
    };
    for resource in RESOURCES {
        for node in keys.take(resource).map_or(&[][..], |n| file.list(n, resource)) {
            reader.model(node);
        }
    }
    for source in keys
        .take("sources")
        .map_or(&[][..], |n| file.list(n, "`sources`"))
    {
        let mut keys = Keys::of(source, &file, "a source");
        keys.pass(&SILENT);
        keys.pass(&["name", "database", "schema", "loader", "overrides"]);
        if let Some(freshness) = keys.take("freshness") {
            file.wrong(
                freshness.span,
                "`freshness` is not understood: write a check `freshness`",
            );
        }
        for node in keys.take("tables").map_or(&[][..], |n| file.list(n, "`tables`")) {
            reader.model(node);
        }
        keys.end(&file, "a source");
    }
    keys.end(&file, "a schema file");
    let Reader { out, .. } = reader;
    if out.tables.is_empty() {
        file.wrong(root.span, "no model has a test");
    }
    file.finish(out)
}

struct Reader<'a> {
    file: &'a Foreign,
    tables: &'a Tables,
    out: Imported,
}

impl Reader<'_> {
    fn model(&mut self, node: &Node) {
        let file = self.file;
        let mut keys = Keys::of(node, file, "a model");
        let Some(name) = keys.take("name").and_then(|n| file.text(n, "`name`")) else {
            file.wrong(node.span, "a model has no `name`");
            return;
        };
        keys.pass(&SILENT);
        let mut checks = Vec::new();
        for key in ["columns", "data_tests", "tests"] {
            let Some(list) = keys.take(key) else { continue };
            for node in file.list(list, key) {
                if key == "columns" {
                    self.column(node, &mut checks);
                } else {
                    self.test(node, None, &mut checks);
                }
            }
        }
        for key in ["constraints", "freshness"] {
            if let Some(node) = keys.take(key) {
                file.wrong(node.span, format!("`{key}` is not understood"));
            }
        }
        keys.end(file, "a model");
        if !checks.is_empty() {
            self.out.tables.push((name, checks));
        }
    }

    fn column(&mut self, node: &Node, checks: &mut Vec<Json>) {
        let file = self.file;
        let mut keys = Keys::of(node, file, "a column");
        let name = keys
            .take("name")
            .and_then(|n| file.text(n, "`name`"))
            .unwrap_or_default();
        keys.pass(&SILENT);
        for key in ["data_tests", "tests"] {
            for test in keys.take(key).map_or(&[][..], |n| file.list(n, key)) {
                self.test(test, Some(&name), checks);
            }
        }
        if let Some(node) = keys.take("constraints") {
            file.wrong(node.span, "`constraints` are not understood");
        }
        keys.end(file, "a column");
    }

    /// One test: its name, or a mapping with its name as the only key.
    fn test(&mut self, node: &Node, column: Option<&str>, checks: &mut Vec<Json>) {
        let file = self.file;
        let empty = Node::new(Kind::Null, node.span);
        let (kind, at, params) = match (&node.kind, node.entries()) {
            (Kind::String(name), _) => (name.as_str(), node.span, &empty),
            (_, [one]) => (one.key.value.as_str(), one.key.span, &one.value),
            _ => {
                file.wrong(
                    node.span,
                    "a test is its name, or a mapping with its name as the only key",
                );
                return;
            }
        };
        let what = format!("the test `{kind}`");
        let mut keys = Keys::of(params, file, &what);
        let mut inner = keys.take("arguments").map(|n| Keys::of(n, file, "`arguments`"));
        let mut argument = |key: &'static str| {
            let nested = inner.as_mut().and_then(|k| k.take(key));
            nested.or_else(|| keys.take(key))
        };
        let own = argument("column_name").and_then(|n| file.text(n, "`column_name`"));
        let Some(name) = column.map(str::to_owned).or(own) else {
            file.wrong(at, format!("{what} of a model is not understood"));
            return;
        };
        let (rule, counts_rows) = match kind {
            "not_null" => (("not_null", json!({"column": name})), true),
            "unique" => (("unique", json!({"columns": [name]})), false),
            "accepted_values" => {
                let values = argument("values").map_or_else(Vec::new, |n| {
                    file.list(n, "`values`")
                        .iter()
                        .map(Node::to_json)
                        .collect::<Vec<_>>()
                });
                argument("quote");
                if values.is_empty() {
                    file.wrong(at, "`accepted_values` names no `values`");
                }
                (("in_set", json!({"column": name, "values": values})), false)
            }
            "relationships" => {
                let to = argument("to")
                    .and_then(|n| file.text(n, "`to`"))
                    .unwrap_or_default();
                let field = argument("field")
                    .and_then(|n| file.text(n, "`field`"))
                    .unwrap_or_default();
                let path = referenced(&to)
                    .ok_or_else(|| {
                        format!("`to: {to}` is neither `ref('model')` nor `source('name', 'table')`")
                    })
                    .and_then(|table| self.tables.path_of(&table));
                if let Err(why) = &path {
                    file.wrong(at, why.clone());
                }
                let table = json!({"path": path.unwrap_or_default()});
                (
                    ("references", json!({"column": name, "table": table, "to": field})),
                    true,
                )
            }
            _ => {
                file.wrong(
                    at,
                    format!(
                        "{what} is not understood: unique, not_null, accepted_values and relationships are"
                    ),
                );
                return;
            }
        };
        if let Some(inner) = inner {
            inner.end(file, &what);
        }
        let mut check: Map<String, Json> = std::iter::once((rule.0.to_owned(), rule.1)).collect();
        let config = Config::take(file, &mut keys, &what);
        keys.end(file, &what);
        if !config.enabled {
            self.out
                .notes
                .push(format!("{what} of `{name}` is left out: it is disabled"));
            return;
        }
        config.put(file, at, counts_rows, &mut check);
        checks.push(Json::Object(check));
    }
}

/// How a test is judged.
#[derive(Default)]
struct Config {
    enabled: bool,
    warn: bool,
    condition: Option<String>,
    error_if: Option<String>,
    warn_if: Option<String>,
    name: Option<String>,
}

impl Config {
    /// Takes it from a test's own keys and from its `config`.
    fn take(file: &Foreign, keys: &mut Keys<'_>, what: &str) -> Self {
        let mut out = Self {
            enabled: true,
            ..Self::default()
        };
        out.name = keys.take("name").and_then(|n| file.text(n, "`name`"));
        keys.pass(&["description", "meta", "tags"]);
        let config = keys.take("config");
        out.settings(file, keys);
        if let Some(node) = config {
            let mut keys = Keys::of(node, file, "`config`");
            out.settings(file, &mut keys);
            keys.end(file, &format!("`config` of {what}"));
        }
        out
    }

    fn settings(&mut self, file: &Foreign, keys: &mut Keys<'_>) {
        keys.pass(&[
            "store_failures",
            "store_failures_as",
            "meta",
            "tags",
            "group",
            "limit",
        ]);
        if let Some(node) = keys.take("enabled") {
            self.enabled = file.bool(node, "`enabled`").unwrap_or(true);
        }
        if let Some(node) = keys.take("fail_calc") {
            file.wrong(node.span, "`fail_calc` is not understood");
        }
        if let Some(node) = keys.take("severity") {
            match file
                .text(node, "`severity`")
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str()
            {
                "warn" => self.warn = true,
                "error" | "" => {}
                other => file.wrong(node.span, format!("the severity `{other}` is not known")),
            }
        }
        if let Some(node) = keys.take("where") {
            match file.text(node, "`where`").map(|text| condition(&text)) {
                Some(Ok(condition)) => self.condition = Some(condition),
                Some(Err(why)) => file.wrong(node.span, why),
                None => {}
            }
        }
        for (key, place) in [("error_if", &mut self.error_if), ("warn_if", &mut self.warn_if)] {
            if let Some(node) = keys.take(key) {
                let text = file.text(node, key).unwrap_or_default();
                *place = limit(&text);
                if place.is_none() {
                    file.wrong(
                        node.span,
                        format!("`{key}: {text}` is not understood: `> 10` would be"),
                    );
                }
            }
        }
    }

    fn put(self, file: &Foreign, at: Span, counts_rows: bool, check: &mut Map<String, Json>) {
        let counted = self.error_if.is_some() || self.warn_if.is_some();
        if counted && !counts_rows {
            file.wrong(
                at,
                "`error_if` and `warn_if` count values here, not rows: such a limit is not understood",
            );
        }
        let none = "failing != 0".to_owned();
        if self.warn {
            // dbt looks at `warn_if` alone.
            check.insert("severity".to_owned(), json!("warning"));
            if let Some(limit) = self.warn_if {
                check.insert("fail_if".to_owned(), json!(limit));
            }
        } else if counted {
            check.insert(
                "fail_if".to_owned(),
                json!(self.error_if.unwrap_or_else(|| none.clone())),
            );
            check.insert("warn_if".to_owned(), json!(self.warn_if.unwrap_or(none)));
        }
        if let Some(condition) = self.condition {
            check.insert("where".to_owned(), json!(condition));
        }
        if let Some(name) = self.name {
            check.insert("name".to_owned(), json!(name));
        }
    }
}

/// `> 10` as a limit on the rows that fail.
fn limit(text: &str) -> Option<String> {
    let text = text.trim();
    let signs = [
        (">=", ">="),
        ("<=", "<="),
        ("!=", "!="),
        ("<>", "!="),
        ("==", "=="),
        (">", ">"),
        ("<", "<"),
        ("=", "=="),
    ];
    let (rest, sign) = signs
        .into_iter()
        .find_map(|(theirs, ours)| text.strip_prefix(theirs).map(|rest| (rest, ours)))?;
    let number: u64 = rest.trim().parse().ok()?;
    Some(format!("failing {sign} {number}"))
}

/// The table that `ref('x')` or `source('a', 'x')` names.
fn referenced(to: &str) -> Option<String> {
    let to = to.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
    let inside = to
        .strip_prefix("ref(")
        .or_else(|| to.strip_prefix("source("))?
        .strip_suffix(')')?;
    let last = inside.rsplit(',').next()?.trim();
    let name = last
        .strip_prefix('\'')
        .and_then(|l| l.strip_suffix('\''))
        .or_else(|| last.strip_prefix('"').and_then(|l| l.strip_suffix('"')))?;
    (!name.is_empty()).then(|| name.to_owned())
}
