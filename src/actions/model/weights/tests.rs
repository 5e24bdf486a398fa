//! The readers against files of the real libraries, with hashes that numpy computed, and against damaged files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::*;
use crate::tools::Grants;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded/models")
        .join(name)
}

fn until() -> Until {
    Until {
        deadline: Instant::now() + Duration::from_mins(1),
        cancel: tokio_util::sync::CancellationToken::new(),
    }
}

fn model_with(path: &Path, rules: &Rules) -> Result<Model, Failure> {
    let files = Files::new(&[path.parent().unwrap()], &[], Arc::new(Grants::open()));
    open(path, rules, &files)
}

fn model(name: &str) -> Model {
    model_with(&recorded(name), &Rules::default()).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn whole(name: &str) -> String {
    model(name).hashes(&until()).unwrap().whole
}

fn numpy(which: &str) -> (String, String) {
    let text = std::fs::read(recorded("numpy.json")).unwrap();
    let json: Json = serde_json::from_slice(&text).unwrap();
    let of = |key: &str| json[which][key].as_str().unwrap().to_owned();
    (of("lines"), of("sha256"))
}

#[test]
fn hashes_are_those_that_numpy_computes() {
    let (lines, sha256) = numpy("weights");
    for name in ["weights.npz", "compressed.npz", "weights.safetensors"] {
        let model = model(name);
        let hashes = model.hashes(&until()).unwrap();
        let mine: Vec<String> = model
            .tensors
            .iter()
            .zip(&hashes.each)
            .map(|(t, hash)| {
                let shape: Vec<String> = t.shape.iter().map(u64::to_string).collect();
                format!("{}\t{}\t{}\t{hash}\n", t.name, t.kind.name, shape.join(","))
            })
            .collect();
        assert_eq!(mine.concat(), lines, "{name}");
        assert_eq!(hashes.whole, sha256, "{name}");
        assert!(model.canonical);
    }
}

#[test]
fn the_order_of_values_in_memory_does_not_matter() {
    let (_, sha256) = numpy("one");
    for name in ["one.npy", "fortran.npy", "big-endian.npy"] {
        assert_eq!(whole(name), sha256, "{name}");
    }
}

#[test]
fn equal_models_of_two_processes_are_equal_though_their_files_differ() {
    for (a, b) in [
        ("linear-a.skops", "linear-b.skops"),
        ("forest-a.skops", "forest-b.skops"),
        ("graph-a.onnx", "graph-b.onnx"),
    ] {
        let bytes = |name: &str| std::fs::read(recorded(name)).unwrap();
        assert_ne!(bytes(a), bytes(b), "{a}: the files should differ");
        assert_eq!(whole(a), whole(b), "{a}");
    }
    assert_ne!(whole("linear-a.skops"), whole("forest-a.skops"));
}

#[test]
fn tensors_of_skops_are_named_by_their_place() {
    let names: Vec<String> = model("linear-a.skops")
        .tensors
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert_eq!(names, ["classes_", "coef_", "intercept_", "n_iter_", "schema"]);
}

#[test]
fn structures_are_their_fields_without_the_gaps_between_them() {
    let model = model("forest-a.skops");
    let first: Vec<String> = model
        .tensors
        .iter()
        .filter_map(|t| {
            t.name
                .strip_prefix("estimators_[0].tree_.nodes.")
                .map(|n| format!("{n} {}", t.kind.name))
        })
        .collect();
    assert_eq!(
        first,
        [
            "feature int64",
            "impurity float64",
            "left_child int64",
            "missing_go_to_left uint8",
            "n_node_samples int64",
            "right_child int64",
            "threshold float64",
            "weighted_n_node_samples float64"
        ]
    );
}

#[test]
fn onnx_has_initialisers_and_constants_of_nodes() {
    let model = model("graph-a.onnx");
    let named: Vec<String> = model
        .tensors
        .iter()
        .map(|t| format!("{} {} {:?}", t.name, t.kind.name, t.shape))
        .collect();
    assert_eq!(
        named,
        [
            "1.Scaler.scale float32 [3]",
            "b float32 [3]",
            "graph text []",
            "i int8 [2]",
            "w float32 [4, 3]"
        ]
    );
    let hashes = model.hashes(&until()).unwrap();
    let (lines, _) = numpy("one");
    assert!(
        lines.contains(&hashes.each[4]),
        "the initialiser is the array of one.npy"
    );
    let hash = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    assert_eq!(hashes.each[3], hash(&[255, 5]));
    assert_eq!(
        hashes.each[1],
        hash(&[1_f32, 2.0, 3.0].map(f32::to_le_bytes).concat())
    );
}

#[test]
fn of_pickles_only_the_bytes_are_hashed() {
    for name in ["linear.pkl", "linear.joblib"] {
        let model = model(name);
        assert!(!model.canonical, "{name}");
        let hashes = model.hashes(&until()).unwrap();
        assert_eq!(
            hashes.each,
            [hex(&Sha256::digest(std::fs::read(recorded(name)).unwrap()))]
        );
    }
}

#[test]
fn json_is_read_whatever_its_layout() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        model_with(&path, &Rules::default()).unwrap()
    };
    let one = at(
        "a.json",
        r#"{"w": [[1.5, 2], [3, 4]], "meta": {"n": 3, "kind": "linear", "ragged": [[1], [2, 3]]}}"#,
    );
    let two = at(
        "b.json",
        "{\"meta\": {\"kind\": \"linear\", \"ragged\": [[1],[2,3]], \"n\": 3},\n \"w\": [[1.5,2],[3,4]]}",
    );
    let hash = |m: &Model| m.hashes(&until()).unwrap().whole;
    assert_eq!(hash(&one), hash(&two));
    let named: Vec<String> = one
        .tensors
        .iter()
        .map(|t| format!("{} {} {:?}", t.name, t.kind.name, t.shape))
        .collect();
    assert_eq!(
        named,
        [
            "meta.kind json []",
            "meta.n int64 []",
            "meta.ragged[0] int64 [1]",
            "meta.ragged[1] int64 [2]",
            "w float64 [2, 2]"
        ]
    );
    let other = at(
        "c.json",
        r#"{"w": [[1.5, 2], [3, 4]], "meta": {"n": 3, "kind": "ridge", "ragged": [[1], [2, 3]]}}"#,
    );
    assert_ne!(hash(&one), hash(&other));
}

