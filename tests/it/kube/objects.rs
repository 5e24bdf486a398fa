//! Objects: read, made, refused.

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;

use super::server::{Answer, Server, list, pod, status};
use crate::support::actions::only;

const PODS: &str = "/api/v1/namespaces/ml/pods";

#[tokio::test]
async fn an_object_is_read_whole() {
    let found = pod(
        "web",
        "u1",
        7,
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    );
    let server = Server::start()
        .await
        .on(&format!("GET {PODS}/web"), Answer::Json(200, found));
    for kind in ["Pod", "pods", "pod"] {
        let got = server
            .run(
                "kube.get",
                json!({"kind": kind, "name": "web", "namespace": "ml"}),
            )
            .await
            .unwrap();
        assert_eq!(got["status"]["phase"], "Running");
        assert_eq!(got["conditions"][0]["type"], "Ready");
        assert_eq!(
            (&got["namespace"], &got["deleting"]),
            (&json!("ml"), &json!(false))
        );
    }
}

#[tokio::test]
async fn a_kind_is_found_in_whatever_version_has_it() {
    let server = Server::start()
        .await
        .on("GET /apis/batch/v1beta1/namespaces/ml/cronjobs", list(1, &[]));
    let got = server
        .run("kube.list", json!({"kind": "CronJob", "namespace": "ml"}))
        .await
        .unwrap();
    assert_eq!(got["count"], 0);
}

#[tokio::test]
async fn what_is_absent_is_told_from_what_nobody_knows() {
    let server = Server::start().await.on(
        &format!("GET {PODS}/web"),
        status(
            404,
            "NotFound",
            "pods \"web\" not found",
            &json!({"name": "web", "kind": "pods"}),
        ),
    );
    let absent = server
        .run(
            "kube.get",
            json!({"kind": "Pod", "name": "web", "namespace": "ml"}),
        )
        .await
        .unwrap_err();
    assert_eq!(absent.class, Class::NotFound);
    let unknown = server
        .run(
            "kube.get",
            json!({"kind": "Pood", "name": "web", "namespace": "ml"}),
        )
        .await
        .unwrap_err();
    assert_eq!(unknown.class, Class::Missing);
    let help = unknown.help.unwrap();
    assert!(help.contains("`Pod`") && help.contains("Established"), "{help}");
    // A server of another group that is down is named, since the kind might be its.
    assert!(
        unknown.details[0].contains("metrics.k8s.io/v1beta1"),
        "{:?}",
        unknown.details
    );
    let version = server
        .run(
            "kube.get",
            json!({"kind": "Pod", "api_version": "v2", "name": "web", "namespace": "ml"}),
        )
        .await
        .unwrap_err();
    assert_eq!(version.class, Class::Missing);
}

#[tokio::test]
async fn what_is_made_says_who_made_it() {
    let server = Server::start().await.on(
        &format!("POST {PODS}"),
        Answer::Json(201, pod("web", "u1", 1, json!({}))),
    );
    let manifest =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}});
    let made = server
        .run("kube.create", json!({"manifest": manifest, "namespace": "ml"}))
        .await
        .unwrap();
    assert_eq!((&made["name"], &made["uid"]), (&json!("web"), &json!("u1")));
    let sent = &server.asked(&format!("POST {PODS}"))[0];
    assert_eq!(sent.query["fieldValidation"], "Strict");
    let labels = &sent.body["metadata"]["labels"];
    assert_eq!(labels["app"], "web");
    assert_eq!(labels["app.kubernetes.io/managed-by"], "specrun");
    assert_eq!(labels["specrun.io/owner"], "sr-test");
    assert_eq!(sent.body["metadata"]["namespace"], "ml");
}

#[tokio::test]
async fn a_namespace_that_takes_no_pods_yet_is_waited_for() {
    let early = status(
        500,
        "ServerTimeout",
        "No API token found for service account \"default\", retry after the token is automatically created",
        &json!({"retryAfterSeconds": 1}),
    );
    let server = Server::start()
        .await
        .on(&format!("POST {PODS}"), early.clone())
        .on(&format!("POST {PODS}"), early)
        .on(
            &format!("POST {PODS}"),
            Answer::Json(201, pod("web", "u1", 1, json!({}))),
        )
        .on(
            "POST /api/v1/namespaces",
            Answer::Json(
                201,
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}}),
            ),
        )
        .on(
            "GET /api/v1/namespaces/ml/serviceaccounts/default",
            status(404, "NotFound", "none", &json!({"name": "default"})),
        )
        .on(
            "GET /api/v1/namespaces/ml/serviceaccounts/default",
            Answer::Json(200, json!({"kind": "ServiceAccount"})),
        );
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}});
    server
        .run("kube.create", json!({"manifest": namespace}))
        .await
        .unwrap();
    assert_eq!(
        server
            .asked("GET /api/v1/namespaces/ml/serviceaccounts/default")
            .len(),
        2
    );
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}});
    server
        .run("kube.create", json!({"manifest": manifest, "namespace": "ml"}))
        .await
        .unwrap();
    assert_eq!(server.asked(&format!("POST {PODS}")).len(), 3);
}

