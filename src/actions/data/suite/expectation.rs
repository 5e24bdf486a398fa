//! Each expectation as a rule.

use serde_json::{Map, Value as Json, json};

use super::gx::{Keywords, given, one};

/// The rule an expectation is, from its keywords.
///
/// # Errors
/// Why it cannot be run.
pub(super) fn rule(name: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let short = name
        .strip_prefix("expect_")
        .ok_or_else(|| "it is no expectation".to_owned())?;
    if let Some(rule) = figure(short) {
        return bounded(rule, keys);
    }
    if let Some(rest) = short
        .strip_prefix("table_")
        .or_else(|| short.strip_prefix("column_to_"))
    {
        return table(rest, keys);
    }
    match short {
        "column_values_to_not_be_null" => Ok(one("not_null", json!({"column": keys.need("column")?}))),
        "column_values_to_be_null" => Ok(one("is_null", json!({"column": keys.need("column")?}))),
        "column_values_to_be_unique" => Ok(one("unique", json!({"columns": [keys.need("column")?]}))),
        "compound_columns_to_be_unique" => columns("unique", keys),
        "select_column_values_to_be_unique_within_record" => columns("unique_within_row", keys),
        "column_values_to_be_between" => bounded("between", keys),
        "column_value_lengths_to_be_between" => bounded("length", keys),
        "column_value_lengths_to_equal" => {
            let n = keys.need("value")?;
            Ok(one(
                "length",
                json!({"column": keys.need("column")?, "min": n, "max": n}),
            ))
        }
        "column_values_to_be_in_set" => set("in_set", keys),
        "column_values_to_not_be_in_set" => set("not_in_set", keys),
        "column_distinct_values_to_be_in_set" => set("distinct_in_set", keys),
        "column_distinct_values_to_contain_set" => set("distinct_contains", keys),
        "column_distinct_values_to_equal_set" => set("distinct_equals", keys),
        "column_most_common_value_to_be_in_set" => {
            let ties = keys.take("ties_okay").unwrap_or(json!(false));
            let (column, values) = (keys.need("column")?, keys.need("value_set")?);
            Ok(one(
                "most_common_in_set",
                json!({"column": column, "values": values, "ties_okay": ties}),
            ))
        }
        "column_values_to_match_regex" => pattern("matches", "regex", keys),
        "column_values_to_not_match_regex" => pattern("not_matches", "regex", keys),
        "column_values_to_match_like_pattern" => pattern("like", "like_pattern", keys),
        "column_values_to_not_match_like_pattern" => pattern("not_like", "like_pattern", keys),
        "column_values_to_match_regex_list" => patterns("matches", "regex_list", keys),
        "column_values_to_not_match_regex_list" => patterns("not_matches", "regex_list", keys),
        "column_values_to_match_like_pattern_list" => patterns("like", "like_pattern_list", keys),
        "column_values_to_not_match_like_pattern_list" => patterns("not_like", "like_pattern_list", keys),
        "column_values_to_match_strftime_format" => {
            let (column, form) = (keys.need("column")?, keys.need("strftime_format")?);
            Ok(one(
                "format",
                json!({"column": column, "as": "strftime", "strftime": form}),
            ))
        }
        "column_values_to_be_json_parseable" => Ok(one(
            "format",
            json!({"column": keys.need("column")?, "as": "json"}),
        )),
        "column_values_to_match_json_schema" => {
            let (column, schema) = (keys.need("column")?, keys.need("json_schema")?);
            Ok(one("json_schema", json!({"column": column, "schema": schema})))
        }
        "column_values_to_be_dateutil_parseable" => Err(
            "what Python's dateutil takes for a date depends on its guesses; use `format: {as: datetime}`"
                .to_owned(),
        ),
        "column_values_to_be_increasing" => order("increasing", keys),
        "column_values_to_be_decreasing" => order("decreasing", keys),
        "column_value_z_scores_to_be_less_than" => {
            let both = keys.need("double_sided")?;
            let (column, below) = (keys.need("column")?, keys.need("threshold")?);
            Ok(one(
                "z_score",
                json!({"column": column, "below": below, "both_sides": both}),
            ))
        }
        "column_values_to_be_of_type" => {
            let word = keys.need("type_")?;
            types(keys, &[word])
        }
        "column_values_to_be_in_type_list" => {
            let list = keys.need("type_list")?;
            types(keys, list.as_array().map_or(&[][..], Vec::as_slice))
        }
        "column_pair_values_a_to_be_greater_than_b" => {
            let or_equal = keys.take("or_equal").and_then(|v| v.as_bool()).unwrap_or(false);
            pair(if or_equal { "at_least" } else { "greater" }, keys)
        }
        "column_pair_values_to_be_equal" => pair("equal", keys),
        "column_pair_values_to_be_in_set" => {
            let ignore = ignore(keys)?;
            let (left, right) = (keys.need("column_A")?, keys.need("column_B")?);
            let values = keys.need("value_pairs_set")?;
            Ok(one(
                "pairs_in_set",
                json!({"left": left, "right": right, "values": values, "ignore_row_if": ignore}),
            ))
        }
        "multicolumn_sum_to_equal" => {
            let ignore = ignore(keys)?;
            let (columns, total) = (keys.need("column_list")?, keys.need("sum_total")?);
            Ok(one(
                "row_sum",
                json!({"columns": columns, "equals": total, "ignore_row_if": ignore}),
            ))
        }
        "column_quantile_values_to_be_between" => quantiles(keys),
        "column_kl_divergence_to_be_less_than" => divergence(keys),
        _ => Err("this expectation is not known".to_owned()),
    }
}