#[test]
fn a_folder_is_its_weights_without_what_is_written_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap().join("model");
    std::fs::create_dir_all(place.join("metadata")).unwrap();
    std::fs::copy(recorded("weights.npz"), place.join("weights.npz")).unwrap();
    let hash = |rules: &Rules| {
        model_with(&place, rules)
            .and_then(|m| m.hashes(&until()))
            .map(|h| h.whole)
    };
    let alone = hash(&Rules::default()).unwrap();
    std::fs::write(place.join("MLmodel"), "utc_time_created: now").unwrap();
    std::fs::write(place.join("metadata/x.yaml"), "x").unwrap();
    assert_eq!(hash(&Rules::default()).unwrap(), alone);

    std::fs::write(place.join("notes.md"), "notes").unwrap();
    let failure = hash(&Rules::default()).unwrap_err();
    assert_eq!(failure.class, Class::Invalid);
    assert!(failure.message.contains("notes.md"), "{failure}");
    assert_eq!(
        hash(&Rules::new(None, &["*.md".to_owned()], &[]).unwrap()).unwrap(),
        alone
    );
    let raw = Rules::new(None, &[], &["*.md".to_owned()]).unwrap();
    assert!(!model_with(&place, &raw).unwrap().canonical);
    assert_ne!(hash(&raw).unwrap(), alone);
    assert_eq!(
        Rules::new(None, &["{".to_owned()], &[]).err().unwrap().class,
        Class::BadParameter
    );
}

#[test]
fn what_has_no_reader_is_an_error_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, reason) in [
        ("model.h5", &b"\x89HDF\r\n\x1a\n"[..], "HDF5"),
        ("model.gguf", b"GGUF\x03\0\0\0", "GGUF"),
        ("model.pt", b"\x01\x02\x03\x04", "chain of pickles"),
        ("model", b"hello", "no ending"),
        ("model.cbm", b"CBM1", "no known format"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let failure = model_with(&path, &Rules::default()).err().unwrap();
        assert_eq!(failure.class, Class::Invalid, "{name}");
        assert!(failure.message.contains(reason), "{failure}");
        assert!(failure.help.is_some());
    }
    let failure = model_with(&recorded("objects.npy"), &Rules::default())
        .err()
        .unwrap();
    assert!(failure.message.contains("pickled Python objects"), "{failure}");
    let empty = folder.path().join("empty.safetensors");
    std::fs::write(&empty, b"\x02\0\0\0\0\0\0\0{}").unwrap();
    let failure = model_with(&empty, &Rules::default()).err().unwrap();
    assert!(failure.message.contains("holds no weights"), "{failure}");
}

/// Cut anywhere, or with a byte changed in its head, no file passes for another model that is whole.
#[test]
fn damaged_files_are_no_models() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [
        ("weights.npz", Format::Npz),
        ("compressed.npz", Format::Npz),
        ("weights.safetensors", Format::Safetensors),
        ("one.npy", Format::Npy),
        ("linear-a.skops", Format::Skops),
        ("graph-a.onnx", Format::Onnx),
    ] {
        let bytes = std::fs::read(recorded(name)).unwrap();
        let right = whole(name);
        let path = folder.path().join(name);
        let rules = Rules::new(Some(format), &[], &[]).unwrap();
        for cut in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let read = model_with(&path, &rules).and_then(|m| m.hashes(&until()));
            assert!(
                read.is_err() || format == Format::Onnx,
                "{name} cut at {cut} passes"
            );
            assert!(
                read.is_err() || read.unwrap().whole != right,
                "{name} cut at {cut} is the same"
            );
        }
        for at in 0..bytes.len().min(200) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            std::fs::write(&path, &changed).unwrap();
            // Nothing breaks; what is still readable may be equal where the byte says nothing of the weights.
            let _ = model_with(&path, &rules).and_then(|m| m.hashes(&until()));
        }
    }
}

