//! One check of a table to what is computed for it.

use polars::prelude::{DataType, Expr, Series, lit};

use super::columns::Columns;
use super::figures::{Figure, figure, freshness, quantile};
use super::sets::{Relation, distinct, most_common};
use super::{Planned, condition, distribution, rows, shape, text};
use crate::actions::data::rule::{Check, RULES};

/// What checks need to know of other tables.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// How many rows the other table has.
    pub rows: u64,
    /// The different values of its column.
    pub values: Option<Series>,
}

/// Plans one check.
///
/// # Errors
/// One line: what can never be right about it on this table.
pub fn plan(check: &Check, columns: Columns<'_>, elsewhere: &Elsewhere) -> Result<Planned, String> {
    let scope: Option<Expr> = match &check.condition {
        None => None,
        Some(text) => Some(condition::condition(text, columns)?.fill_null(lit(false))),
    };
    if check.max_failing.is_some() && !is_by_row(check) {
        return Err("`max_failing` belongs to checks that hold row by row".to_owned());
    }
    if let Some(planned) = of_table(check, columns, scope.as_ref(), elsewhere) {
        return planned;
    }
    if let Some(planned) = of_figure(check, columns, scope.as_ref()) {
        return planned;
    }
    match of_rows(check, columns, elsewhere) {
        Some(row) => Ok(rows::finish(check, scope.as_ref(), row?)),
        None => Err(format!("no rule is given; rules are {}", RULES.join(", "))),
    }
}

fn is_by_row(check: &Check) -> bool {
    check.not_null.is_some()
        || check.is_null.is_some()
        || check.unique.is_some()
        || check.unique_within_row.is_some()
        || check.between.is_some()
        || check.in_set.is_some()
        || check.not_in_set.is_some()
        || check.pairs_in_set.is_some()
        || check.matches.is_some()
        || check.not_matches.is_some()
        || check.like.is_some()
        || check.not_like.is_some()
        || check.format.is_some()
        || check.json_schema.is_some()
        || check.length.is_some()
        || check.compare.is_some()
        || check.row_sum.is_some()
        || check.expression.is_some()
        || check.increasing.is_some()
        || check.decreasing.is_some()
        || check.z_score.is_some()
        || check.references.is_some()
}

fn of_table(
    check: &Check,
    columns: Columns<'_>,
    scope: Option<&Expr>,
    elsewhere: &Elsewhere,
) -> Option<Result<Planned, String>> {
    if let Some(rule) = check.row_count {
        return Some(shape::row_count(scope, rule, check.fail_if.is_some()));
    }
    if check.row_count_matches.is_some() {
        return Some(Ok(shape::row_count_matches(scope, elsewhere.rows)));
    }
    let planned = if let Some(rule) = check.column_count {
        shape::column_count(columns, rule, check.fail_if.is_some())
    } else if let Some(rule) = &check.schema {
        shape::schema(columns, rule)
    } else if let Some(rule) = &check.column_type {
        shape::column_type(columns, &rule.column, &rule.types)
    } else {
        return None;
    };
    if scope.is_some() {
        return Some(Err("`where` does not go with a check of columns".to_owned()));
    }
    Some(planned)
}

fn of_figure(check: &Check, columns: Columns<'_>, scope: Option<&Expr>) -> Option<Result<Planned, String>> {
    let figures = [
        (&check.null_fraction, Figure::NullFraction),
        (&check.distinct_count, Figure::DistinctCount),
        (&check.unique_proportion, Figure::UniqueProportion),
        (&check.mean, Figure::Mean),
        (&check.median, Figure::Median),
        (&check.min, Figure::Min),
        (&check.max, Figure::Max),
        (&check.sum, Figure::Sum),
        (&check.stddev, Figure::Stddev),
    ];
    for (rule, which) in figures {
        if let Some(rule) = rule {
            return Some(figure(columns, check, scope, rule, which));
        }
    }
    let sets = [
        (&check.distinct_in_set, Relation::PartOf),
        (&check.distinct_contains, Relation::Contains),
        (&check.distinct_equals, Relation::Equals),
    ];
    for (rule, relation) in sets {
        if let Some(rule) = rule {
            return Some(distinct(columns, check, scope, rule, relation));
        }
    }
    if let Some(rule) = &check.quantile {
        Some(quantile(columns, check, scope, rule))
    } else if let Some(rule) = &check.most_common_in_set {
        Some(most_common(columns, check, scope, rule))
    } else if let Some(rule) = &check.freshness {
        Some(freshness(columns, scope, rule))
    } else {
        let rule = check.kl_divergence.as_ref()?;
        Some(distribution::kl_divergence(columns, check, scope, rule))
    }
}

