//! Data contracts of Soda 4.
//!
//! What its checks count is kept: `invalid` and `missing` as a share of all rows, `duplicate` without the first of each
//! value. A condition of SQL is translated where that is safe; queries are not.

use serde_json::{Map, Value as Json, json};

use super::Tables;
use super::foreign::{Foreign, Keys};
use super::sql::{column, condition, quoted};
use super::threshold::{self, Metric, Threshold};
use crate::source::{Kind, Node, Span};

/// The checks of a contract, with the name of its table.
///
/// # Errors
/// Everything that cannot be said, with its place.
pub fn contract(name: &str, text: &str, tables: &Tables) -> Result<(String, Vec<Json>), Vec<String>> {
    let (file, root) = Foreign::open(name, text)?;
    let mut keys = Keys::of(&root, &file, "a contract");
    let dataset = keys.take("dataset").and_then(|n| file.text(n, "`dataset`"));
    if dataset.is_none() {
        file.wrong(root.span, "no `dataset` is named: is this a contract of Soda 4?");
    }
    keys.pass(&["description", "check_attributes", "soda_runner", "soda_agent"]);
    if let Some(variables) = keys.take("variables") {
        file.wrong(
            variables.span,
            "`variables` are not understood: write their values in",
        );
    }
    let filter = keys.take("filter").and_then(|n| sql(&file, n));
    let mut contract = Contract {
        file: &file,
        tables,
        filter,
        columns: Vec::new(),
        checks: Vec::new(),
    };
    for node in keys
        .take("columns")
        .map_or(&[][..], |n| file.list(n, "`columns`"))
    {
        contract.column(node);
    }
    for node in keys.take("checks").map_or(&[][..], |n| file.list(n, "`checks`")) {
        contract.check(node, None);
    }
    keys.end(&file, "a contract");
    let Contract { checks, .. } = contract;
    if checks.is_empty() {
        file.wrong(root.span, "the contract has no checks");
    }
    let dataset = dataset.unwrap_or_default();
    let table = dataset.rsplit('/').next().unwrap_or_default().to_owned();
    file.finish((table, checks))
}

struct Contract<'a> {
    file: &'a Foreign,
    tables: &'a Tables,
    /// The contract's own filter.
    filter: Option<String>,
    columns: Vec<Column>,
    checks: Vec<Json>,
}

struct Column {
    name: String,
    kind: Option<String>,
    optional: Option<Span>,
}

/// What makes a value missing or invalid, of a column or of one check.
#[derive(Clone, Default)]
struct Validity {
    /// Conditions that hold for values that are there, besides not being null.
    there: Vec<String>,
    /// Rules of `data.check`, each with its parameters.
    rules: Vec<(&'static str, Json)>,
}

/// The keys of [`Validity`].
const VALIDITY: [&str; 13] = [
    "missing_values",
    "missing_format",
    "valid_values",
    "invalid_values",
    "valid_format",
    "invalid_format",
    "valid_min",
    "valid_max",
    "valid_length",
    "valid_min_length",
    "valid_max_length",
    "valid_reference_data",
    "reference_data",
];

impl Contract<'_> {
    fn column(&mut self, node: &Node) {
        let file = self.file;
        let mut keys = Keys::of(node, file, "a column");
        let Some(name) = keys.take("name").and_then(|n| file.text(n, "`name`")) else {
            file.wrong(node.span, "a column has no `name`");
            return;
        };
        keys.pass(&["description"]);
        let kind = keys.take("data_type").and_then(|n| {
            let word = file.text(n, "`data_type`")?;
            let known = type_word(&word);
            if known.is_none() {
                file.wrong(n.span, format!("the type `{word}` is not known"));
            }
            known.map(str::to_owned)
        });
        let optional = keys
            .take("optional")
            .filter(|n| file.bool(n, "`optional`") == Some(true))
            .map(|n| n.span);
        if let Some(length) = keys.take("character_maximum_length") {
            file.wrong(
                length.span,
                "`character_maximum_length` is of a database's column; use an `invalid` check with `valid_max_length`",
            );
        }
        let validity = self.validity(&name, &mut keys);
        let checks = keys.take("checks").map_or(&[][..], |n| file.list(n, "`checks`"));
        keys.end(file, "a column");
        self.columns.push(Column {
            name: name.clone(),
            kind,
            optional,
        });
        for check in checks {
            self.check(check, Some((&name, &validity)));
        }
    }

