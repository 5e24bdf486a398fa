//! Inference: what is sent, and what is made of the answer.

use serde_json::{Value as Json, json};

use super::{iris, recorded, request_of, rooted, server};
use crate::action::Class;
use crate::actions::REGISTRY;
use crate::actions::fake::Answer;

const IRIS: &str = "POST v2/models/iris/infer";

#[tokio::test]
async fn rows_become_one_tensor_and_its_rows_are_the_predictions() {
    let fake = iris().await.on(IRIS, recorded("infer-iris"));
    let rows = json!([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]);
    let got = fake
        .run("infer", json!({"model": "iris", "rows": rows}))
        .await
        .unwrap();
    assert_eq!(got["predictions"], json!([0, 2]));
    assert_eq!((got["count"].clone(), got["rows"].clone()), (json!(2), json!(2)));
    assert_eq!(got["outputs"][0]["datatype"], "INT64");
    assert_eq!(fake.asked_for(IRIS)[0].body, request_of("infer-iris"));
}

#[tokio::test]
async fn v1_takes_instances_and_gives_predictions() {
    let fake = server()
        .await
        .on("POST v1/models/fraud:predict", recorded("predict-v1"));
    let ask = json!({"model": "fraud", "protocol": "v1", "rows": [[0.1, 0.2, 0.3], [-1, -1, -1]]});
    let got = fake.run("infer", ask).await.unwrap();
    assert_eq!(got["predictions"], json!([1, 0]));
    assert_eq!(got["outputs"], json!([]));
    assert_eq!(fake.asked()[0].body, request_of("predict-v1"));
    assert_eq!(fake.asked().len(), 1, "V1 has no metadata to ask for");
}

#[tokio::test]
async fn a_file_is_a_request_a_line_unless_batched() {
    let one = || Answer::json(200, &json!({"predictions": [1]}));
    let fake = server().await.on("POST v1/models/m:predict", one());
    let cx = rooted(&fake);
    std::fs::write(cx.base_dir.join("rows.jsonl"), "[1]\n\n[2]\n[3]\n").unwrap();
    let ask = |batch: Json| json!({"model": "m", "protocol": "v1", "rows": "rows.jsonl", "batch": batch});
    let mut plain = ask(json!(1));
    plain.as_object_mut().unwrap().remove("batch");
    let infer = REGISTRY.get("kserve.infer").unwrap();
    let got = infer.run(plain, &cx).await.unwrap();
    assert_eq!(
        (got["requests"].clone(), got["count"].clone()),
        (json!(3), json!(3))
    );
    // Two rows and one prediction.
    let failure = infer.run(ask(json!(2)), &cx).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
    assert!(
        failure.message.contains("1 predictions for 2 instances"),
        "{failure}"
    );
}

#[tokio::test]
async fn rows_that_are_objects_become_a_tensor_for_each_key() {
    let meta = json!({"name": "m", "inputs": [
        {"name": "age", "datatype": "INT32", "shape": [-1]}, {"name": "name", "datatype": "BYTES", "shape": [-1]}
    ], "outputs": []});
    let answer = json!({"model_name": "m", "outputs": [
        {"name": "a", "datatype": "FP32", "shape": [2, 2], "data": [[0.5, 1], [2, 3]]}
    ]});
    let fake = server()
        .await
        .on("GET v2/models/m", Answer::json(200, &meta))
        .on("POST v2/models/m/infer", Answer::json(200, &answer));
    let rows = json!([{"age": 3, "name": "x"}, {"age": 4, "name": "y"}]);
    let got = fake
        .run("infer", json!({"model": "m", "rows": rows}))
        .await
        .unwrap();
    assert_eq!(got["predictions"], json!([[0.5, 1], [2, 3]]));
    assert_eq!(
        fake.asked_for("POST v2/models/m/infer")[0].body["inputs"],
        json!([
            {"name": "age", "datatype": "INT32", "shape": [2], "data": [3, 4]},
            {"name": "name", "datatype": "BYTES", "shape": [2], "data": ["x", "y"]}
        ])
    );
}

