//! The family against answers that a real feature server gave, and odd ones.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::when;
use crate::action::{Class, Context, Failure};
use crate::actions::fake::{Answer, Fake, closed, context, run};

/// What Feast 0.67 answered.
fn recorded(name: &str) -> Answer {
    let file = format!(
        "{}/tests/recorded/feast-0.67/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let record: Json = serde_json::from_str(&text).unwrap();
    let response = &record["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    match (&response["body"], response["headers"]["content-type"].as_str()) {
        // The recorder kept bodies that are JSON as JSON, strings in it too.
        (Json::String(text), Some(_)) => {
            Answer::text(status, "application/json", &Json::from(text.as_str()).to_string())
        }
        (Json::String(text), None) => Answer::text(status, "text/plain", text),
        (body, _) => Answer::json(status, body),
    }
}

async fn server(call: &str, name: &str) -> Fake {
    Fake::start("feast", "/").await.on(call, recorded(name))
}

const GET: &str = "POST get-online-features";

fn features(names: &[&str]) -> Json {
    names.iter().map(|n| format!("customer_stats:{n}")).collect()
}

#[tokio::test]
async fn values_are_mapped_by_name_and_states_are_told_apart() {
    let fake = server(GET, "online").await;
    let ids = [1001, 1002, 1003, 1004, 9999];
    let asked = json!({
        "features": features(&["n_tx_7d", "avg_amount", "segment"]),
        "entities": {"customer_id": ids},
        "max_age": "7d",
    });
    let failure = fake.run("online", asked.clone()).await.unwrap_err();
    assert_eq!(
        failure.class,
        Class::UnreadableAnswer,
        "the recording has short names"
    );
    let fake = renamed(&["n_tx_7d", "avg_amount", "segment"]).await;
    let got = fake.run("online", asked).await.unwrap();
    let row = |n: usize, feature: &str| got["rows"][n]["features"][feature].clone();
    assert_eq!(got["rows"][0]["entity"], json!({"customer_id": 1001}));
    assert_eq!(row(0, "segment")["value"], "gold");
    assert_eq!(row(1, "avg_amount")["value"], json!(100.099_998_474_121_1));
    assert_eq!(row(0, "segment")["event_timestamp"], "2026-11-23T03:00:00Z");
    assert_eq!(row(2, "segment")["status"], "PRESENT");
    assert_eq!(row(2, "segment")["state"], "stale");
    assert_eq!(row(4, "segment")["state"], "absent");
    assert_eq!(row(4, "segment").get("age"), None, "1970 is no time");
    assert_eq!((&got["count"], &got["absent"]), (&json!(5), &json!(3)));
}

/// The recorded answer with the whole names that actions ask for.
async fn renamed(features: &[&str]) -> Fake {
    let answer = recorded("online");
    let mut body: Json = serde_json::from_slice(&answer.body).unwrap();
    for name in body["metadata"]["feature_names"].as_array_mut().unwrap() {
        let short = name.as_str().unwrap().to_owned();
        if features.contains(&short.as_str()) {
            *name = Json::from(format!("customer_stats__{short}"));
        }
    }
    Fake::start("feast", "/").await.on(GET, Answer::json(200, &body))
}

#[tokio::test]
async fn a_null_is_no_absence_and_no_age_without_a_limit() {
    let fake = renamed(&["n_tx_7d", "avg_amount", "segment"]).await;
    let asked = json!({
        "features": features(&["n_tx_7d", "avg_amount", "segment"]),
        "entities": {"customer_id": [1001, 1002, 1003, 1004, 9999]},
    });
    let got = fake.run("online", asked).await.unwrap();
    let counts = ["present", "null", "absent", "stale"].map(|k| got[k].as_u64().unwrap());
    assert_eq!(counts, [9, 3, 3, 0]);
    assert!(got["oldest"].is_number() || got["oldest"].is_string(), "{got}");
    let sent = &fake.asked()[0].body;
    assert_eq!(sent["full_feature_names"], true);
}

#[tokio::test]
async fn refusals_have_their_class() {
    let asked = json!({"features": features(&["x"]), "entities": {"customer_id": [1]}});
    for (name, class, reason) in [
        ("badfeature", Class::NotFound, Some("FEATURE_NOT_FOUND")),
        ("badview", Class::NotFound, Some("FeatureViewNotFoundException")),
        ("badentity", Class::Invalid, Some("MISSING_JOIN_KEY")),
        ("malformed", Class::Invalid, None),
        ("metrics", Class::UnreadableAnswer, None),
    ] {
        let failure = server(GET, name)
            .await
            .run("online", asked.clone())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.class, failure.reason.as_deref()),
            (class, reason),
            "{name}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn a_view_that_is_being_materialized_is_unavailable_and_not_broken() {
    let said = json!(
        "Feature view 'v' is in state 'MATERIALIZING' and cannot serve features. Only AVAILABLE_ONLINE feature views can serve."
    );
    let fake = Fake::start("feast", "/").await.on(GET, Answer::json(500, &said));
    let asked = json!({"features": features(&["x"]), "entities": {"customer_id": [1]}});
    let failure = fake.run("online", asked).await.unwrap_err();
    assert_eq!(failure.class, Class::Unavailable, "{failure}");
}

#[tokio::test]
async fn odd_answers_are_unreadable() {
    let column = |n: usize| json!({"values": vec![1; n], "statuses": vec!["PRESENT"; n], "event_timestamps": vec!["2026-11-23T03:00:00Z"; n]});
    let answer =
        |names: Json, results: Json| json!({"metadata": {"feature_names": names}, "results": results});
    for odd in [
        json!({}),
        json!([]),
        answer(json!(["customer_stats__x"]), json!([])),
        answer(json!(["customer_stats__x"]), json!([column(2)])),
        answer(json!(["customer_stats__y"]), json!([column(1)])),
        answer(
            json!(["customer_stats__x", "customer_stats__x"]),
            json!([column(1), column(1)]),
        ),
        answer(
            json!(["customer_stats__x"]),
            json!([{"values": [1], "statuses": ["PRESENT"], "event_timestamps": ["yesterday"]}]),
        ),
    ] {
        let fake = Fake::start("feast", "/").await.on(GET, Answer::json(200, &odd));
        let asked = json!({"features": features(&["x"]), "entities": {"customer_id": [1]}});
        let failure = fake.run("online", asked).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{odd}: {failure:?}");
    }
    let fake = Fake::start("feast", "/")
        .await
        .on("POST push", Answer::text(200, "text/html", "<html>"));
    let push = json!({"source": "s", "rows": [{"a": 1}]});
    let failure = fake.run("push", push).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context(Some(closed("feast")), folder.path());
    let online = |entities: Json| json!({"features": features(&["x"]), "entities": entities});
    for (verb, params) in [
        ("online", online(json!({"customer_id": []}))),
        ("online", online(json!({"a": [1], "b": [1, 2]}))),
        ("online", online(json!({"a": [1.5]}))),
        ("online", json!({"features": ["x"], "entities": {"a": [1]}})),
        (
            "online",
            json!({"features": ["v:x", "v:x"], "entities": {"a": [1]}}),
        ),
        ("push", json!({"source": "s", "rows": [{"a": 1}, {"b": 1}]})),
        ("materialize", json!({"start": "soon"})),
        (
            "materialize",
            json!({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}),
        ),
        (
            "offline",
            json!({"features": ["v:x"], "entities": {"a": [1]}, "at": "noon"}),
        ),
        (
            "compare",
            json!({"features": ["v:x"], "tolerance": {"y": {"absolute": 1.0}}}),
        ),
    ] {
        let failure = run("feast", verb, params.clone(), &cx).await.unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{params}: {failure:?}");
    }
    let failure = run("feast", "online", online(json!({"a": [1]})), &cx)
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
    let failure = run(
        "feast",
        "offline",
        json!({"features": ["v:x"], "entities": {"a": [1]}}),
        &cx,
    )
    .await
    .unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    let nowhere = context(None, folder.path());
    let failure = run("feast", "online", online(json!({"a": [1]})), &nowhere)
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Missing);
}