    /// One check: a mapping with its type as the only key, or the type alone.
    fn check(&mut self, node: &Node, of: Option<(&str, &Validity)>) {
        let file = self.file;
        let keys = Keys::of(node, file, "a check");
        let Some(entry) = keys.only() else {
            file.wrong(node.span, "a check is one key, its type");
            return;
        };
        let kind = entry.key.value.as_str();
        let mut keys = Keys::of(&entry.value, file, &format!("`{kind}`"));
        keys.at = entry.key.span;
        keys.pass(&["qualifier", "attributes"]);
        let name = keys.take("name").and_then(|n| file.text(n, "`name`"));
        let filter = keys.take("filter").and_then(|n| sql(file, n));
        let scope: Vec<String> = self.filter.iter().chain(&filter).cloned().collect();
        let before = self.checks.len();
        match (kind, of) {
            ("missing", Some((column, validity))) => self.missing(column, validity, &mut keys),
            ("invalid", Some((column, validity))) => self.invalid(column, validity, &mut keys),
            ("duplicate", Some((column, validity))) => self.duplicate(column, validity, &mut keys),
            ("aggregate", Some((column, validity))) => self.aggregate(column, validity, &mut keys),
            ("failed_rows", _) => self.failed_rows(&mut keys),
            ("row_count", None) => {
                let threshold = threshold::take(file, &mut keys);
                let limits = threshold.map_or_else(
                    || rule("row_count", json!({"min": 1})),
                    |t| {
                        let mut check = rule("row_count", json!({}));
                        t.limit(file, &mut check, Metric::Value("value"));
                        check
                    },
                );
                self.checks.push(Json::Object(limits));
            }
            ("schema", None) => self.schema(&mut keys),
            ("freshness", None) => self.freshness(&mut keys),
            ("duplicate", None) => self.duplicates(&mut keys),
            _ => {
                let place = if of.is_some() { "a column" } else { "a table" };
                file.wrong(
                    keys.at,
                    format!("the check `{kind}` of {place} is not understood"),
                );
                return;
            }
        }
        keys.end(file, &format!("`{kind}`"));
        let scope = threshold::all_of(&scope);
        for check in self.checks.iter_mut().skip(before) {
            let Some(check) = check.as_object_mut() else {
                continue;
            };
            if let Some(name) = &name {
                check.insert("name".to_owned(), json!(name));
            }
            let own = check.get("where").and_then(Json::as_str).map(str::to_owned);
            let both: Vec<String> = scope.iter().cloned().chain(own).collect();
            if let Some(condition) = threshold::all_of(&both) {
                if check.contains_key("schema") {
                    continue;
                }
                check.insert("where".to_owned(), json!(condition));
            }
        }
    }

    fn missing(&mut self, name: &str, validity: &Validity, keys: &mut Keys<'_>) {
        let own = self.validity(name, keys).or(validity);
        let mut check = if own.there.is_empty() {
            rule("not_null", json!({"column": name}))
        } else {
            let there: Vec<String> = std::iter::once(format!("{} is present", column(name)))
                .chain(own.there)
                .collect();
            rule("expression", json!(threshold::all_of(&there)))
        };
        if let Some(threshold) = threshold::take(self.file, keys) {
            threshold.limit(self.file, &mut check, Metric::Rows);
        }
        self.checks.push(Json::Object(check));
    }