#[test]
fn a_compressed_array_that_is_damaged_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    let mut bytes = std::fs::read(recorded("compressed.npz")).unwrap();
    // Inside of the first entry's data.
    bytes[100] ^= 0xff;
    std::fs::write(&path, &bytes).unwrap();
    let read = model_with(&path, &Rules::default()).and_then(|m| m.hashes(&until()));
    assert_eq!(read.err().unwrap().class, Class::UnreadableAnswer);
}

fn array(name: &str, values: &[f64]) -> Tensor {
    Tensor {
        name: name.to_owned(),
        kind: Kind::number(Element::F64),
        shape: vec![values.len() as u64],
        content: Content::bytes(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
    }
}

#[test]
fn differences_say_where_and_how_far() {
    let between = |a: &[f64], b: &[f64], absolute: f64, relative: f64| {
        let tolerance = Tolerance { absolute, relative };
        difference(&array("w", a), &array("w", b), tolerance, &until()).unwrap()
    };
    let found = between(&[1.0, 2.0, 4.0], &[1.0, 2.5, 3.0], 0.0, 0.0).unwrap();
    assert_eq!(
        (found.differing, found.beyond, found.total, found.first),
        (2, 2, 3, Some(1))
    );
    assert_eq!((found.a, found.b), (Some(2.0), Some(2.5)));
    assert_eq!((found.max_absolute, found.max_relative), (Some(1.0), Some(0.25)));
    assert_eq!(
        found.sentence(),
        "`w`: 2 of 3 values differ, first at 1 (2 and 2.5), by at most 1.000e0 (relative 2.500e-1)"
    );
    // The tolerance itself is within it.
    assert_eq!(
        between(&[1.0, 2.0, 4.0], &[1.0, 2.5, 3.0], 1.0, 0.0)
            .unwrap()
            .beyond,
        0
    );
    assert_eq!(
        between(&[1.0, 2.0, 4.0], &[1.0, 2.5, 3.0], 0.0, 0.2)
            .unwrap()
            .beyond,
        1
    );
    assert_eq!(between(&[0.0], &[-0.0], 0.0, 0.0), None);
    let found = between(&[1.0, f64::NAN], &[1.0, 2.0], 1e9, 1e9).unwrap();
    assert_eq!(
        (found.beyond, found.max_absolute, found.a, found.b),
        (1, None, None, Some(2.0))
    );
    let found = between(&[f64::INFINITY], &[1.0], 1e9, 0.5).unwrap();
    assert_eq!(found.beyond, 1, "infinity is within no tolerance of a number");
}

#[test]
fn shapes_and_types_that_differ_are_no_values_that_differ() {
    let tolerance = Tolerance {
        absolute: 1e9,
        relative: 1e9,
    };
    let between = |a: &Tensor, b: &Tensor| difference(a, b, tolerance, &until()).unwrap().unwrap();
    let found = between(&array("w", &[1.0]), &array("w", &[1.0, 2.0]));
    assert_eq!((found.what.as_str(), found.beyond), ("shape", 1));
    let whole = Tensor {
        kind: Kind::number(Element::I64),
        ..array("w", &[1.0])
    };
    assert_eq!(between(&array("w", &[1.0]), &whole).what, "type");
    // Beyond 2^53 two whole numbers may look equal as floats; they are not.
    let big = |n: i64| Tensor {
        kind: Kind::number(Element::I64),
        content: Content::bytes(n.to_le_bytes().to_vec()),
        ..array("w", &[1.0])
    };
    let exact = Tolerance::default();
    let found = difference(&big((1 << 53) + 1), &big(1 << 53), exact, &until())
        .unwrap()
        .unwrap();
    assert_eq!(found.beyond, 1);
}

#[test]
fn numbers_of_sixteen_bits_are_read() {
    // From IEEE 754: 1, -2, the largest, the smallest, infinity.
    for (bits, value) in [
        (0x3c00_u16, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0001, 5.960_464_477_539_063e-8),
        (0x7c00, f64::INFINITY),
    ] {
        assert_eq!(Element::F16.read(&bits.to_le_bytes()), value, "{bits:x}");
    }
    assert!(Element::F16.read(&0x7e00_u16.to_le_bytes()).is_nan());
    assert_eq!(Element::Bf16.read(&0x3f80_u16.to_le_bytes()), 1.0);
    assert_eq!(
        array("w", &[1.0, f64::NAN, f64::INFINITY])
            .not_finite(&until())
            .unwrap(),
        2
    );
}

#[test]
fn reading_stops_when_the_run_does() {
    let stopped = until();
    stopped.cancel.cancel();
    let failure = model("weights.npz").hashes(&stopped).err().unwrap();
    assert_eq!(failure.class, Class::Cancelled);
    let late = Until {
        deadline: Instant::now(),
        ..until()
    };
    assert_eq!(
        model("weights.npz").hashes(&late).err().unwrap().class,
        Class::Timeout
    );
}