#[tokio::test]
async fn what_contradicts_itself_or_the_model_is_never_sent() {
    let tensor = |datatype: &str, shape: Json, data: Json| json!([{"name": "input-0", "datatype": datatype, "shape": shape, "data": data}]);
    for (params, why) in [
        (
            json!({"rows": [[1, 2, 3]]}),
            "has the shape [1, 3], the model's metadata says [-1, 4]",
        ),
        (json!({"rows": [["a", "b", "c", "d"]]}), "is no FP64: \"a\""),
        (
            json!({"rows": [[1, 2, 3, 4], [1, 2]]}),
            "row 2 has the shape [2], the rows before it [4]",
        ),
        (
            json!({"rows": [[1, [2], 3, 4]]}),
            "its parts have different shapes",
        ),
        (json!({"rows": [[1, null, 3, 4]]}), "is no FP64: null"),
        (json!({"rows": [[1, 2, 3, {"a": 1}]]}), "an object inside a row"),
        (
            json!({"rows": [{"a": 1}, {"b": 1}]}),
            "row 2 has not the keys of row 1",
        ),
        (
            json!({"rows": [{"a": 1}]}),
            "there is a tensor `a`, and the model takes only: input-0",
        ),
        (
            json!({"rows": [[1, 2, 3, 4]], "datatype": "FP32"}),
            "is FP32, the model's metadata says FP64",
        ),
        (
            json!({"rows": [[300, 2, 3, 4]], "datatype": "UINT8"}),
            "is no UINT8: 300",
        ),
        (
            json!({"rows": [[1, 2, 3, 4]], "input": "x"}),
            "there is a tensor `x`",
        ),
        (
            json!({"inputs": tensor("FP64", json!([1, 4]), json!([1, 2, 3]))}),
            "of shape [1, 4] has 3 elements",
        ),
        (
            json!({"inputs": tensor("INT8", json!([1, 4]), json!([1, 2, 3, 400]))}),
            "element 3 of the tensor",
        ),
        (
            json!({"inputs": tensor("BOOL", json!([1, 4]), json!([true, true, true, 1]))}),
            "is no BOOL: 1",
        ),
        (json!({"rows": "nothing.jsonl"}), "cannot be read"),
        (
            json!({"rows": "broken.jsonl"}),
            "broken.jsonl:2: not a row: not JSON",
        ),
        (json!({"rows": "empty.jsonl"}), "holds no line"),
        (json!({"rows": "bytes.jsonl"}), "is not UTF-8: the byte at 1"),
    ] {
        let fake = iris().await;
        let cx = rooted(&fake);
        std::fs::write(cx.base_dir.join("broken.jsonl"), "[1, 2, 3, 4]\n[1, 2\n").unwrap();
        std::fs::write(cx.base_dir.join("empty.jsonl"), "\n  \n").unwrap();
        std::fs::write(cx.base_dir.join("bytes.jsonl"), b"[\xff]").unwrap();
        let mut params = params;
        params["model"] = json!("iris");
        let failure = REGISTRY
            .get("kserve.infer")
            .unwrap()
            .run(params.clone(), &cx)
            .await
            .unwrap_err();
        assert!(
            matches!(failure.class, Class::BadParameter | Class::Missing),
            "{params}: {failure:?}"
        );
        assert!(failure.message.contains(why), "{params}: {failure}");
        assert!(fake.asked_for(IRIS).is_empty(), "{params} was sent");
    }
}

#[tokio::test]
async fn without_the_check_wrong_tensors_reach_the_server() {
    let fake = server()
        .await
        .on("POST v2/models/fraud/infer", recorded("v2-columns"));
    let ask = json!({"model": "fraud", "rows": [[0.1, 0.2]], "check_metadata": false});
    let failure = fake.run("infer", ask).await.unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::Invalid, Some(400)));
    assert_eq!(fake.asked()[0].body, request_of("v2-columns"));
}