#[tokio::test]
async fn pushes_go_by_columns_and_materialisations_by_stretches_of_time() {
    let fake = Fake::start("feast", "/")
        .await
        .on("POST push", recorded("push"))
        .on("POST materialize", recorded("materialize-http"));
    let push =
        json!({"source": "s", "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": null}], "to": "online_and_offline"});
    fake.run("push", push).await.unwrap();
    let sent = &fake.asked()[0].body;
    assert_eq!(sent["df"], json!({"a": [1, 2], "b": ["x", null]}));
    assert_eq!(
        (&sent["to"], &sent["push_source_name"]),
        (&json!("online_and_offline"), &json!("s"))
    );
    let got = fake
        .run(
            "materialize",
            json!({"last": "2d", "end": "2026-11-03T00:00:00Z", "views": ["v"]}),
        )
        .await
        .unwrap();
    assert_eq!(got["start"], "2026-11-01T00:00:00Z");
    assert_eq!(fake.asked()[1].body["feature_views"], json!(["v"]));
}

/// Sources as the lab has them; times in days before `NOW`.
const NOW: &str = "2026-11-24T03:00:00Z";

const SOURCE: &str = "customer_id,event_timestamp,created,n,amount\n\
    1001,2026-11-21T03:00:00Z,2026-11-21T03:00:00Z,5,10.25\n\
    1001,2026-11-23T03:00:00Z,2026-11-23T03:00:00Z,7,12.5\n\
    1002,2026-11-22T03:00:00Z,2026-11-23T03:00:00Z,2,100.1\n\
    1002,2026-11-22T03:00:00Z,2026-11-22T03:00:00Z,1,99.9\n\
    1003,2026-10-25T03:00:00Z,2026-10-25T03:00:00Z,3,3.3\n\
    1004,2026-11-23T03:00:00Z,2026-11-23T03:00:00Z,,\n";