fn of_rows(
    check: &Check,
    columns: Columns<'_>,
    elsewhere: &Elsewhere,
) -> Option<Result<rows::RowCheck, String>> {
    Some(if let Some(rule) = &check.not_null {
        rows::not_null(columns, &rule.column, true)
    } else if let Some(rule) = &check.is_null {
        rows::not_null(columns, &rule.column, false)
    } else if let Some(rule) = &check.unique {
        rows::unique(columns, rule)
    } else if let Some(rule) = &check.unique_within_row {
        rows::unique_within_row(columns, rule)
    } else if let Some(rule) = &check.between {
        rows::between(columns, rule, false)
    } else if let Some(rule) = &check.length {
        rows::between(columns, rule, true)
    } else if let Some(rule) = &check.in_set {
        rows::in_set(columns, &rule.column, &rule.values, true)
    } else if let Some(rule) = &check.not_in_set {
        rows::in_set(columns, &rule.column, &rule.values, false)
    } else if let Some(rule) = &check.pairs_in_set {
        rows::pairs_in_set(columns, rule)
    } else if let Some(rule) = &check.matches {
        rows::pattern(columns, rule, true, false)
    } else if let Some(rule) = &check.not_matches {
        rows::pattern(columns, rule, false, false)
    } else if let Some(rule) = &check.like {
        rows::pattern(columns, rule, true, true)
    } else if let Some(rule) = &check.not_like {
        rows::pattern(columns, rule, false, true)
    } else if let Some(rule) = &check.compare {
        rows::compare(columns, rule)
    } else if let Some(rule) = &check.row_sum {
        rows::row_sum(columns, rule)
    } else if let Some(rule) = &check.increasing {
        rows::order(columns, rule, true)
    } else if let Some(rule) = &check.decreasing {
        rows::order(columns, rule, false)
    } else if let Some(rule) = &check.z_score {
        rows::z_score(columns, rule)
    } else {
        return of_texts(check, columns, elsewhere);
    })
}

fn of_texts(
    check: &Check,
    columns: Columns<'_>,
    elsewhere: &Elsewhere,
) -> Option<Result<rows::RowCheck, String>> {
    let subject = |column: &str| columns.text(column);
    let good = if let Some(rule) = &check.format {
        (
            &rule.column,
            subject(&rule.column).and_then(|s| text::format(s, rule)),
        )
    } else if let Some(rule) = &check.json_schema {
        (
            &rule.column,
            subject(&rule.column).and_then(|s| text::json_schema(s, rule)),
        )
    } else if let Some(rule) = &check.references {
        let found = columns
            .get(&rule.column)
            .map(|(column, _)| match &elsewhere.values {
                None => lit(false),
                Some(values) => super::literal::one_of(column.cast(DataType::String), texts(values)),
            });
        (&rule.column, found)
    } else {
        let text = check.expression.as_ref()?;
        return Some(condition::condition(text, columns).map(|good| rows::RowCheck {
            looked_at: None,
            bad: rows::Bad::Alone(good.fill_null(lit(false)).not()),
        }));
    };
    Some(good.1.and_then(|g| rows::valued(columns, good.0, g)))
}

/// The texts of a column of them.
fn texts(values: &Series) -> std::collections::HashSet<String> {
    let texts = values
        .str()
        .map(|texts| texts.iter().flatten().map(str::to_owned).collect());
    texts.unwrap_or_default()
}