    fn invalid(&mut self, name: &str, validity: &Validity, keys: &mut Keys<'_>) {
        let own = self.validity(name, keys).or(validity);
        let threshold = threshold::take(self.file, keys);
        if own.rules.is_empty() {
            self.file
                .wrong(keys.at, format!("nothing says what is invalid in `{name}`"));
        }
        let counts = threshold.as_ref().is_some_and(|t| !t.is_none_allowed());
        if counts && own.rules.len() > 1 {
            let why = "several limits of validity are counted together; split them into checks of their own";
            self.file.wrong(keys.at, why);
        }
        if counts && !own.there.is_empty() && threshold.as_ref().is_some_and(Threshold::is_percent) {
            let why = "a share of rows, missing values of one's own among them, is not understood";
            self.file.wrong(keys.at, why);
        }
        for (key, params) in own.rules {
            let mut check = rule(key, params);
            if let Some(condition) = threshold::all_of(&own.there) {
                check.insert("where".to_owned(), json!(condition));
            }
            if let Some(threshold) = &threshold {
                threshold.limit(self.file, &mut check, Metric::Rows);
            }
            self.checks.push(Json::Object(check));
        }
    }

    fn duplicate(&mut self, name: &str, validity: &Validity, keys: &mut Keys<'_>) {
        let own = self.validity(name, keys).or(validity);
        let threshold = threshold::take(self.file, keys).filter(|t| !t.is_none_allowed());
        let mut check = match &threshold {
            None => rule("unique", json!({"columns": [name]})),
            Some(t) if t.is_percent() => rule("unique_proportion", json!({"column": name})),
            Some(_) => rule("distinct_count", json!({"column": name})),
        };
        if let Some(threshold) = &threshold {
            threshold.limit(self.file, &mut check, Metric::Duplicates);
        }
        if let Some(condition) = threshold::all_of(&own.there) {
            check.insert("where".to_owned(), json!(condition));
        }
        self.checks.push(Json::Object(check));
    }

    fn duplicates(&mut self, keys: &mut Keys<'_>) {
        let file = self.file;
        let columns = keys.take("columns").map_or_else(Vec::new, |n| {
            let names = file.list(n, "`columns`").iter();
            names.filter_map(|n| file.text(n, "a column")).collect()
        });
        if columns.is_empty() {
            file.wrong(keys.at, "`duplicate` of a table names no `columns`");
        }
        if threshold::take(file, keys).is_some_and(|t| !t.is_none_allowed()) {
            file.wrong(
                keys.at,
                "duplicates of several columns are understood only when none is allowed",
            );
        }
        self.checks
            .push(Json::Object(rule("unique", json!({"columns": columns}))));
    }

    fn aggregate(&mut self, name: &str, validity: &Validity, keys: &mut Keys<'_>) {
        let file = self.file;
        let own = self.validity(name, keys).or(validity);
        let function = keys
            .take("function")
            .and_then(|n| file.text(n, "`function`"))
            .unwrap_or_default();
        let key = match function.to_ascii_lowercase().as_str() {
            "avg" => "mean",
            "min" => "min",
            "max" => "max",
            "sum" => "sum",
            "stddev" | "stddev_samp" => "stddev",
            _ => {
                let known = "avg, min, max, sum and stddev are";
                file.wrong(
                    keys.at,
                    format!("the function `{function}` is not understood; {known}"),
                );
                "mean"
            }
        };
        if !own.rules.is_empty() {
            file.wrong(keys.at, "an aggregate of valid values only is not understood");
        }
        let mut check = rule(key, json!({"column": name}));
        match threshold::take(file, keys) {
            Some(threshold) => threshold.limit(file, &mut check, Metric::Value("value")),
            None => file.wrong(keys.at, "an aggregate needs a `threshold`"),
        }
        if let Some(condition) = threshold::all_of(&own.there) {
            check.insert("where".to_owned(), json!(condition));
        }
        self.checks.push(Json::Object(check));
    }

