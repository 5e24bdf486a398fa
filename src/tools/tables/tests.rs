use std::fs;
use std::path::PathBuf;

use polars::prelude::{IntoLazy, ParquetWriter, SerWriter, df};

use super::*;

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Source {
    let path: PathBuf = dir.path().join(name);
    fs::write(&path, bytes).expect("written");
    Source {
        files: vec![path],
        header: true,
        ..Source::default()
    }
}

#[track_caller]
fn refused(source: &Source, class: Class, words: &str) {
    // A mistake may show when the rows are read, not before.
    let failure = match open(source) {
        Err(failure) => failure,
        Ok(opened) => match opened.frame.collect() {
            Err(e) => failure(&opened.name, &e),
            Ok(frame) => panic!("expected a failure about {words}, got {frame}"),
        },
    };
    let text = format!("{} {:?} {:?}", failure.message, failure.details, failure.help);
    assert_eq!(failure.class, class, "{text}");
    assert!(text.contains(words), "{text:?} does not speak of {words:?}");
    let name = source
        .files
        .first()
        .map(|p| p.file_name().expect("a name").to_string_lossy().into_owned());
    assert!(
        name.is_none_or(|n| text.contains(&n)),
        "{text:?} does not name the file"
    );
}

#[test]
fn each_format_gives_the_same_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut frame = df!("a" => [1_i64, 2, 3], "b" => ["x", "y", "z"]).expect("a frame");
    let parquet = dir.path().join("t.parquet");
    ParquetWriter::new(fs::File::create(&parquet).expect("a file"))
        .finish(&mut frame)
        .expect("written");
    let ipc = dir.path().join("t.arrow");
    polars::prelude::IpcWriter::new(fs::File::create(&ipc).expect("a file"))
        .finish(&mut frame)
        .expect("written");
    let sources = [
        file(&dir, "t.csv", b"a,b\n1,x\n2,y\n3,z\n"),
        file(&dir, "t.tsv", b"a\tb\n1\tx\n2\ty\n3\tz\n"),
        file(
            &dir,
            "t.ndjson",
            b"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"z\"}\n",
        ),
        Source {
            files: vec![parquet],
            ..Source::default()
        },
        Source {
            files: vec![ipc],
            ..Source::default()
        },
    ];
    for source in sources {
        let opened = open(&source).expect("opens");
        let got = opened.frame.collect().expect("reads");
        assert!(got.equals(&frame), "{}: {got}", opened.name);
    }
    let projected = Source {
        columns: vec!["b".into()],
        ..file(&dir, "t.csv", b"a,b\n1,x\n")
    };
    assert_eq!(
        open(&projected)
            .expect("opens")
            .frame
            .collect()
            .expect("reads")
            .width(),
        1
    );
    assert!(frame.lazy().collect().is_ok());
}

#[test]
fn files_of_parquet_follow_each_other_in_their_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, mut frame: polars::prelude::DataFrame| {
        let path = dir.path().join(name);
        ParquetWriter::new(fs::File::create(&path).expect("a file"))
            .finish(&mut frame)
            .expect("written");
        path
    };
    let part = |from: i64| df!("a" => [from, from + 1], "b" => ["x", "y"]).expect("a frame");
    let files: Vec<PathBuf> = (0..5)
        .map(|i| write(&format!("{i}.parquet"), part(i * 2)))
        .collect();
    let all = |files: &[PathBuf]| Source {
        files: files.to_vec(),
        ..Source::default()
    };
    let opened = open(&all(&files)).expect("opens");
    let rows = rows(&opened, None, &polars::prelude::lit(true), 100).expect("rows");
    let numbers: Vec<_> = rows
        .iter()
        .map(|r| (r["row"].as_u64(), r["a"].as_u64()))
        .collect();
    let wanted: Vec<_> = (0..10).map(|i| (Some(i), Some(i))).collect();
    assert_eq!(numbers, wanted);
    assert_eq!(opened.statistics().map(|s| s.rows), Some(10));
    // Another order of columns is no other schema; another type is.
    let turned = write(
        "turned.parquet",
        df!("b" => ["z"], "a" => [10_i64]).expect("a frame"),
    );
    let found = open(&all(&[files[0].clone(), turned]));
    let found = found.and_then(|opened| figures(&opened, &[polars::prelude::col("a").sum()]));
    assert_eq!(found.expect("read"), [serde_json::Value::from(11)]);
    let other = write("other.parquet", df!("a" => ["1"], "b" => ["z"]).expect("a frame"));
    refused(
        &all(&[files[0].clone(), other]),
        Class::UnreadableAnswer,
        "0.parquet",
    );
}