#[tokio::test]
async fn raw_bodies_are_sent_as_they_are() {
    let fake = server()
        .await
        .on("POST v2/models/fraud/infer", recorded("v2-malformed"));
    let failure = fake
        .run("infer", json!({"model": "fraud", "raw": ["{\"inputs\":"]}))
        .await
        .unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::Invalid, Some(422)));
    assert_eq!(failure.reason.as_deref(), Some("json_invalid"));
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_prediction_is_unreadable() {
    let out = |t: Json| json!({"model_name": "iris", "outputs": [t]});
    for (body, why) in [
        (json!({}), "names no model"),
        (json!({"model_name": "iris"}), "has no `outputs`"),
        (
            json!({"model_name": "other", "outputs": []}),
            "of the model `other`",
        ),
        (json!({"model_name": "iris", "outputs": []}), "are empty"),
        (json!({"model_name": "iris", "outputs": {}}), "are no tensors"),
        (json!([]), "an object"),
        (
            out(json!({"name": "output-0", "datatype": "INT64", "shape": [2], "data": [1]})),
            "has 1 elements",
        ),
        (
            out(json!({"name": "output-0", "datatype": "INT64", "shape": [1], "data": [0.5]})),
            "is no INT64: 0.5",
        ),
        (
            out(json!({"name": "output-0", "datatype": "INT65", "shape": [1], "data": [1]})),
            "are no tensors",
        ),
        (
            out(
                json!({"name": "output-0", "datatype": "INT64", "shape": [18_446_744_073_709_551_615_u64, 2], "data": [1]}),
            ),
            "has 1 elements",
        ),
        (
            out(json!({"name": "output-0", "datatype": "FP64", "shape": [1], "data": [1]})),
            "is FP64, the model's metadata says INT64",
        ),
        (
            out(json!({"name": "x", "datatype": "INT64", "shape": [1], "data": [1]})),
            "gives only: output-0",
        ),
    ] {
        let fake = iris().await.on(IRIS, Answer::json(200, &body));
        let ask = json!({"model": "iris", "rows": [[1, 2, 3, 4]]});
        let failure = fake.run("infer", ask).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{body}: {failure:?}");
        assert!(failure.message.contains(why), "{body}: {failure}");
    }
    for (body, why) in [
        (json!({}), "has no `predictions`"),
        (json!({"predictions": 1}), "not a list"),
        (json!({"predictions": []}), "0 predictions for 1 instances"),
        (json!({"predictions": [1, 2]}), "2 predictions for 1 instances"),
    ] {
        let fake = server()
            .await
            .on("POST v1/models/m:predict", Answer::json(200, &body));
        let ask = json!({"model": "m", "protocol": "v1", "rows": [[1]]});
        let failure = fake.run("infer", ask).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{body}: {failure:?}");
        assert!(failure.message.contains(why), "{body}: {failure}");
    }
}

#[test]
fn parameters_that_exclude_each_other_are_found_before() {
    let infer = REGISTRY.get("kserve.infer").unwrap();
    for (params, why) in [
        (json!({"model": "m"}), "nothing to send"),
        (
            json!({"model": "m", "rows": [1], "raw": ["x"]}),
            "`rows` and `raw` both",
        ),
        (
            json!({"model": "m", "raw": ["x"], "batch": 2}),
            "`batch` says what is made of rows",
        ),
        (
            json!({"model": "m", "protocol": "v1", "rows": [1], "datatype": "FP32"}),
            "V1 has no tensors",
        ),
        (
            json!({"model": "m", "protocol": "v1", "rows": [1], "version": "1"}),
            "V1 knows no versions",
        ),
    ] {
        let problems = infer.validate(&params);
        assert!(
            problems.iter().any(|p| p.message.contains(why)),
            "{params}: {problems:?}"
        );
    }
    assert_eq!(
        infer.validate(&json!({"model": "m", "rows": "${{ inputs.rows }}"})),
        []
    );
}
