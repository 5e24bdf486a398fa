//! Files that are no good tables: each is a failure with a class, the path and the place, for every action that reads
//! tables. None is a pass.

use std::fmt::Write as _;

use std::io::Write as _;

use polars::prelude::{ParquetWriter, df};
use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::Grants;

use crate::support::actions::Stage;

/// A file, how it must fail, and words that must be said.
struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    class: Class,
    words: &'static [&'static str],
}

fn parquet(rows: usize) -> Vec<u8> {
    let numbers: Vec<i64> = (0..rows as i64).map(|i| i * 7919 % 1_000_003).collect();
    let texts: Vec<String> = numbers.iter().map(|n| format!("text {n}")).collect();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut df!("a" => numbers, "b" => texts).unwrap())
        .unwrap();
    bytes
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut out);
    archive
        .start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap();
    out.into_inner()
}

fn rows(count: usize, last: &str) -> Vec<u8> {
    let mut text = String::from("a,b\n");
    for i in 0..count {
        let _ = writeln!(text, "{i},some text to make it longer");
    }
    text.push_str(last);
    text.into_bytes()
}

fn all() -> Vec<Bad> {
    let whole = parquet(20_000);
    let cut = whole[..whole.len() / 2].to_vec();
    let mut holed = whole.clone();
    let (from, to) = (whole.len() / 4, whole.len() / 2);
    holed[from..to].fill(0xA5);
    let mut late = rows(200_000, "1,caf");
    late.extend(b"\xe9\n");
    let unreadable = |name, bytes, words| Bad {
        name,
        bytes,
        class: Class::UnreadableAnswer,
        words,
    };
    vec![
        unreadable("empty.csv", Vec::new(), &["empty"]),
        unreadable(
            "parquet.csv",
            whole.clone(),
            &["not csv", "it is parquet", "format: parquet"],
        ),
        unreadable("csv.parquet", b"a,b\n1,2\n".to_vec(), &["not Parquet"]),
        unreadable("cut.parquet", cut, &["cut off"]),
        unreadable("holed.parquet", holed, &[]),
        unreadable("zipped.csv", zip("a.csv", b"a,b\n1,2\n"), &["a zip archive"]),
        unreadable("semicolons.csv", b"a;b\n1;2\n".to_vec(), &["delimiter: ';'"]),
        unreadable(
            "twice.csv",
            b"a,b,a\n1,2,3\n".to_vec(),
            &["`a` stands twice (columns 1 and 3)"],
        ),
        unreadable(
            "latin.csv",
            b"a,b\n1,caf\xe9\n".to_vec(),
            &["not UTF-8", "line 2"],
        ),
        unreadable("latin-late.csv", late, &["line 200002 is not UTF-8"]),
        unreadable(
            "mixed.csv",
            rows(20_000, "many,x\n"),
            &["line 20002 holds `many` in column 1"],
        ),
        unreadable(
            "ragged.csv",
            rows(20_000, "1,2,3,4\n"),
            &["line 20002 has 4 fields, the first has 2"],
        ),
        unreadable(
            "no-object.ndjson",
            b"{\"a\": 1}\n[2]\n".to_vec(),
            &["line 2 is not a JSON object"],
        ),
        unreadable(
            "cut.ndjson",
            b"{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b".to_vec(),
            &["line 2 is not JSON"],
        ),
        Bad {
            name: "table.dat",
            bytes: b"a,b\n1,2\n".to_vec(),
            class: Class::BadParameter,
            words: &["says no format"],
        },
    ]
}

#[tokio::test]
async fn every_bad_file_is_a_named_failure_of_every_action() {
    let stage = Stage::new();
    let good = || json!({"path": "good.csv"});
    stage.file("project/specs/good.csv", rows(100, ""));
    let mut wrong = Vec::new();
    let missing = Bad {
        name: "none.csv",
        bytes: Vec::new(),
        class: Class::Missing,
        words: &["cannot be read"],
    };
    // A hole in a file shows where its rows are read, so each action is asked for something its statistics cannot prove.
    for bad in all().into_iter().chain([missing]) {
        if bad.class != Class::Missing {
            stage.file(&format!("project/specs/{}", bad.name), &bad.bytes);
        }
        let table = || json!({"path": bad.name});
        for (action, params) in [
            (
                "data.check",
                json!({"table": table(), "checks": [{"unique": {"columns": ["a"]}}, {"unique": {"columns": ["b"]}}]}),
            ),
            (
                "data.contract",
                json!({"table": table(), "more_columns": true, "columns": {"a": {"type": "any", "unique": true}, "b": {"type": "any", "unique": true}}}),
            ),
            ("data.profile", json!({"table": table()})),
            (
                "data.inject",
                json!({"table": table(), "column": "a", "kind": "missing", "magnitude": 0.5}),
            ),
            ("drift.detect", json!({"reference": table(), "current": good()})),
            ("drift.detect", json!({"reference": good(), "current": table()})),
            ("drift.false_positive_rate", json!({"reference": table()})),
            (
                "drift.power",
                json!({"reference": table(), "inject": {"column": "a", "kind": "missing"}, "magnitudes": [0.5]}),
            ),
        ] {
            let told = stage.run(action, params, Grants::open()).await;
            if let Some(why) = differs(&bad, &told) {
                wrong.push(format!("{action} {}: {why}", bad.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as it must be.
fn differs(bad: &Bad, told: &Result<Json, Failure>) -> Option<String> {
    let failure = match told {
        Ok(output) => return Some(format!("no failure: {output}")),
        Err(failure) => failure,
    };
    let text = format!("{} {:?} {:?}", failure.message, failure.details, failure.help);
    if failure.class != bad.class {
        return Some(format!("not {:?}: {failure:?}", bad.class));
    }
    if !text.contains(bad.name) {
        return Some(format!("the file is not named: {text}"));
    }
    let unsaid = bad.words.iter().find(|words| !text.contains(**words));
    unsaid.map(|words| format!("{words:?} is not said: {text}"))
}

#[tokio::test]
async fn a_table_of_ten_thousand_columns_is_checked() {
    let stage = Stage::new();
    let row = |of: &dyn Fn(usize) -> String| (0..10_000).map(of).collect::<Vec<_>>().join(",");
    let text = format!(
        "{}\n{}\n{}\n",
        row(&|i| format!("c{i}")),
        row(&|i| i.to_string()),
        row(&|_| String::new())
    );
    stage.file("project/specs/wide.csv", text);
    let params = json!({"table": {"path": "wide.csv"}, "keep_failing": 1, "key": ["c1"], "checks": [
        {"column_count": {"equals": 10_000}},
        {"not_null": {"column": "c9999"}},
        {"between": {"column": "c9999", "min": 9999, "max": 9999}},
    ]});
    let got = stage.run("data.check", params, Grants::open()).await.unwrap();
    let outcomes: Vec<&str> = got["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["passed", "failed", "passed"]);
}