    fn failed_rows(&mut self, keys: &mut Keys<'_>) {
        let file = self.file;
        for key in ["query", "keys_query", "rows_tested_query"] {
            if let Some(query) = keys.take(key) {
                file.wrong(
                    query.span,
                    format!("`{key}` is not understood: there is no database to ask"),
                );
            }
        }
        let Some(bad) = keys.take("expression").and_then(|n| sql(file, n)) else {
            keys.take("threshold");
            return;
        };
        // A row for which the condition is unknown has not failed.
        let mut check = rule("expression", json!(format!("not ({bad}) or ({bad}) is absent")));
        if let Some(threshold) = threshold::take(file, keys) {
            threshold.limit(file, &mut check, Metric::Rows);
        }
        self.checks.push(Json::Object(check));
    }

    fn schema(&mut self, keys: &mut Keys<'_>) {
        let file = self.file;
        let mut allowed = |key| keys.take(key).and_then(|n| file.bool(n, key)).unwrap_or(false);
        let (extra, any_order) = (
            allowed("allow_extra_columns"),
            allowed("allow_other_column_order"),
        );
        let severity = threshold::severity_only(file, keys);
        if extra && !any_order {
            file.wrong(keys.at, "an order with other columns between is not understood: give `allow_other_column_order: true`");
        }
        for column in &self.columns {
            if let Some(at) = column.optional {
                file.wrong(
                    at,
                    format!(
                        "the column `{}` may be missing, which a schema cannot say",
                        column.name
                    ),
                );
            }
        }
        if self.columns.is_empty() {
            file.wrong(keys.at, "`schema` without `columns` says nothing");
        }
        let columns: Map<String, Json> = self
            .columns
            .iter()
            .map(|c| (c.name.clone(), json!(c.kind.as_deref().unwrap_or("any"))))
            .collect();
        let mut params = json!({"columns": columns, "strict": !extra});
        if !any_order {
            params["order"] = self.columns.iter().map(|c| json!(c.name)).collect();
        }
        let mut check = rule("schema", params);
        if let Some(severity) = severity {
            check.insert("severity".to_owned(), json!(severity));
        }
        self.checks.push(Json::Object(check));
    }

    fn freshness(&mut self, keys: &mut Keys<'_>) {
        let file = self.file;
        let name = keys.take("column").and_then(|n| file.text(n, "`column`"));
        let unit = keys.take("unit").and_then(|n| file.text(n, "`unit`"));
        if let Some(now) = keys.take("now_variable") {
            file.wrong(
                now.span,
                "`now_variable` is not understood: the machine's clock counts",
            );
        }
        let Some((limit, own_unit, severity)) = threshold::age(file, keys) else {
            return;
        };
        let unit = match own_unit.or(unit).as_deref() {
            None | Some("hour") => "h",
            Some("minute") => "m",
            Some("day") => "d",
            Some(other) => {
                file.wrong(keys.at, format!("the unit `{other}` is not known"));
                "h"
            }
        };
        let mut check = rule(
            "freshness",
            json!({"column": name.unwrap_or_default(), "max_age": format!("{limit}{unit}")}),
        );
        if let Some(severity) = severity {
            check.insert("severity".to_owned(), json!(severity));
        }
        self.checks.push(Json::Object(check));
    }

