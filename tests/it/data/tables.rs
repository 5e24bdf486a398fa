//! Tables that are good, bad, missing and odd, through the actions.

use serde_json::{Value as Json, json};
use specrun::action::Class;
use specrun::tools::Grants;

use crate::support::actions::{Stage, only};

const SALES: &str = "id,day,amount,country,email\n\
    1,2026-01-01,10.5,DE,a@example.org\n\
    2,2026-01-02,-2,FR,b@example.org\n\
    3,2026-01-03,,DE,c@example.org\n\
    4,2026-01-04,7,XX,nobody\n";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.file("project/specs/sales.csv", SALES);
    stage
}

#[tokio::test]
async fn every_check_is_told_with_its_counts_and_failing_rows() {
    let stage = stage();
    let params = json!({
        "table": {"path": "sales.csv"},
        "key": ["id", "email"],
        "hide": ["email"],
        "checks": [
            {"not_null": {"column": "id"}},
            {"between": {"column": "amount", "min": 0}},
            {"format": {"column": "email", "as": "email"}, "severity": "warning", "name": "addresses"},
            {"in_set": {"column": "country", "values": ["DE", "FR"]}, "where": "amount > 100"},
        ],
    });
    let got = stage.run("data.check", params, Grants::open()).await.unwrap();
    assert_eq!(got["rows"], 4);
    assert_eq!(
        [
            &got["passed"],
            &got["failed"],
            &got["warned"],
            &got["inconclusive"]
        ],
        [&json!(1), &json!(1), &json!(1), &json!(1)]
    );
    let check = |i: usize| &got["checks"][i];
    assert_eq!(check(0)["outcome"], "passed");
    assert_eq!(check(1)["outcome"], "failed");
    assert_eq!(
        (&check(1)["rows"], &check(1)["evaluated"], &check(1)["failing"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(check(2)["text"], "addresses");
    assert_eq!(check(2)["severity"], "warning");
    assert_eq!(check(3)["outcome"], "inconclusive");
    let kept = std::fs::read_to_string(check(2)["failing_rows"].as_str().unwrap()).unwrap();
    let row: Json = serde_json::from_str(kept.trim()).unwrap();
    assert_eq!(row, json!({"row": 3, "id": 4, "email": "(hidden)"}));
    assert!(!kept.contains("nobody"), "{kept}");
}

#[tokio::test]
async fn limits_warn_before_they_fail() {
    let stage = stage();
    let run = async |check: Json| {
        let params = json!({"table": {"path": "sales.csv"}, "checks": [check]});
        let got = stage.run("data.check", params, Grants::open()).await.unwrap();
        let one = &got["checks"][0];
        let word = |key: &str| one[key].as_str().unwrap().to_owned();
        (word("outcome"), word("severity"), word("message"))
    };
    // One of three amounts is below zero.
    let between = |limits: Json| {
        let mut check = json!({"between": {"column": "amount", "min": 0}});
        check
            .as_object_mut()
            .unwrap()
            .extend(limits.as_object().unwrap().clone());
        check
    };
    for (limits, outcome, severity) in [
        (json!({"fail_if": "share > 40%"}), "passed", "critical"),
        (json!({"fail_if": "share > 30%"}), "failed", "critical"),
        (json!({"fail_if": "share_of_rows > 30%"}), "passed", "critical"),
        (
            json!({"fail_if": "failing > 1", "warn_if": "failing > 0"}),
            "failed",
            "warning",
        ),
        (
            json!({"max_failing": 1, "warn_if": "failing > 0"}),
            "failed",
            "warning",
        ),
        (
            json!({"max_failing": 1, "warn_if": "failing > 0", "severity": "info"}),
            "failed",
            "info",
        ),
        (
            json!({"max_failing": 0, "warn_if": "failing > 0"}),
            "failed",
            "critical",
        ),
        (
            json!({"max_failing": 1, "warn_if": "evaluated < 3"}),
            "passed",
            "critical",
        ),
    ] {
        let got = run(between(limits.clone())).await;
        assert_eq!(
            (got.0.as_str(), got.1.as_str()),
            (outcome, severity),
            "{limits}: {got:?}"
        );
    }
    let mean =
        run(json!({"mean": {"column": "amount"}, "fail_if": "value > 100", "warn_if": "value > 5"})).await;
    assert_eq!((mean.0.as_str(), mean.1.as_str()), ("failed", "warning"));
    assert!(mean.2.contains("warns if: value > 5"), "{}", mean.2);
    let nulls =
        run(json!({"null_fraction": {"column": "amount", "max": 0.3}, "warn_if": "value > 20%"})).await;
    assert_eq!((nulls.0.as_str(), nulls.1.as_str()), ("failed", "warning"));
    // Nothing was looked at: no limit makes that a pass.
    let nothing = between(json!({"where": "amount > 1000", "fail_if": "failing > 5"}));
    assert_eq!(run(nothing).await.0, "inconclusive");
}

#[tokio::test]
async fn checks_reach_the_engine_as_checks() {
    let stage = stage();
    let cx = stage.context(Grants::open());
    let params = json!({"table": {"path": "sales.csv"}, "checks": [{"not_null": {"column": "amount"}}]});
    let action = specrun::actions::REGISTRY.get("data.check").unwrap();
    action.run(params, &cx).await.unwrap();
    let all = cx.checks.take();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].id, "checks[0]");
    assert_eq!(all[0].text, "not_null amount");
    assert_eq!(all[0].outcome.verdict, specrun::check::Verdict::Failed);
    assert_eq!(all[0].outcome.statistics["failing"], 1);
}

#[tokio::test]
async fn globs_read_all_files_and_references_look_elsewhere() {
    let stage = stage();
    stage.file("project/specs/parts/a.csv", "id,c\n1,DE\n2,FR\n");
    stage.file("project/specs/parts/b.csv", "id,c\n3,IT\n");
    stage.file("project/specs/countries.csv", "code\nDE\nFR\n");
    let params = json!({"table": {"path": "parts/*.csv"}, "checks": [
        {"row_count": {"equals": 3}},
        {"references": {"column": "c", "table": {"path": "countries.csv"}, "to": "code"}},
        {"row_count_matches": {"table": {"path": "sales.csv"}}},
    ]});
    let got = stage.run("data.check", params, Grants::open()).await.unwrap();
    let outcomes: Vec<&Json> = got["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["outcome"])
        .collect();
    assert_eq!(outcomes, ["passed", "failed", "failed"]);
    assert_eq!(got["checks"][1]["failing"], 1);
}

#[tokio::test]
async fn a_contract_holds_names_types_nulls_keys_and_counts() {
    let stage = stage();
    let contract = |amount: Json| {
        json!({
            "table": {"path": "sales.csv", "parse_dates": true},
            "key": ["id"],
            "row_count": {"equals": 4},
            "order": ["id", "day", "amount", "country", "email"],
            "columns": {
                "id": {"type": "int"},
                "day": {"type": "date"},
                "amount": amount,
                "country": {"type": "text"},
                "email": {"type": "text", "unique": true},
            },
        })
    };
    let good = contract(json!({"type": "float", "nullable": true}));
    let got = stage.run("data.contract", good, Grants::open()).await.unwrap();
    assert_eq!(
        (&got["failed"], &got["inconclusive"]),
        (&json!(0), &json!(0)),
        "{got}"
    );
    let strict = contract(json!({"type": "int"}));
    let got = stage.run("data.contract", strict, Grants::open()).await.unwrap();
    let failed: Vec<&str> = got["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["outcome"] == "failed")
        .filter_map(|c| c["id"].as_str())
        .collect();
    assert_eq!(failed, ["schema", "not_null[amount]"]);
    // A column that was renamed is told once; what hangs on it says nothing.
    stage.file("project/specs/sales.csv", SALES.replace("id,day", "number,day"));
    let renamed = contract(json!({"type": "float", "nullable": true}));
    let got = stage.run("data.contract", renamed, Grants::open()).await.unwrap();
    let of = |outcome: &str| {
        let all = got["checks"].as_array().unwrap().iter();
        let some = all.filter(|c| c["outcome"] == outcome);
        some.map(|c| c["id"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("failed"), ["schema"]);
    assert_eq!(of("inconclusive"), ["not_null[id]", "key"]);
}

/// A Parquet file whose statistics decide, one with the same rows without them, and the CSV: the same answers.
#[tokio::test]
async fn what_the_statistics_of_a_file_prove_is_what_a_scan_finds() {
    use polars::prelude::{ParquetWriter, StatisticsOptions, df};
    let stage = Stage::new();
    let mut frame = df!(
        "id" => [Some(1_i64), Some(2), None, Some(4), Some(4)],
        "small" => [7_i32, -3, 12, 0, 5],
        "huge" => [u64::MAX, 0, 1, 2, 3],
        "share" => [0.5, f64::NAN, 1.0, 0.0, 0.25],
        "none" => [None::<i64>; 5],
        "name" => ["a", "b", "c", "d", "e"],
    )
    .unwrap();
    let write = |name: &str, statistics: StatisticsOptions, frame: &mut polars::prelude::DataFrame| {
        let file = std::fs::File::create(stage.path("project/specs").join(name)).unwrap();
        ParquetWriter::new(file)
            .with_statistics(statistics)
            .with_row_group_size(Some(2))
            .finish(frame)
            .unwrap();
    };
    write("with.parquet", StatisticsOptions::full(), &mut frame);
    write("without.parquet", StatisticsOptions::empty(), &mut frame);
    let mut none = frame.head(Some(0));
    write("nothing.parquet", StatisticsOptions::full(), &mut none);
    write("nothing-without.parquet", StatisticsOptions::empty(), &mut none);
    let checks = json!([
        {"row_count": {"min": 5}},
        {"not_null": {"column": "id"}},
        {"not_null": {"column": "small"}},
        {"is_null": {"column": "none"}},
        {"is_null": {"column": "id"}},
        {"between": {"column": "id", "min": 1, "max": 4}},
        {"between": {"column": "id", "min": 1, "strict_min": true}},
        {"between": {"column": "small", "min": -3.5, "max": 12}},
        {"between": {"column": "small", "min": -2}},
        {"between": {"column": "huge", "min": 0}},
        {"between": {"column": "share", "min": 0, "max": 1}},
        {"between": {"column": "none", "min": 0}},
        {"between": {"column": "small", "min": -3}, "where": "id > 1"},
        {"null_fraction": {"column": "id", "max": 0.1}},
        {"min": {"column": "small", "min": -3}},
        {"max": {"column": "small", "max": 11}},
        {"max": {"column": "none", "max": 11}},
        {"unique": {"columns": ["id"]}},
        {"unique": {"columns": ["small"]}},
        {"unique": {"columns": ["id"]}, "where": "small > 1"},
        {"unique": {"columns": ["none"]}},
        {"unique": {"columns": ["huge"]}},
        {"unique": {"columns": ["id"], "ignore_row_if": "never"}},
    ]);
    // The number of rows stands in every file.
    for (fast, slow, proofs) in [
        ("with.parquet", "without.parquet", (10, 1)),
        ("nothing.parquet", "nothing-without.parquet", (1, 1)),
    ] {
        let run = async |path: &str| {
            let params = json!({"table": {"path": path}, "checks": checks, "keep_failing": 0});
            stage.run("data.check", params, Grants::open()).await.unwrap()
        };
        let (mut fast, mut slow) = (run(fast).await, run(slow).await);
        let proved = |got: &mut Json| {
            let checks = got["checks"].as_array_mut().unwrap();
            let proofs = checks
                .iter_mut()
                .map(|c| c.as_object_mut().unwrap().remove("proved_by"));
            proofs.filter(|p| *p == Some(json!("statistics"))).count()
        };
        assert_eq!((proved(&mut fast), proved(&mut slow)), proofs);
        let all = |got: &Json| got["checks"].as_array().unwrap().clone();
        for (fast, slow) in all(&fast).iter().zip(&all(&slow)) {
            assert_eq!(fast, slow);
        }
        assert_eq!(fast, slow);
    }
    let params = json!({"table": {"path": "with.parquet"}, "checks": checks, "keep_failing": 0});
    let got = stage.run("data.check", params, Grants::open()).await.unwrap();
    let outcomes: Vec<&str> = got["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["outcome"].as_str().unwrap())
        .collect();
    let (p, f, i) = ("passed", "failed", "inconclusive");
    assert_eq!(
        outcomes,
        [
            p, f, p, p, f, p, f, p, f, p, f, i, p, f, p, f, i, f, p, p, i, p, f
        ]
    );
    assert_eq!(got["checks"][17]["failing"], 2);
}

/// A Parquet file whose dictionaries decide, one with the same rows without them, and the same answers.
#[tokio::test]
async fn what_the_dictionaries_of_a_file_prove_is_what_a_scan_finds() {
    use polars::prelude::{ParquetWriter, StatisticsOptions, df};
    let stage = Stage::new();
    let rows = 4000_i64;
    // One row in ten is null; the last one may have a value of its own.
    let of = |all: [&'static str; 3], last: &'static str| {
        let value = move |i: i64| if i == rows - 1 { last } else { all[i as usize % 3] };
        (0..rows)
            .map(move |i| (i % 10 > 0).then(|| value(i)))
            .collect::<Vec<_>>()
    };
    let frame = |last: &'static str| {
        df!(
            "id" => (0..rows).collect::<Vec<_>>(),
            "country" => of(["DE", "FR", "IT"], last),
            "address" => of(["a@example.org", "b@example.org", "c@example.org"], "d@example.org"),
            "mixed" => of(["DE", "none of them", "DE"], "DE"),
            "json" => of(["{}", "[1]", "[2]"], "{}"),
        )
        .unwrap()
    };
    let write = |name: &str, statistics: StatisticsOptions, frame: &mut polars::prelude::DataFrame| {
        let file = std::fs::File::create(stage.path("project/specs").join(name)).unwrap();
        ParquetWriter::new(file)
            .with_statistics(statistics)
            .with_row_group_size(Some(1000))
            .finish(frame)
            .unwrap();
    };
    // Without a number of nulls the dictionaries do not tell how many rows there are to look at.
    for (name, mut frame) in [
        ("with", frame("DE")),
        ("late", frame("XX")),
        ("nothing", frame("DE").head(Some(0))),
    ] {
        write(&format!("{name}.parquet"), StatisticsOptions::full(), &mut frame);
        write(
            &format!("{name}-plain.parquet"),
            StatisticsOptions::empty(),
            &mut frame,
        );
    }
    let schema = json!({"type": "object"});
    let checks = json!([
        {"in_set": {"column": "country", "values": ["DE", "FR", "IT"]}},
        {"not_in_set": {"column": "country", "values": ["XX"]}},
        {"matches": {"column": "address", "pattern": "@example[.]org$"}},
        {"not_matches": {"column": "address", "pattern": "^x"}},
        {"like": {"column": "address", "pattern": "%@%"}},
        {"not_like": {"column": "address", "pattern": "x%"}},
        {"length": {"column": "country", "min": 2, "max": 2}},
        {"between": {"column": "country", "min": "A", "max": "Z"}},
        {"format": {"column": "address", "as": "email"}},
        {"format": {"column": "json", "as": "json"}},
        {"in_set": {"column": "mixed", "values": ["DE"]}},
        {"in_set": {"column": "mixed", "values": ["DE"]}, "max_failing": "60%"},
        {"json_schema": {"column": "json", "schema": schema}},
        {"in_set": {"column": "country", "values": ["DE"]}, "where": "id > 10"},
        {"matches": {"column": "id", "pattern": "^[0-9]+$"}},
    ]);
    let run = async |path: &str| {
        let params = json!({"table": {"path": path}, "checks": checks, "keep_failing": 0});
        let mut got = stage.run("data.check", params, Grants::open()).await.unwrap();
        let all = got["checks"].as_array_mut().unwrap();
        let proofs: Vec<_> = all
            .iter_mut()
            .map(|c| c.as_object_mut().unwrap().remove("proved_by"))
            .collect();
        (got, proofs)
    };
    for (name, proved) in [("with", 11), ("late", 9), ("nothing", 0)] {
        let (fast, proofs) = run(&format!("{name}.parquet")).await;
        let (slow, unproved) = run(&format!("{name}-plain.parquet")).await;
        assert_eq!(fast, slow, "{name}");
        assert!(unproved.iter().all(Option::is_none), "{name}: {unproved:?}");
        let by_dictionary = proofs.iter().filter(|p| **p == Some(json!("dictionary"))).count();
        assert_eq!(by_dictionary, proved, "{name}: {proofs:?}");
    }
    let (got, _) = run("late.parquet").await;
    let failing: Vec<&Json> = got["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["failing"])
        .collect();
    assert_eq!(
        (failing[0], failing[1], failing[2]),
        (&json!(1), &json!(1), &json!(0))
    );
}

#[tokio::test]
async fn a_profile_describes_each_column() {
    let stage = stage();
    let params = json!({"table": {"path": "sales.csv"}, "hide": ["id"]});
    let got = stage.run("data.profile", params, Grants::open()).await.unwrap();
    assert_eq!(got["rows"], 4);
    let amount = &got["columns"][2];
    assert_eq!(
        (&amount["name"], &amount["nulls"], &amount["distinct"]),
        (&json!("amount"), &json!(1), &json!(3))
    );
    assert_eq!((&amount["min"], &amount["max"]), (&json!(-2.0), &json!(10.5)));
    assert_eq!(got["columns"][0].get("mean"), None);
    let written = std::fs::read_to_string(got["file"].as_str().unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Json>(&written).unwrap()["rows"], 4);
}

#[tokio::test]
async fn what_cannot_be_read_or_checked_is_a_classed_failure() {
    let stage = stage();
    stage.file("project/specs/empty.csv", "");
    stage.file("project/specs/header.csv", "id,amount\n");
    stage.file("outside/secret.csv", "a\n1\n");
    stage.file(
        "project/specs/suite.json",
        r#"{"expectations": [{"type": "expect_column_values_to_sing", "kwargs": {"column": "id"}}]}"#,
    );
    stage.file("project/specs/odd.json", "[]");
    let one = json!([{"not_null": {"column": "id"}}]);
    let cases = [
        (
            json!({"table": {"path": "none.csv"}, "checks": one}),
            Class::Missing,
            "none.csv",
        ),
        (
            json!({"table": {"path": "*.parquet"}, "checks": one}),
            Class::Missing,
            "*.parquet",
        ),
        (
            json!({"table": {"path": "empty.csv"}, "checks": one}),
            Class::UnreadableAnswer,
            "empty",
        ),
        (
            json!({"table": {"path": "../../outside/secret.csv"}, "checks": one}),
            Class::NotGranted,
            "secret.csv",
        ),
        (
            json!({"table": {"path": "sales.csv"}, "checks": [{"not_null": {"column": "idd"}}]}),
            Class::BadParameter,
            "did you mean `id`?",
        ),
        (
            json!({"table": {"path": "sales.csv"}, "checks": [{"not_null": {"column": "id"}}], "hide": ["nope"]}),
            Class::BadParameter,
            "nope",
        ),
        (
            json!({"table": {"path": "sales.csv"}, "expect_suite": "suite.json"}),
            Class::BadParameter,
            "expect_column_values_to_sing",
        ),
        (
            json!({"table": {"path": "sales.csv"}, "expect_suite": "odd.json"}),
            Class::UnreadableAnswer,
            "no list",
        ),
    ];
    for (params, class, words) in cases {
        let grants = only(&[("read", stage.path("project").display().to_string())]);
        let failure = stage
            .run_unchecked("data.check", params.clone(), grants)
            .await
            .unwrap_err();
        let text = format!("{} {:?} {:?}", failure.message, failure.details, failure.help);
        assert_eq!(failure.class, class, "{params}: {text}");
        assert!(text.contains(words), "{params}: {text}");
    }
    let header = json!({"table": {"path": "header.csv"}, "checks": one});
    let got = stage.run("data.check", header, Grants::open()).await.unwrap();
    assert_eq!(got["checks"][0]["outcome"], "inconclusive");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named() {
    let mut stage = stage();
    let params = json!({"table": {"path": "s3://lab/orders.csv"}, "checks": [{"row_count": {"min": 1}}]});
    let failure = stage
        .run("data.check", params.clone(), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Missing, "{failure}");
    assert!(failure.message.contains("no endpoint `s3`"), "{failure}");
    // A port that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    stage.endpoint("s3", format!("http://127.0.0.1:{port}"));
    let failure = stage
        .run("data.check", params.clone(), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable, "{failure}");
    let failure = stage.run("data.check", params, only(&[])).await.unwrap_err();
    assert_eq!(failure.class, Class::NotGranted, "{failure}");
    for wrong in ["s3://lab", "s3:///orders.csv"] {
        let params = json!({"table": {"path": wrong}, "checks": [{"row_count": {"min": 1}}]});
        let failure = stage.run("data.check", params, Grants::open()).await.unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{wrong}: {failure}");
    }
}

/// Stores that refuse, in their own words (moto 5.2.5 with its users switched on): the table is named, and why.
#[tokio::test]
async fn credentials_that_a_store_refuses_are_a_named_failure_of_every_action() {
    let told = [
        (
            "InvalidAccessKeyId",
            Class::Unauthorized,
            "does not exist in our records",
        ),
        (
            "SignatureDoesNotMatch",
            Class::Unauthorized,
            "does not match the signature",
        ),
        ("AccessDenied", Class::Forbidden, "Access Denied"),
    ];
    for (code, class, words) in told {
        let recorded = format!(
            "{}/tests/recorded/moto-5.2/{code}.xml",
            env!("CARGO_MANIFEST_DIR")
        );
        let store = refusing(std::fs::read(recorded).unwrap()).await;
        let mut stage = stage();
        stage.endpoint("s3", store);
        let one = || json!({"path": "s3://lab/orders.csv"});
        for (action, params) in [
            (
                "data.check",
                json!({"table": one(), "checks": [{"row_count": {"min": 0}}]}),
            ),
            (
                "data.check",
                json!({"table": {"path": "s3://lab/*.csv"}, "checks": [{"row_count": {"min": 0}}]}),
            ),
            (
                "data.check",
                json!({"table": {"path": "sales.csv"}, "checks": [{"row_count_matches": {"table": one()}}]}),
            ),
            (
                "data.contract",
                json!({"table": one(), "columns": {"id": {"type": "int"}}}),
            ),
            ("data.profile", json!({"table": one()})),
            (
                "data.inject",
                json!({"table": one(), "column": "id", "kind": "missing", "magnitude": 0.5}),
            ),
            (
                "drift.detect",
                json!({"reference": {"path": "sales.csv"}, "current": one()}),
            ),
        ] {
            let failure = stage
                .run(action, params.clone(), Grants::open())
                .await
                .unwrap_err();
            let text = failure.to_string();
            assert_eq!(failure.class, class, "{params}: {text}");
            assert_eq!(failure.reason.as_deref(), Some(code), "{params}: {text}");
            assert!(
                text.contains(words) && text.contains("s3://lab/"),
                "{params}: {text}"
            );
        }
    }
}

/// A store that answers everything with 403 and this body, to HEAD without it; its address.
async fn refusing(body: Vec<u8>) -> String {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let mut answer = format!(
                "HTTP/1.1 403 FORBIDDEN\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            )
            .into_bytes();
            if !head.starts_with("HEAD") {
                answer.extend(&body);
            }
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[test]
fn a_check_has_exactly_one_rule() {
    let action = specrun::actions::REGISTRY.get("data.check").unwrap();
    let schema = specrun::action::ParamSchema::of(action);
    let problems = |params: &Json| {
        let mut all = schema.problems(params);
        all.extend(action.validate(params));
        all.into_iter().map(|p| p.message).collect::<Vec<_>>()
    };
    let table = json!({"path": "t.csv"});
    let good = json!({"table": table, "checks": [{"not_null": {"column": "a"}, "max_failing": "1%"}]});
    assert_eq!(problems(&good), Vec::<String>::new());
    for (checks, words) in [
        (json!([{"severity": "warning"}]), "no rule"),
        (
            json!([{"not_null": {"column": "a"}, "is_null": {"column": "a"}}]),
            "2 rules",
        ),
        (
            json!([{"not_nul": {"column": "a"}}]),
            "unknown parameter `not_nul`",
        ),
        (json!([{"not_null": {"colum": "a"}}]), "unknown parameter `colum`"),
        (json!([]), "nothing is checked"),
        (
            json!([{"not_null": {"column": "a"}, "fail_if": "failures > 3"}]),
            "failures",
        ),
        (
            json!([{"not_null": {"column": "a"}, "fail_if": "share > 3"}]),
            "fail_if: share > 3",
        ),
        (
            json!([{"schema": {"columns": {"a": "int"}}, "warn_if": "value > 3"}]),
            "measures nothing",
        ),
        (
            json!([{"mean": {"column": "a"}, "warn_if": "value >"}]),
            "warn_if: value >",
        ),
    ] {
        let found = problems(&json!({"table": table, "checks": checks}));
        assert!(found.iter().any(|m| m.contains(words)), "{checks}: {found:?}");
    }
}