/// A step whose environment names a source file.
fn with_source(url: Option<&str>, folder: &Path, text: &str) -> Context {
    std::fs::write(folder.join("stats.csv"), text).unwrap();
    let mut endpoint = closed("feast");
    if let Some(url) = url {
        endpoint.url = Some(url.to_owned());
    }
    endpoint.settings.insert(
        "sources".to_owned(),
        json!({"stats": {"path": folder.join("stats.csv"), "keys": ["customer_id"], "timestamp": "event_timestamp", "created": "created", "ttl": "7d"}}),
    );
    let mut cx = context(Some(endpoint), folder);
    let tools = std::sync::Arc::get_mut(&mut cx.tools).unwrap();
    tools.files = crate::tools::files::Files::new(
        &[folder],
        &[folder],
        std::sync::Arc::new(crate::tools::Grants::open()),
    );
    cx
}

#[tokio::test]
async fn offline_values_are_those_of_the_moment() {
    let folder = tempfile::tempdir().unwrap();
    let cx = with_source(None, folder.path(), SOURCE);
    let ask = |ids: Json, at: &str| json!({"features": ["stats:n", "stats:amount"], "entities": {"customer_id": ids}, "at": at});
    let got = run(
        "feast",
        "offline",
        ask(json!([1001, 1002, 1003, 1004, 9999, "1001"]), NOW),
        &cx,
    )
    .await
    .unwrap();
    let n = |row: usize| got["rows"][row]["features"]["n"].clone();
    assert_eq!((&n(0)["value"], &n(0)["state"]), (&json!(7), &json!("present")));
    assert_eq!(n(1)["value"], 2, "of one time the one created later");
    assert_eq!((&n(2)["value"], &n(2)["state"]), (&Json::Null, &json!("expired")));
    assert_eq!(n(3)["state"], "null");
    assert_eq!(
        (&n(4)["state"], n(4).get("event_timestamp")),
        (&json!("absent"), None)
    );
    assert_eq!(n(5)["value"], 7, "keys may be written as text");
    assert_eq!(n(0)["event_timestamp"], "2026-11-23T03:00:00Z");
    // The moment itself counts; just before it the older row does.
    for (at, wanted) in [
        ("2026-11-23T03:00:00Z", json!(7)),
        ("2026-11-23T02:59:59.999999Z", json!(5)),
        ("2026-11-20T00:00:00Z", Json::Null),
    ] {
        let got = run("feast", "offline", ask(json!([1001]), at), &cx)
            .await
            .unwrap();
        assert_eq!(got["rows"][0]["features"]["n"]["value"], wanted, "{at}");
    }
    // The ttl's last moment still counts.
    for (at, state) in [
        ("2026-11-01T03:00:00Z", "present"),
        ("2026-11-01T03:00:00.000001Z", "expired"),
    ] {
        let got = run("feast", "offline", ask(json!([1003]), at), &cx)
            .await
            .unwrap();
        assert_eq!(got["rows"][0]["features"]["n"]["state"], state, "{at}");
    }
    let unknown = json!({"features": ["stats:nope"], "entities": {"customer_id": [1]}});
    let failure = run("feast", "offline", unknown, &cx).await.unwrap_err();
    assert!(failure.message.contains("nope"), "{failure}");
    let no_key = json!({"features": ["stats:n"], "entities": {"client": [1]}});
    assert_eq!(
        run("feast", "offline", no_key, &cx).await.unwrap_err().class,
        Class::BadParameter
    );
}