#[tokio::test]
async fn a_template_gives_several_objects_and_wants_all_its_names() {
    let server = Server::start().await.on(
        &format!("POST {PODS}"),
        Answer::Json(201, pod("a", "u1", 1, json!({}))),
    );
    let stage = server.stage();
    stage.file(
        "project/specs/pods.yaml.j2",
        "{% for n in names %}---\napiVersion: v1\nkind: Pod\nmetadata: {name: {{ n }}}\n{% endfor %}",
    );
    let params = json!({"file": "pods.yaml.j2", "values": {"names": ["a", "b"]}, "namespace": "ml"});
    let made = stage.run("kube.create", params, Grants::open()).await.unwrap();
    assert_eq!(made["objects"].as_array().unwrap().len(), 2);
    let params = json!({"file": "pods.yaml.j2", "values": {}, "namespace": "ml"});
    let wrong = stage
        .run("kube.create", params, Grants::open())
        .await
        .unwrap_err();
    assert_eq!(wrong.class, Class::BadParameter, "{wrong}");
}

#[tokio::test]
async fn manifests_that_cannot_be_used_say_why() {
    let server = Server::start().await;
    for (manifest, words) in [
        (
            json!({"kind": "Pod", "metadata": {"name": "a"}}),
            "lacks `kind` or `apiVersion`",
        ),
        (json!({"apiVersion": "v1", "kind": "Pod"}), "no `metadata.name`"),
        (json!([]), "no object"),
    ] {
        let wrong = server
            .run("kube.create", json!({"manifest": manifest, "namespace": "ml"}))
            .await
            .unwrap_err();
        assert!(
            wrong.class == Class::BadParameter && wrong.message.contains(words),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    let rbac = "pods is forbidden: User \"intern\" cannot create resource \"pods\" in API group \"\" in the namespace \"ml\"";
    let webhook = "admission webhook \"w.example\" denied the request: no signature";
    let down = "Internal error occurred: failed calling webhook \"w.example\": connection refused";
    for (answer, class) in [
        (status(403, "Forbidden", rbac, &json!({})), Class::Forbidden),
        (status(403, "Forbidden", webhook, &json!({})), Class::Denied),
        (status(500, "InternalError", down, &json!({})), Class::Unavailable),
        (status(409, "AlreadyExists", "there", &json!({})), Class::Conflict),
        (
            status(
                422,
                "Invalid",
                "wrong",
                &json!({"causes": [{"field": "spec.x", "message": "no"}]}),
            ),
            Class::Invalid,
        ),
        (
            status(401, "Unauthorized", "Unauthorized", &json!({})),
            Class::Unauthorized,
        ),
        (
            Answer::Text("text/html", "<html>proxy</html>"),
            Class::UnreadableAnswer,
        ),
        (Answer::Json(200, json!({"kind": "Pod"})), Class::UnreadableAnswer),
        (Answer::Json(200, json!([])), Class::UnreadableAnswer),
    ] {
        let shown = format!("{answer:?}");
        let server = Server::start().await.on(&format!("POST {PODS}"), answer);
        let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}});
        let refused = server
            .run("kube.create", json!({"manifest": manifest, "namespace": "ml"}))
            .await
            .unwrap_err();
        assert_eq!(refused.class, class, "{shown}: {refused}");
    }
}