/// Figures of a column between two bounds.
fn figure(short: &str) -> Option<&'static str> {
    Some(match short {
        "column_mean_to_be_between" => "mean",
        "column_median_to_be_between" => "median",
        "column_min_to_be_between" => "min",
        "column_max_to_be_between" => "max",
        "column_sum_to_be_between" => "sum",
        "column_stdev_to_be_between" => "stddev",
        "column_unique_value_count_to_be_between" => "distinct_count",
        "column_proportion_of_unique_values_to_be_between" => "unique_proportion",
        _ => return None,
    })
}

fn table(rest: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let range = |keys: &mut Keywords| {
        let range = given(json!({"min": keys.take("min_value"), "max": keys.take("max_value")}));
        // Without bounds Great Expectations passes; so does a count that may be anything.
        if range.as_object().is_some_and(Map::is_empty) {
            json!({"min": 0})
        } else {
            range
        }
    };
    match rest {
        "row_count_to_be_between" => Ok(one("row_count", range(keys))),
        "row_count_to_equal" => Ok(one("row_count", json!({"equals": keys.need("value")?}))),
        "column_count_to_be_between" => Ok(one("column_count", range(keys))),
        "column_count_to_equal" => Ok(one("column_count", json!({"equals": keys.need("value")?}))),
        "columns_to_match_ordered_list" => {
            let order = keys.need("column_list")?;
            Ok(one("schema", json!({"columns": {}, "order": order})))
        }
        "columns_to_match_set" => {
            let exact = keys.take("exact_match").unwrap_or(json!(true));
            let names = keys.need("column_set")?;
            let columns: Map<String, Json> = names
                .as_array()
                .ok_or_else(|| "`column_set` is not a list".to_owned())?
                .iter()
                .filter_map(Json::as_str)
                .map(|name| (name.to_owned(), json!("any")))
                .collect();
            Ok(one("schema", json!({"columns": columns, "strict": exact})))
        }
        "exist" => {
            if keys.take("column_index").is_some() {
                return Err("`column_index` is not understood".to_owned());
            }
            let column = keys.need("column")?;
            let name = column.as_str().unwrap_or_default();
            Ok(one("schema", json!({"columns": {name: "any"}})))
        }
        _ => Err("this expectation is not known".to_owned()),
    }
}

fn bounded(rule: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let column = keys.need("column")?;
    Ok(one(
        rule,
        given(json!({
            "column": column,
            "min": keys.take("min_value"),
            "max": keys.take("max_value"),
            "strict_min": keys.take("strict_min"),
            "strict_max": keys.take("strict_max"),
        })),
    ))
}

fn columns(rule: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let ignore = ignore(keys)?;
    Ok(one(
        rule,
        json!({"columns": keys.need("column_list")?, "ignore_row_if": ignore}),
    ))
}

fn set(rule: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    Ok(one(
        rule,
        json!({"column": keys.need("column")?, "values": keys.need("value_set")?}),
    ))
}

fn pattern(rule: &str, key: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    Ok(one(
        rule,
        json!({"column": keys.need("column")?, "pattern": keys.need(key)?}),
    ))
}

fn patterns(rule: &str, key: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let all = keys.take("match_on").is_some_and(|m| m == "all");
    Ok(one(
        rule,
        json!({"column": keys.need("column")?, "patterns": keys.need(key)?, "all": all}),
    ))
}

