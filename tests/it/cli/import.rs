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

/// A contract in the form of Soda 4, with what each of its checks must become.
const CONTRACT: &str = r#"
dataset: warehouse/main/orders
columns:
  - name: id
    data_type: integer
    checks:
      - missing:
      - duplicate:
  - name: amount
    data_type: double
    checks:
      - invalid:
          name: amounts are sane
          valid_min: 0
          filter: country = 'DE'
          threshold: {metric: percent, must_be_less_than: 5}
      - aggregate:
          function: avg
          threshold:
            must_be_between: {greater_than: 1, less_than_or_equal: 100}
            additional: {must_be_less_than: 50, level: warn}
  - name: country
    missing_values: ["?"]
    checks:
      - missing:
          threshold: {must_be_less_than_or_equal: 1}
      - invalid:
          valid_reference_data: {dataset: countries, column: code}
      - duplicate:
          threshold: {must_be_less_than: 9}
checks:
  - schema:
  - row_count:
  - failed_rows:
      expression: amount > 1000 and country = 'FR'
"#;

const ORDERS: &str = "id,amount,country\n1,7.5,DE\n2,8,FR\n3,9,?\n";

#[test]
fn a_contract_of_soda_becomes_a_spec_that_runs() {
    let project = Project::new();
    project.file("orders.yml", CONTRACT);
    project.file("orders.csv", ORDERS);
    project.file("countries.csv", "code\nDE\nFR\n");
    let printed = project
        .run(&[
            "import",
            "soda",
            "orders.yml",
            "--table",
            "orders.csv",
            "--table",
            "countries=countries.csv",
        ])
        .code(0);
    for words in [
        "fail_if: share_of_rows >= 5%",
        "name: amounts are sane",
        "fail_if: value <= 1 or value > 100",
        "warn_if: value >= 50",
        "fail_if: failing > 1",
        "fail_if: evaluated - value >= 9",
        "path: countries.csv",
    ] {
        assert!(printed.stdout.contains(words), "{words}: {}", printed.stdout);
    }
    project.file("orders.yaml", &printed.stdout);
    let checked = project.run(&["run", "orders.yaml"]).code(0);
    assert!(
        checked.stdout.contains("12 of 12 checks passed"),
        "{}",
        checked.stdout
    );
    for (row, words) in [
        ("3,9,DE", "unique columns"),
        (",9,DE", "not_null id"),
        ("4,-1,DE", "amounts are sane"),
        ("4,400,DE", "mean amount"),
        ("4,9,?", "expression"),
        ("4,9,XX", "references country"),
        ("4,1001,FR", "mean amount"),
    ] {
        project.file("orders.csv", &format!("{ORDERS}{row}\n"));
        let failed = project.run(&["run", "orders.yaml"]).code(1);
        assert!(failed.stdout.contains(words), "{row}: {}", failed.stdout);
    }
    project.file("orders.csv", &ORDERS.replace("id,amount", "number,amount"));
    project.run(&["run", "orders.yaml"]).code(5);
}