/// An online answer for `stats:n` and `stats:amount`.
fn online(ids: &[i64], n: Json, amount: Json, times: &[&str]) -> Answer {
    let statuses: Vec<&str> = times
        .iter()
        .map(|t| {
            if t.starts_with("1970") {
                "NOT_FOUND"
            } else {
                "PRESENT"
            }
        })
        .collect();
    let column = |values: Json| json!({"values": values, "statuses": statuses, "event_timestamps": times});
    Answer::json(
        200,
        &json!({
            "metadata": {"feature_names": ["customer_id", "stats__amount", "stats__n"]},
            "results": [{"values": ids, "statuses": vec!["PRESENT"; ids.len()], "event_timestamps": vec!["1970-01-01T00:00:00Z"; ids.len()]}, column(amount), column(n)],
        }),
    )
}

async fn compared(answer: Answer, params: Json) -> Result<Json, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start("feast", "/").await.on(GET, answer);
    let cx = with_source(Some(&fake.url), folder.path(), SOURCE);
    let mut whole = json!({"features": ["stats:n", "stats:amount"], "at": NOW});
    whole
        .as_object_mut()
        .unwrap()
        .extend(params.as_object().unwrap().clone());
    run("feast", "compare", whole, &cx).await
}

const IDS: [i64; 4] = [1001, 1002, 1003, 1004];
const TIMES: [&str; 4] = [
    "2026-11-23T03:00:00Z",
    "2026-11-22T03:00:00Z",
    "2026-10-25T03:00:00Z",
    "2026-11-23T03:00:00Z",
];

