//! Objects in the shapes that Istio, Flagger, Argo Rollouts and KServe document, and odd ones.

use serde_json::{Value as Json, json};

use crate::action::{Class, Failure};
use crate::actions::fake::{context, run};
use crate::check::Verdict;

async fn read(verb: &str, params: Json) -> Result<(Json, Vec<String>), Failure> {
    let folder = tempfile::tempdir().unwrap();
    let cx = context(None, folder.path());
    let output = run("istio", verb, params, &cx).await?;
    let checks = cx.checks.take();
    assert!(checks.iter().all(|c| c.outcome.verdict == Verdict::Inconclusive));
    Ok((output, checks.into_iter().map(|c| c.id).collect()))
}

fn object(api_version: &str, kind: &str, spec: &Json, status: &Json) -> Json {
    json!({"apiVersion": api_version, "kind": kind, "spec": spec, "status": status,
        "metadata": {"name": "predictor", "namespace": "models", "generation": 4}})
}

fn service(http: &Json) -> Json {
    let spec = json!({"hosts": ["predictor"], "http": http});
    object("networking.istio.io/v1", "VirtualService", &spec, &json!({}))
}

fn to(subset: &str, weight: u64) -> Json {
    json!({"destination": {"host": "predictor", "subset": subset}, "weight": weight})
}

#[tokio::test]
async fn an_object_may_come_as_the_family_kube_gives_it() {
    let manifest = service(&json!([{"route": [to("v1", 3), to("v2", 1)]}]));
    let given = json!({"kind": "VirtualService", "api_version": "networking.istio.io/v1", "name": "predictor",
        "namespace": "models", "generation": 4, "labels": {}, "spec": manifest["spec"], "status": null, "more": {}});
    let (as_given, _) = read("weights", json!({"object": given})).await.unwrap();
    let (as_stored, _) = read("weights", json!({"object": manifest})).await.unwrap();
    assert_eq!(as_given, as_stored);
    assert_eq!(as_given["share"]["v1"], "75%");
}

#[tokio::test]
async fn weights_are_shares_of_their_sum() {
    let http = json!([
        {"name": "testers", "match": [{"headers": {"x-test": {"exact": "1"}}}], "route": [to("v2", 0)]},
        {"route": [to("v1", 90), to("v2", 10)],
         "fault": {"abort": {"httpStatus": 503, "percentage": {"value": 5}}}},
    ]);
    let (got, _) = read("weights", json!({"object": service(&http)})).await.unwrap();
    assert_eq!(got["share"], json!({"v1": "90%", "v2": "10%"}));
    assert_eq!(
        got["routes"][0]["destinations"][0]["share"], "100%",
        "the only destination gets everything"
    );
    assert_eq!(got["routes"][0]["conditional"], true);
    assert_eq!(
        (&got["faulty"], &got["routes"][1]["abort_share"]),
        (&json!(["http[1]"]), &json!("5%"))
    );
    let (got, _) = read("weights", json!({"object": service(&http), "route": "testers"}))
        .await
        .unwrap();
    assert_eq!(got["share"], json!({"v2": "100%"}));
    let thirds = json!([{"route": [to("v1", 2), to("v2", 1), {"destination": {"host": "other"}}]}]);
    let (got, _) = read("weights", json!({"object": service(&thirds)}))
        .await
        .unwrap();
    assert_eq!(got["share"]["other"], "0%");
    assert!(got["share"]["v1"].as_str().unwrap().starts_with("66.66"), "{got}");
}