#[test]
fn what_is_not_a_table_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let missing = Source {
        files: vec![dir.path().join("none.csv")],
        ..Source::default()
    };
    refused(&missing, Class::Missing, "No such file");
    refused(&Source::default(), Class::Missing, "no file matches");
    refused(&file(&dir, "a.bin", b"a,b\n1,2\n"), Class::BadParameter, "ending");
    refused(&file(&dir, "empty.csv", b""), Class::UnreadableAnswer, "empty");
    refused(
        &file(&dir, "zip.csv", b"PK\x03\x04rest"),
        Class::UnreadableAnswer,
        "zip archive",
    );
    refused(
        &file(&dir, "really.csv", b"PAR1....PAR1"),
        Class::UnreadableAnswer,
        "it is parquet",
    );
    refused(
        &file(&dir, "cut.parquet", b"PAR1 and then nothing"),
        Class::UnreadableAnswer,
        "cut off",
    );
    refused(
        &file(&dir, "text.parquet", b"a,b\n1,2\n"),
        Class::UnreadableAnswer,
        "not Parquet",
    );
    refused(
        &file(&dir, "hollow.parquet", b"PAR1\0\0\0\0\0\0\0\0PAR1"),
        Class::UnreadableAnswer,
        "hollow",
    );
    refused(
        &file(&dir, "latin.csv", b"a,b\n1,caf\xe9\n"),
        Class::UnreadableAnswer,
        "line 2",
    );
    refused(
        &file(&dir, "twice.csv", b"a,b,a\n1,2,3\n"),
        Class::UnreadableAnswer,
        "stands twice (columns 1 and 3)",
    );
    refused(
        &file(&dir, "semi.csv", b"a;b\n1;2\n"),
        Class::UnreadableAnswer,
        "delimiter: ';'",
    );
    refused(
        &file(&dir, "list.ndjson", b"[1]\n"),
        Class::UnreadableAnswer,
        "not a JSON object",
    );
    refused(
        &file(&dir, "broken.ndjson", b"{\"a\": }\n"),
        Class::UnreadableAnswer,
        "line 1",
    );
    refused(
        &file(&dir, "ragged.csv", b"a,b\n1,2\n3,4,5\n"),
        Class::UnreadableAnswer,
        "ragged",
    );
    let column = Source {
        columns: vec!["amuont".into()],
        ..file(&dir, "c.csv", b"amount,b\n1,2\n")
    };
    refused(&column, Class::BadParameter, "amount");
}

#[test]
fn a_type_that_changes_below_the_first_rows_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = String::from("a\n");
    for _ in 0..20_000 {
        text.push_str("1\n");
    }
    text.push_str("not a number\n");
    refused(
        &file(&dir, "mixed.csv", text.as_bytes()),
        Class::UnreadableAnswer,
        "not a number",
    );
}

#[test]
fn ten_thousand_columns_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let row = |f: &dyn Fn(usize) -> String| (0..10_000).map(f).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n", row(&|i| format!("c{i}")), row(&|i| i.to_string()));
    let opened = open(&file(&dir, "wide.csv", text.as_bytes())).expect("opens");
    assert_eq!(opened.schema.len(), 10_000);
}