#[tokio::test]
async fn stores_that_agree_agree_and_every_other_case_is_named() {
    let good = || {
        (
            json!([7, 2, 3, null]),
            json!([12.5, 100.099_998_474_121_1, 3.299_999_952, null]),
        )
    };
    let (n, amount) = good();
    let got = compared(online(&IDS, n, amount.clone(), &TIMES), json!({}))
        .await
        .unwrap();
    let counts = |got: &Json| {
        [
            "entities",
            "compared",
            "equal",
            "disagree",
            "expired",
            "times_differ",
        ]
        .map(|k| got[k].as_u64().unwrap())
    };
    assert_eq!(counts(&got), [4, 8, 6, 0, 2, 0], "all entities of the source");
    assert_eq!(got["worst"][0]["kind"], "expired");

    // The older value, as a materialisation over a push leaves it.
    let times = ["2026-11-21T03:00:00Z", TIMES[1], TIMES[2], TIMES[3]];
    let got = compared(
        online(&IDS, json!([5, 2, 3, null]), amount.clone(), &times),
        json!({}),
    )
    .await
    .unwrap();
    assert_eq!(counts(&got), [4, 8, 5, 1, 2, 2]);
    let worst = &got["worst"][0];
    assert_eq!(
        (&worst["feature"], &worst["online"], &worst["offline"]),
        (&json!("stats:n"), &json!(5), &json!(7))
    );
    assert_eq!(
        (&worst["entity"]["customer_id"], &worst["difference"]),
        (&json!(1001), &json!(2.0))
    );
    assert_eq!(got["features"]["stats:n"]["different"], 1);

    // Null and absent.
    let times = [TIMES[0], "1970-01-01T00:00:00Z", TIMES[2], TIMES[3]];
    let answer = online(
        &IDS,
        json!([null, null, 3, 1]),
        json!([12.5, null, 3.3, null]),
        &times,
    );
    let got = compared(answer, json!({})).await.unwrap();
    let kinds =
        ["null_online", "null_offline", "absent_online", "absent_offline"].map(|k| got[k].as_u64().unwrap());
    assert_eq!(kinds, [1, 1, 2, 0]);

    // Tolerances, one a feature.
    let (n, _) = good();
    let near = || online(&IDS, n.clone(), json!([12.6, 100.1, 3.3, null]), &TIMES);
    assert_eq!(compared(near(), json!({})).await.unwrap()["different"], 1);
    let tolerance = json!({"tolerance": {"amount": {"absolute": 0.2}}});
    assert_eq!(compared(near(), tolerance).await.unwrap()["different"], 0);
    // Ages.
    assert_eq!(
        compared(near(), json!({"max_age": "1s"})).await.unwrap()["stale"],
        8
    );
}

#[tokio::test]
async fn nothing_compared_is_no_agreement() {
    let entities = json!({"entities": {"customer_id": [77]}});
    let answer = online(&[77], json!([null]), json!([null]), &["1970-01-01T00:00:00Z"]);
    let failure = compared(answer, entities).await.unwrap_err();
    assert_eq!(failure.class, Class::Missing, "{failure}");
    let folder = tempfile::tempdir().unwrap();
    let cx = with_source(None, folder.path(), SOURCE.lines().next().unwrap());
    let failure = run("feast", "compare", json!({"features": ["stats:n"]}), &cx)
        .await
        .unwrap_err();
    assert!(
        matches!(failure.class, Class::Missing | Class::BadParameter),
        "{failure}"
    );
}

#[tokio::test]
async fn a_feature_that_is_expired_everywhere_was_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    for (ids, times, unsure) in [(&IDS[2..3], &TIMES[2..3], 2), (&IDS[2..4], &TIMES[2..4], 0)] {
        let nulls = vec![json!(null); ids.len()];
        let fake = Fake::start("feast", "/")
            .await
            .on(GET, online(ids, json!(nulls), json!(nulls), times));
        let cx = with_source(Some(&fake.url), folder.path(), SOURCE);
        let params =
            json!({"features": ["stats:n", "stats:amount"], "at": NOW, "entities": {"customer_id": ids}});
        let got = run("feast", "compare", params, &cx).await.unwrap();
        assert_eq!(got["disagree"], 0, "{got}");
        assert_eq!(cx.checks.take().len(), unsure, "{got}");
    }
}

#[tokio::test]
async fn batches_cover_every_entity_once() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start("feast", "/")
        .await
        .on(GET, online(&IDS[..1], json!([7]), json!([12.5]), &TIMES[..1]));
    let cx = with_source(Some(&fake.url), folder.path(), SOURCE);
    let params = json!({"features": ["stats:n", "stats:amount"], "at": NOW, "batch": 1, "parallel": 3});
    run("feast", "compare", params, &cx).await.unwrap();
    let mut asked: Vec<i64> = fake
        .asked()
        .iter()
        .map(|a| a.body["entities"]["customer_id"][0].as_i64().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, IDS);
}

#[test]
fn moments_are_read_with_and_without_an_offset() {
    for text in [
        "2026-11-23T03:00:00Z",
        "2026-11-23T04:00:00+01:00",
        "2026-11-23T03:00:00",
        "2026-11-23 03:00:00",
    ] {
        assert_eq!(
            when::read(text).map(when::show).as_deref(),
            Some("2026-11-23T03:00:00Z"),
            "{text}"
        );
    }
    assert_eq!(when::read("yesterday"), None);
}