#[tokio::test]
async fn subsets_that_no_rule_defines_are_listed() {
    let rule = |host: &str, subsets: &Json| {
        let spec = json!({"host": host, "subsets": subsets, "trafficPolicy": {"outlierDetection":
            {"consecutive5xxErrors": 7, "interval": "1s", "maxEjectionPercent": 100}}});
        object(
            "networking.istio.io/v1beta1",
            "DestinationRule",
            &spec,
            &json!({}),
        )
    };
    let http = json!([{"route": [to("v1", 90), to("v2", 10)]}]);
    let rules = [rule(
        "predictor.models.svc.cluster.local",
        &json!([{"name": "v1", "labels": {"version": "v1"}}]),
    )];
    let params = json!({"object": service(&http), "destination_rules": rules});
    let (got, _) = read("weights", params).await.unwrap();
    assert_eq!(got["undefined_subsets"], json!(["predictor/v2"]));
    let (got, _) = read("subsets", json!({"object": rules[0]})).await.unwrap();
    assert_eq!(got["subsets"][0]["labels"], json!({"version": "v1"}));
    let outlier = &got["outlier_detection"];
    assert_eq!(
        (&outlier["consecutive_5xx"], &outlier["interval"]),
        (&json!(7), &json!("1s"))
    );
    assert_eq!(
        (&outlier["base_ejection"], &outlier["max_ejection"]),
        (&json!("30s"), &json!("100%"))
    );
    let (got, _) = read(
        "weights",
        json!({"object": service(&http), "destination_rules":
        [rule("elsewhere.models.svc.cluster.local", &json!([{"name": "v1"}, {"name": "v2"}]))]}),
    )
    .await
    .unwrap();
    assert_eq!(got["undefined_subsets"], json!(["predictor/v1", "predictor/v2"]));
    // A list of rules that is empty defines nothing; without one nothing is known.
    let none = json!({"object": service(&http), "destination_rules": []});
    let (got, _) = read("weights", none).await.unwrap();
    assert_eq!(got["undefined_subsets"], json!(["predictor/v1", "predictor/v2"]));
    let (got, _) = read("weights", json!({"object": service(&http)})).await.unwrap();
    assert_eq!(got["undefined_subsets"], Json::Null);
}

async fn canary(object: Json) -> (Json, Vec<String>) {
    read("canary", json!({"object": object})).await.unwrap()
}

#[tokio::test]
async fn flagger_has_its_phases() {
    for (phase, weight, state) in [
        ("Initialized", 0, "idle"),
        ("Progressing", 10, "progressing"),
        ("WaitingPromotion", 50, "paused"),
        ("Succeeded", 0, "promoted"),
        ("Failed", 0, "rolled_back"),
        ("Failed", 10, "failed"),
        ("Terminated", 0, "failed"),
    ] {
        let status = json!({"phase": phase, "canaryWeight": weight, "failedChecks": 1, "iterations": 0,
            "conditions": [{"type": "Promoted", "status": "False", "reason": phase, "message": "error ratio 48%"}]});
        let (got, unsure) = canary(object("flagger.app/v1beta1", "Canary", &json!({}), &status)).await;
        assert_eq!(
            (&got["state"], &got["tool"]),
            (&json!(state), &json!("flagger")),
            "{phase}"
        );
        assert_eq!(
            (&got["message"], &got["stale"]),
            (&json!("error ratio 48%"), &Json::Null)
        );
        assert_eq!(unsure, [""; 0]);
    }
    let status = json!({"phase": "Dreaming"});
    let (got, unsure) = canary(object("flagger.app/v1beta1", "Canary", &json!({}), &status)).await;
    assert_eq!(
        (&got["state"], unsure),
        (&json!("unknown"), vec!["phase".to_owned()])
    );
}

#[tokio::test]
async fn argo_has_its_phases_and_a_generation_in_text() {
    let rollout = |phase: &str, abort: bool, weight: Option<u64>, current: &str, observed: Json| {
        let mut status = json!({"phase": phase, "abort": abort, "stableRS": "aaa", "currentPodHash": current,
            "message": "RolloutAborted: Rollout aborted update to revision 2", "observedGeneration": observed});
        if let Some(weight) = weight {
            status["canary"] =
                json!({"weights": {"canary": {"weight": weight}, "stable": {"weight": 100 - weight}}});
        }
        object("argoproj.io/v1alpha1", "Rollout", &json!({}), &status)
    };
    for (phase, abort, weight, current, state) in [
        ("Healthy", false, None, "aaa", "promoted"),
        ("Progressing", false, Some(10), "bbb", "progressing"),
        ("Paused", false, Some(10), "bbb", "paused"),
        ("Degraded", true, Some(0), "bbb", "rolled_back"),
        ("Degraded", true, None, "bbb", "rolled_back"),
        ("Degraded", true, Some(10), "bbb", "failed"),
        ("Degraded", false, Some(10), "bbb", "failed"),
    ] {
        let (got, unsure) = canary(rollout(phase, abort, weight, current, json!("4"))).await;
        assert_eq!(
            (&got["state"], &got["stale"]),
            (&json!(state), &json!(false)),
            "{phase} {abort}"
        );
        assert_eq!(unsure, [""; 0]);
    }
    let (got, unsure) = canary(rollout("Healthy", false, None, "aaa", json!("3"))).await;
    assert_eq!((&got["stale"], unsure), (&json!(true), vec!["fresh".to_owned()]));
    let odd = rollout("Healthy", false, None, "aaa", json!("many"));
    let failure = read("canary", json!({"object": odd})).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
}

