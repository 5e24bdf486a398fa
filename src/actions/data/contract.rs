//! `data.contract`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::rule::Given;
use super::run::{Keep, Named, Results, run};
use super::table::Table;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Holds a table to a contract: columns with types and nullability, number of rows, keys, references, freshness.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table.
    table: Table,
    /// The columns by name.
    columns: BTreeMap<String, Field>,
    /// Whether there may be other columns.
    #[serde(default)]
    more_columns: bool,
    /// The names of all columns in their order.
    #[serde(default)]
    order: Vec<String>,
    /// How many rows there are; at least one when nothing is said.
    #[serde(default)]
    row_count: Option<Json>,
    /// The columns that tell rows apart: no two rows have the same values in them, and none is null.
    #[serde(default)]
    key: Vec<String>,
    /// Columns whose values stand in other tables: `{column, table, to}`.
    #[serde(default)]
    references: Vec<Json>,
    /// How old the newest time may be: `{column, max_age}`.
    #[serde(default)]
    freshness: Option<Json>,
    /// How many failing rows of each check are kept in the run's folder.
    #[serde(default = "few")]
    keep_failing: u32,
    /// Columns whose values are never shown nor kept.
    #[serde(default)]
    hide: Vec<String>,
}

/// A column of a contract.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `int`, `float`, `number`, `text`, `bool`, `date`, `datetime`, `time`, `any`, or the exact word of polars
    /// (`Int32`).
    #[serde(rename = "type")]
    kind: String,
    /// Whether there may be nulls.
    #[serde(default)]
    nullable: bool,
    /// Whether no value stands there twice.
    #[serde(default)]
    unique: bool,
}

pub(super) struct Contract;

impl Action for Contract {
    const NAME: &'static str = "data.contract";
    type Params = Params;
    type Output = Results;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::table::reads(params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let empty = params
            .get("columns")
            .and_then(Json::as_object)
            .is_some_and(serde_json::Map::is_empty);
        let problem = ParamProblem {
            pointer: "/columns".to_owned(),
            key: None,
            message: "a contract names at least one column".to_owned(),
            help: None,
        };
        if empty { vec![problem] } else { Vec::new() }
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Results, Failure> {
        let inner = cx.clone();
        super::aside(cx, "checking the contract", move || {
            let keep = Keep {
                most: params.keep_failing,
                hidden: params.hide.clone(),
                keys: params.key.clone(),
            };
            run(&params.table, &checks(&params)?, &keep, &inner)
        })
        .await
    }
}

/// The contract as checks. That a column is missing is for `schema` to say.
fn checks(params: &Params) -> Result<Vec<Named>, Failure> {
    let mut all: Vec<(String, Json, Vec<String>)> = Vec::new();
    let types: BTreeMap<&str, &str> = params
        .columns
        .iter()
        .map(|(name, field)| (name.as_str(), field.kind.as_str()))
        .collect();
    let shape = json!({"columns": types, "strict": !params.more_columns, "order": params.order});
    all.push(("schema".to_owned(), json!({ "schema": shape }), Vec::new()));
    let rows = params.row_count.clone().unwrap_or_else(|| json!({"min": 1}));
    all.push(("row_count".to_owned(), json!({ "row_count": rows }), Vec::new()));
    for (name, field) in &params.columns {
        let needs = vec![name.clone()];
        if !field.nullable || params.key.contains(name) {
            let rule = json!({"not_null": {"column": name}});
            all.push((format!("not_null[{name}]"), rule, needs.clone()));
        }
        if field.unique {
            let rule = json!({"unique": {"columns": [name]}});
            all.push((format!("unique[{name}]"), rule, needs));
        }
    }
    let named = |name: &String| params.columns.contains_key(name);
    if !params.key.is_empty() {
        let needs = params.key.iter().filter(|k| named(k)).cloned().collect();
        let rule = json!({"unique": {"columns": params.key, "ignore_row_if": "never"}});
        all.push(("key".to_owned(), rule, needs));
    }
    let of = |rule: &Json| {
        let column = rule.get("column").and_then(Json::as_str).map(str::to_owned);
        column.filter(named).into_iter().collect()
    };
    for (i, reference) in params.references.iter().enumerate() {
        let needs = of(reference);
        all.push((
            format!("references[{i}]"),
            json!({ "references": reference }),
            needs,
        ));
    }
    if let Some(freshness) = &params.freshness {
        let needs = of(freshness);
        all.push(("freshness".to_owned(), json!({ "freshness": freshness }), needs));
    }
    let mut checks = Vec::new();
    for (id, raw, needs) in all {
        let given: Given = serde_json::from_value(raw)
            .map_err(|e| Failure::new(Class::BadParameter, format!("`{id}` of the contract: {e}")))?;
        checks.push(Named {
            needs,
            ..Named::new(id, given)
        });
    }
    Ok(checks)
}

const fn few() -> u32 {
    20
}