fn order(rule: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let strictly = keys.take("strictly").unwrap_or(json!(false));
    Ok(one(
        rule,
        json!({"column": keys.need("column")?, "strictly": strictly}),
    ))
}

fn pair(is: &str, keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let ignore = ignore(keys)?;
    let (left, right) = (keys.need("column_A")?, keys.need("column_B")?);
    Ok(one(
        "compare",
        json!({"left": left, "is": is, "right": right, "ignore_row_if": ignore}),
    ))
}

fn ignore(keys: &mut Keywords) -> Result<&'static str, String> {
    let Some(word) = keys.take("ignore_row_if") else {
        return Ok("all_null");
    };
    match word.as_str() {
        Some("all_values_are_missing" | "both_values_are_missing") => Ok("all_null"),
        Some("any_value_is_missing" | "either_value_is_missing") => Ok("any_null"),
        Some("never" | "neither") => Ok("never"),
        _ => Err(format!("`ignore_row_if: {word}` is not known")),
    }
}

fn types(keys: &mut Keywords, words: &[Json]) -> Result<Map<String, Json>, String> {
    let mut types = Vec::new();
    for word in words {
        types.push(type_word(word.as_str().unwrap_or_default())?);
    }
    Ok(one(
        "column_type",
        json!({"column": keys.need("column")?, "types": types}),
    ))
}

/// A type of pandas, SQL or Spark as a type of the schema rule.
fn type_word(word: &str) -> Result<&'static str, String> {
    Ok(match word {
        "int" | "int_" | "int64" | "Int64" | "INTEGER" | "BIGINT" | "IntegerType" | "LongType" | "int8"
        | "int16" | "int32" => "int",
        "float" | "float_" | "float32" | "float64" | "FLOAT" | "DOUBLE" | "DoubleType" | "FloatType" => {
            "float"
        }
        "str" | "string" | "object" | "object_" | "TEXT" | "VARCHAR" | "STRING" | "StringType" => "text",
        "bool" | "bool_" | "boolean" | "BOOLEAN" | "BooleanType" => "bool",
        "date" | "DATE" | "DateType" => "date",
        "datetime" | "Timestamp" | "TIMESTAMP" | "TimestampType" | "datetime64[ns]" => "datetime",
        _ => return Err(format!("the type `{word}` is not known")),
    })
}

fn quantiles(keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let ranges = keys.need("quantile_ranges")?;
    let method = match keys.take("allow_relative_error") {
        None | Some(Json::Bool(false)) => "nearest".to_owned(),
        Some(Json::String(word)) => word,
        Some(other) => return Err(format!("`allow_relative_error: {other}` is not understood")),
    };
    let list = |key: &str| {
        ranges
            .get(key)
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let (at, bounds) = (list("quantiles"), list("value_ranges"));
    if at.is_empty() || at.len() != bounds.len() {
        return Err("`quantiles` and `value_ranges` are not of one length".to_owned());
    }
    let mut several = Vec::new();
    for (at, bounds) in at.iter().zip(&bounds) {
        let share = at.as_f64().ok_or_else(|| format!("{at} is no quantile"))?;
        let percent = (share * 1e12).round() / 1e10;
        several.push(given(json!({
            "at": format!("{percent}%"),
            "min": bounds.get(0),
            "max": bounds.get(1),
        })));
    }
    let column = keys.need("column")?;
    Ok(one(
        "quantiles",
        json!({"column": column, "method": method, "ranges": several}),
    ))
}

fn divergence(keys: &mut Keywords) -> Result<Map<String, Json>, String> {
    let partition = keys.need("partition_object")?;
    if keys.take("bucketize_data") == Some(json!(false)) && partition.get("bins").is_some() {
        return Err("`bucketize_data: false` does not go with bins".to_owned());
    }
    if partition.get("weights").is_none() {
        return Err("the partition object has no weights".to_owned());
    }
    Ok(one(
        "kl_divergence",
        given(json!({
            "column": keys.need("column")?,
            "bins": partition.get("bins"),
            "values": partition.get("values"),
            "weights": partition.get("weights"),
            "tail_weights": partition.get("tail_weights"),
            "max": keys.take("threshold"),
            "tail_weight_holdout": keys.take("tail_weight_holdout"),
            "internal_weight_holdout": keys.take("internal_weight_holdout"),
        })),
    ))
}
