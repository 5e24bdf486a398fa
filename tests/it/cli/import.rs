//! Suites of other tools become specs that are right, or nothing does.

use crate::support::specrun::Project;

const SUITE: &str = r#"{"expectation_suite_name": "orders", "expectations": [
    {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}},
    {"expectation_type": "expect_column_values_to_be_between",
     "kwargs": {"column": "amount", "min_value": 0, "mostly": 0.5, "strict_min": false}},
    {"expectation_type": "expect_column_quantile_values_to_be_between", "kwargs": {"column": "amount",
     "quantile_ranges": {"quantiles": [0.5, 1.0], "value_ranges": [[-5, 9], [null, 8]]}}}
]}"#;

#[test]
fn a_suite_becomes_a_spec_that_runs() {
    let project = Project::new();
    project.file("orders.json", SUITE);
    project.file("orders.csv", "id,amount\n1,7\n2,-1\n");
    let printed = project
        .run(&["import", "gx", "orders.json", "--table", "orders.csv"])
        .code(0);
    assert!(printed.stdout.contains("max_failing: 50%"), "{}", printed.stdout);
    assert!(!printed.stdout.contains("strict_min"), "{}", printed.stdout);
    project.file("orders.yaml", &printed.stdout);
    let checked = project.run(&["run", "orders.yaml"]).code(0);
    assert!(
        checked.stdout.contains("6 of 6 checks passed"),
        "{}",
        checked.stdout
    );
    project.file("orders.csv", "id,amount\n1,7\n,-1\n");
    project.run(&["run", "orders.yaml"]).code(1);
}

#[test]
fn what_cannot_be_said_is_listed_and_nothing_is_printed() {
    let project = Project::new();
    let suite = SUITE
        .replace("to_not_be_null", "to_sing")
        .replace("strict_min", "loudness");
    project.file("odd.json", &suite);
    let refused = project
        .run(&["import", "gx", "odd.json", "--table", "t.csv"])
        .code(3);
    assert_eq!(refused.stdout, "");
    for words in ["expect_column_values_to_sing", "`loudness`"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    project
        .run(&["import", "gx", "none.json", "--table", "t.csv"])
        .code(2);
}