    /// Takes what says which values are missing or invalid.
    fn validity(&self, name: &str, keys: &mut Keys<'_>) -> Validity {
        let file = self.file;
        let mut out = Validity::default();
        let subject = column(name);
        let mut bounds = (Map::new(), Map::new());
        for key in VALIDITY {
            let Some(node) = keys.take(key) else { continue };
            let values = || node.items().iter().map(Node::to_json).collect::<Vec<Json>>();
            let pattern = || {
                let mut keys = Keys::of(node, file, &format!("`{key}`"));
                keys.pass(&["name"]);
                let regex = keys.take("regex").and_then(|n| file.text(n, "`regex`"));
                keys.end(file, &format!("`{key}`"));
                if regex.is_none() {
                    file.wrong(node.span, format!("`{key}` has no `regex`"));
                }
                regex.unwrap_or_default()
            };
            match key {
                "missing_values" => {
                    let list: Vec<String> = values().iter().map(Json::to_string).collect();
                    out.there
                        .push(format!("not ({subject} in [{}])", list.join(", ")));
                }
                "missing_format" => out
                    .there
                    .push(format!("not ({subject} matches {})", quoted(&pattern()))),
                "valid_values" => out
                    .rules
                    .push(("in_set", json!({"column": name, "values": values()}))),
                "invalid_values" => out
                    .rules
                    .push(("not_in_set", json!({"column": name, "values": values()}))),
                "valid_format" => out
                    .rules
                    .push(("matches", json!({"column": name, "pattern": pattern()}))),
                "invalid_format" => out
                    .rules
                    .push(("not_matches", json!({"column": name, "pattern": pattern()}))),
                "valid_min" => drop(bounds.0.insert("min".to_owned(), node.to_json())),
                "valid_max" => drop(bounds.0.insert("max".to_owned(), node.to_json())),
                "valid_min_length" => drop(bounds.1.insert("min".to_owned(), node.to_json())),
                "valid_max_length" => drop(bounds.1.insert("max".to_owned(), node.to_json())),
                "valid_length" => {
                    bounds.1.insert("min".to_owned(), node.to_json());
                    bounds.1.insert("max".to_owned(), node.to_json());
                }
                _ => self.reference(name, node, &mut out),
            }
            if key.ends_with("_values") && !matches!(node.kind, Kind::Seq(_)) {
                file.wrong(
                    node.span,
                    format!("`{key}` is a list, here is {}", node.describe()),
                );
            }
        }
        for (key, mut bounds) in [("between", bounds.0), ("length", bounds.1)] {
            if !bounds.is_empty() {
                bounds.insert("column".to_owned(), json!(name));
                out.rules.push((key, Json::Object(bounds)));
            }
        }
        out
    }

    fn reference(&self, name: &str, node: &Node, out: &mut Validity) {
        let file = self.file;
        let mut keys = Keys::of(node, file, "reference data");
        let dataset = keys.take("dataset").and_then(|n| file.text(n, "`dataset`"));
        let to = keys.take("column").and_then(|n| file.text(n, "`column`"));
        keys.end(file, "reference data");
        let (Some(dataset), Some(to)) = (dataset, to) else {
            file.wrong(node.span, "reference data needs `dataset` and `column`");
            return;
        };
        let table = dataset.rsplit('/').next().unwrap_or_default();
        match self.tables.path_of(table) {
            Ok(path) => out.rules.push((
                "references",
                json!({"column": name, "table": {"path": path}, "to": to}),
            )),
            Err(why) => file.wrong(node.span, why),
        }
    }
}

impl Validity {
    /// What a check says for itself stands before what its column says.
    fn or(self, column: &Self) -> Self {
        Self {
            there: if self.there.is_empty() {
                column.there.clone()
            } else {
                self.there
            },
            rules: if self.rules.is_empty() {
                column.rules.clone()
            } else {
                self.rules
            },
        }
    }
}

fn sql(file: &Foreign, node: &Node) -> Option<String> {
    let text = file.text(node, "a condition")?;
    match condition(&text) {
        Ok(condition) => Some(condition),
        Err(why) => {
            file.wrong(node.span, why);
            None
        }
    }
}

fn rule(key: &str, params: Json) -> Map<String, Json> {
    std::iter::once((key.to_owned(), params)).collect()
}

/// A type of SQL as a word of the rule `schema`.
fn type_word(word: &str) -> Option<&'static str> {
    let bare = word
        .split('(')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    Some(match bare.as_str() {
        "varchar" | "char" | "text" | "string" | "clob" | "character varying" | "character" => "text",
        "int" | "integer" | "smallint" | "tinyint" | "bigint" | "int2" | "int4" | "int8" => "int",
        "decimal" | "numeric" | "number" => "number",
        "double" | "double precision" | "float" | "float4" | "float8" | "real" => "float",
        "boolean" | "bool" => "bool",
        "date" => "date",
        "time" => "time",
        "timestamp"
        | "timestamp_tz"
        | "timestamptz"
        | "datetime"
        | "timestamp without time zone"
        | "timestamp with time zone" => "datetime",
        _ => return None,
    })
}