#[tokio::test]
async fn kserve_says_it_in_percent() {
    let service = |wanted: Json, traffic: Json, rolled_out: &str| {
        let status = json!({"observedGeneration": 4, "components": {"predictor": {"traffic": traffic,
            "latestReadyRevision": "p-2", "latestRolledoutRevision": rolled_out,
            "previousRolledoutRevision": "p-0"}}});
        object(
            "serving.kserve.io/v1beta1",
            "InferenceService",
            &json!({"predictor": wanted}),
            &status,
        )
    };
    let both = |latest: u64| {
        json!([{"revisionName": "p-2", "percent": latest, "latestRevision": true},
            {"revisionName": "p-1", "percent": 100 - latest, "tag": "prev"}])
    };
    for (wanted, traffic, rolled_out, state, share, stable) in [
        (
            json!({"canaryTrafficPercent": 10}),
            both(10),
            "p-1",
            "progressing",
            "10%",
            "p-1",
        ),
        (
            json!({"canaryTrafficPercent": 0}),
            both(0),
            "p-1",
            "rolled_back",
            "0%",
            "p-1",
        ),
        (
            json!({"canaryTrafficPercent": 0}),
            both(10),
            "p-1",
            "progressing",
            "10%",
            "p-1",
        ),
        (json!({}), both(100), "p-2", "promoted", "100%", "p-2"),
    ] {
        let (got, _) = canary(service(wanted, traffic, rolled_out)).await;
        assert_eq!(
            (&got["state"], &got["canary_share"]),
            (&json!(state), &json!(share))
        );
        assert_eq!(got["stable"], stable);
    }
    // A new revision that does not become ready: everything still goes to the one before.
    let mut broken = service(json!({}), both(100), "p-2");
    broken["status"]["components"]["predictor"]["latestCreatedRevision"] = json!("p-3");
    let (got, _) = canary(broken.clone()).await;
    assert_eq!(
        (&got["state"], &got["message"]),
        (&json!("progressing"), &json!("the revision p-3 is not ready"))
    );
    broken["status"]["components"]["predictor"]["latestCreatedRevision"] = json!("p-2");
    assert_eq!(canary(broken).await.0["state"], "promoted");
    let failure = read("canary", json!({"object": service(json!({}), json!([]), "p-2")}))
        .await
        .unwrap_err();
    assert!(failure.message.contains("raw deployment"), "{failure}");
}

#[tokio::test]
async fn what_is_something_else_is_said() {
    let deployment = object("apps/v1", "Deployment", &json!({}), &json!({}));
    for (verb, odd, class, message) in [
        (
            "weights",
            deployment.clone(),
            Class::BadParameter,
            "`object` is a Deployment of `apps/v1`",
        ),
        (
            "subsets",
            deployment.clone(),
            Class::BadParameter,
            "not of the kind DestinationRule",
        ),
        (
            "canary",
            deployment,
            Class::BadParameter,
            "not of the kind Canary or Rollout or InferenceService",
        ),
        (
            "weights",
            json!("text"),
            Class::BadParameter,
            "is no Kubernetes object",
        ),
        (
            "weights",
            json!({"kind": "VirtualServiceList", "items": []}),
            Class::BadParameter,
            "is no Kubernetes object",
        ),
        (
            "weights",
            service(&json!([])),
            Class::UnreadableAnswer,
            "it has no route",
        ),
        (
            "weights",
            service(&json!([{"route": [to("v1", 0), to("v2", 0)]}])),
            Class::UnreadableAnswer,
            "has a weight",
        ),
        (
            "weights",
            service(&json!([{"route": [{"weight": 1}]}])),
            Class::UnreadableAnswer,
            "destination",
        ),
        (
            "canary",
            object("flagger.app/v1beta1", "Canary", &json!({}), &json!({})),
            Class::UnreadableAnswer,
            "phase",
        ),
        // Of another group, a kind is another kind.
        (
            "canary",
            object("example.org/v1", "Canary", &json!({}), &json!({})),
            Class::BadParameter,
            "example.org/v1",
        ),
    ] {
        let failure = read(verb, json!({"object": odd})).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
    }
    let failure = read(
        "weights",
        json!({"object": service(&json!([{"route": [to("v1", 1)]}])), "route": "x"}),
    )
    .await
    .unwrap_err();
    assert!(failure.message.contains("its routes are http[0]"), "{failure}");
}