#[tokio::test]
async fn a_log_is_text_and_no_page_of_a_proxy() {
    let server = Server::start()
        .await
        .on(
            &format!("GET {PODS}/web/log"),
            Answer::Text("text/plain", "one\ntwo\n"),
        )
        .on(
            &format!("GET {PODS}/odd/log"),
            Answer::Text("text/html", "<html>"),
        );
    let got = server
        .run("kube.logs", json!({"pod": "web", "tail": 2, "namespace": "ml"}))
        .await
        .unwrap();
    assert_eq!(got["lines"], json!(["one", "two"]));
    let odd = server
        .run("kube.logs", json!({"pod": "odd", "namespace": "ml"}))
        .await
        .unwrap_err();
    assert_eq!(odd.class, Class::UnreadableAnswer);
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let page = |names: &[&str], more: &str| {
        let items: Vec<_> = names.iter().map(|n| pod(n, n, 1, json!({}))).collect();
        Answer::Json(
            200,
            json!({"kind": "PodList", "metadata": {"resourceVersion": "9", "continue": more}, "items": items}),
        )
    };
    let server = Server::start()
        .await
        .on(&format!("GET {PODS}"), page(&["b"], "next"))
        .on(&format!("GET {PODS}"), page(&["a"], ""));
    let got = server
        .run(
            "kube.list",
            json!({"kind": "Pod", "labels": "app=web", "namespace": "ml"}),
        )
        .await
        .unwrap();
    assert_eq!(
        (&got["count"], &got["items"][0]["name"]),
        (&json!(2), &json!("a"))
    );
    let asked = server.asked(&format!("GET {PODS}"));
    assert_eq!(asked[1].query["continue"], "next");
    assert_eq!(asked[0].query["labelSelector"], "app=web");
    let odd = Server::start()
        .await
        .on(&format!("GET {PODS}"), Answer::Json(200, json!({})));
    let failure = odd
        .run("kube.list", json!({"kind": "Pod", "namespace": "ml"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_not_an_empty_one() {
    let server = |namespace: Answer| async move {
        Server::start()
            .await
            .on(&format!("GET {PODS}"), list(1, &[]))
            .on("GET /api/v1/namespaces/ml/events", list(1, &[]))
            .on("GET /api/v1/namespaces/ml", namespace)
    };
    let absent = status(
        404,
        "NotFound",
        "not found",
        &json!({"name": "ml", "kind": "namespaces"}),
    );
    let gone = server(absent).await;
    let pods = json!({"kind": "Pod", "namespace": "ml"});
    for (action, params) in [
        ("kube.list", pods.clone()),
        ("kube.events", json!({"namespace": "ml"})),
    ] {
        let failure = gone.run(action, params).await.unwrap_err();
        assert_eq!(failure.class, Class::NotFound, "{failure}");
        assert!(failure.message.contains("no namespace `ml`"), "{failure}");
    }
    // Who may not look at namespaces cannot know.
    let hidden = server(status(403, "Forbidden", "User \"x\" cannot get", &json!({}))).await;
    assert_eq!(hidden.run("kube.list", pods.clone()).await.unwrap()["count"], 0);
    // A policy that grants the list alone lets nobody look at more.
    let gone = server(status(404, "NotFound", "not found", &json!({}))).await;
    let grants = only(&[("endpoint", "kube".into()), ("kube", "ml:list:pods".into())]);
    let found = gone.stage().run("kube.list", pods, grants).await.unwrap();
    assert_eq!(found["count"], 0);
    assert_eq!(gone.asked("GET /api/v1/namespaces/ml").len(), 0);
}

#[tokio::test]
async fn events_are_asked_for_by_the_kind_as_the_server_writes_it() {
    let server = Server::start()
        .await
        .on("GET /api/v1/namespaces/ml/events", list(1, &[]));
    let ask = async |kind: &str| {
        let params = json!({"kind": kind, "namespace": "ml"});
        server.run("kube.events", params).await
    };
    assert_eq!(ask("pods").await.unwrap()["count"], 0);
    let asked = &server.asked("GET /api/v1/namespaces/ml/events")[0];
    assert_eq!(asked.query["fieldSelector"], "involvedObject.kind=Pod");
    assert_eq!(ask("Pdo").await.unwrap_err().class, Class::Missing);
}

#[tokio::test]
async fn a_verb_on_a_resource_in_a_namespace_is_granted_and_no_other() {
    let server = Server::start()
        .await
        .on(
            &format!("GET {PODS}/web"),
            Answer::Json(200, pod("web", "u", 1, json!({}))),
        )
        .on(
            "GET /api/v1/namespaces/other/pods/web",
            Answer::Json(200, pod("web", "u", 1, json!({}))),
        );
    let grants = || only(&[("endpoint", "kube".into()), ("kube", "ml:get:pods".into())]);
    let get = |namespace: &str| json!({"kind": "Pod", "name": "web", "namespace": namespace});
    let stage = server.stage();
    stage.run("kube.get", get("ml"), grants()).await.unwrap();
    let other = stage.run("kube.get", get("other"), grants()).await.unwrap_err();
    assert_eq!(other.class, Class::NotGranted);
    assert!(other.help.unwrap().contains("--allow-kube=other:get:pods"));
    let list = json!({"kind": "Pod", "namespace": "ml"});
    assert_eq!(
        stage.run("kube.list", list, grants()).await.unwrap_err().class,
        Class::NotGranted
    );
    assert_eq!(server.asked("GET /api/v1/namespaces/other/pods/web").len(), 0);
}