#[test]
fn what_a_spec_cannot_say_of_a_contract_is_listed_with_its_place() {
    let project = Project::new();
    let odd = CONTRACT
        .replace("valid_min: 0", "valid_mim: 0")
        .replace("function: avg", "function: percentile")
        .replace(
            "  - row_count:\n",
            "  - metric:\n      query: select 1\n  - row_count:\n",
        )
        .replace("country = 'DE'", "lower(country) = 'de'");
    project.file("odd.yml", &odd);
    let refused = project
        .run(&["import", "soda", "odd.yml", "--table", "orders.csv"])
        .code(3);
    assert_eq!(refused.stdout, "");
    for words in [
        "the key `valid_mim` of `invalid` is not understood; did you mean `valid_min`?",
        "the function `percentile` is not understood",
        "the check `metric` of a table is not understood",
        "it calls `lower`",
        "give `--table countries=PATH`",
        "odd.yml:14:11",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    for (text, words) in [
        ("dataset: a\ncolumns:\n  - name: x\n", "has no checks"),
        ("checks for orders:\n  - row_count > 0\n", "a contract of Soda 4"),
        ("dataset: a\ndataset: b\n", "dataset"),
        ("- a\n", "a contract is a mapping"),
    ] {
        project.file("odd.yml", text);
        let refused = project
            .run(&["import", "soda", "odd.yml", "--table", "t.csv"])
            .code(3);
        assert!(refused.stderr.contains(words), "{text}: {}", refused.stderr);
    }
}

const MODELS: &str = r#"
version: 2
models:
  - name: orders
    description: All orders
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: country
        tests:
          - accepted_values: {values: [DE, FR], config: {severity: warn, where: "amount > 0"}}
          - relationships:
              arguments: {to: ref('countries'), field: code}
              config: {error_if: ">1", warn_if: ">0"}
          - not_null: {enabled: false}
  - name: countries
    columns:
      - name: code
        tests: [unique]
"#;

#[test]
fn the_tests_of_dbt_become_a_spec_that_runs() {
    let project = Project::new();
    project.file("schema.yml", MODELS);
    project.file("orders.csv", "id,amount,country\n1,7,DE\n2,8,FR\n");
    project.file("countries.csv", "code\nDE\nFR\n");
    let tables = [
        "--table",
        "orders=orders.csv",
        "--table",
        "countries=countries.csv",
    ];
    let printed = project
        .run(&[&["import", "dbt", "schema.yml"][..], &tables].concat())
        .code(0);
    assert!(printed.stderr.contains("it is disabled"), "{}", printed.stderr);
    for words in [
        "fail_if: failing > 1",
        "warn_if: failing > 0",
        "severity: warning",
        "id: countries",
    ] {
        assert!(printed.stdout.contains(words), "{words}: {}", printed.stdout);
    }
    project.file("models.yaml", &printed.stdout);
    project.run(&["run", "models.yaml"]).code(0);
    // One country too many: the set only warns, and one orphan is allowed.
    project.file("orders.csv", "id,amount,country\n1,7,DE\n2,8,XX\n");
    let warned = project.run(&["run", "models.yaml"]).code(0);
    assert!(
        warned.stdout.contains("warns if: failing > 0"),
        "{}",
        warned.stdout
    );
    project.file("orders.csv", "id,amount,country\n1,7,YY\n2,8,XX\n");
    project.run(&["run", "models.yaml"]).code(1);
    project.file("orders.csv", "id,amount,country\n1,7,DE\n1,8,FR\n");
    project.run(&["run", "models.yaml"]).code(1);
}

#[test]
fn what_a_spec_cannot_say_of_dbt_is_listed_with_its_place() {
    let project = Project::new();
    let odd = MODELS
        .replace("[unique, not_null]", "[unique, dbt_utils.not_empty_string]")
        .replace("values: [DE, FR]", "value: [DE, FR]")
        .replace("tests: [unique]", "test: [unique]")
        .replace("error_if: \">1\"", "error_if: \"between 1 and 2\"")
        .replace("severity: warn", "severity: loud");
    project.file("odd.yml", &odd);
    let refused = project
        .run(&["import", "dbt", "odd.yml", "--table", "orders=orders.csv"])
        .code(3);
    assert_eq!(refused.stdout, "");
    for words in [
        "odd.yml:8:30: the test `dbt_utils.not_empty_string` is not understood",
        "the key `value` of the test `accepted_values` is not understood; did you mean `values`?",
        "the key `test` of a column is not understood",
        "`error_if: between 1 and 2` is not understood",
        "the severity `loud` is not known",
        "give `--table countries=PATH`",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let counted = "models: [{name: m, columns: [{name: a, tests: [{unique: {config: {warn_if: '>3'}}}]}]}]\n";
    project.file("odd.yml", counted);
    let refused = project
        .run(&["import", "dbt", "odd.yml", "--table", "m.csv"])
        .code(3);
    assert!(
        refused.stderr.contains("count values here, not rows"),
        "{}",
        refused.stderr
    );
    project.file("odd.yml", "models: [{name: m, columns: [{name: a}]}]\n");
    let refused = project
        .run(&["import", "dbt", "odd.yml", "--table", "m.csv"])
        .code(3);
    assert!(
        refused.stderr.contains("no model has a test"),
        "{}",
        refused.stderr
    );
}
