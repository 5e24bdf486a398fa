//! Who is asking: tokens, impersonation, kubeconfigs.

use serde_json::{Value as Json, json};
use specrun::action::Class;
use specrun::tools::{Auth, Endpoint, Grants};
use specrun::value::Secret;

use super::server::{Answer, Server, list, status};
use crate::support::actions::{Stage, only};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.not-really.a-token";

async fn with_tokens() -> Server {
    Server::start()
        .await
        .on(
            "POST /api/v1/namespaces/ml/serviceaccounts/intern/token",
            Answer::Json(
                201,
                json!({"status": {"token": TOKEN, "expirationTimestamp": "2026-11-26T15:00:00Z"}}),
            ),
        )
        .on("GET /api/v1/namespaces/ml/pods", list(1, &[]))
}

#[tokio::test]
async fn a_token_is_used_alone_and_never_shown() {
    let server = with_tokens().await;
    let mut stage = server.stage();
    let own = Secret::new("own", "the-endpoints-own");
    stage.endpoints.0.get_mut("kube").unwrap().auth = Some(Auth::Bearer { token: own });
    let context = stage.context(Grants::open());
    let run = async |action: &str, params: Json| {
        specrun::actions::REGISTRY
            .get(action)
            .unwrap()
            .run(params, &context)
            .await
    };
    let token = run(
        "kube.token",
        json!({"service_account": "intern", "namespace": "ml"}),
    )
    .await
    .unwrap();
    assert!(!token.to_string().contains("not-really"), "{token}");
    assert_eq!(token["user"], "system:serviceaccount:ml:intern");
    let asking = json!({"kind": "Pod", "namespace": "ml", "as": token["identity"]});
    run("kube.list", asking).await.unwrap();
    run("kube.list", json!({"kind": "Pod", "namespace": "ml"}))
        .await
        .unwrap();
    let asked = server.asked("GET /api/v1/namespaces/ml/pods");
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked[1].headers["authorization"], "Bearer the-endpoints-own");
    let lost = run("kube.list", json!({"kind": "Pod", "as": "token:nobody#9"})).await;
    assert_eq!(lost.unwrap_err().class, Class::BadParameter);
}

#[tokio::test]
async fn acting_as_another_is_said_in_a_header_and_must_be_granted() {
    let server = with_tokens().await;
    let params = json!({"kind": "Pod", "namespace": "ml", "as": "system:serviceaccount:ml:intern"});
    server.run("kube.list", params.clone()).await.unwrap();
    let asked = &server.asked("GET /api/v1/namespaces/ml/pods")[0];
    assert_eq!(
        asked.headers["impersonate-user"],
        "system:serviceaccount:ml:intern"
    );
    let grants = only(&[("endpoint", "kube".into()), ("kube", "ml:list:pods".into())]);
    let refused = server.stage().run("kube.list", params, grants).await.unwrap_err();
    assert_eq!(refused.class, Class::NotGranted);
    assert!(refused.help.unwrap().contains("impersonate:serviceaccounts"));
}

#[tokio::test]
async fn a_review_that_could_not_be_made_is_no_answer() {
    let path = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = json!({"verb": "create", "resource": "deployments.apps/scale", "namespace": "ml"});
    let said = |status: Json| Answer::Json(201, json!({"kind": "SelfSubjectAccessReview", "status": status}));
    let server = Server::start()
        .await
        .on(path, said(json!({"allowed": true, "reason": "RBAC: allowed"})))
        .on(
            path,
            said(json!({"allowed": false, "evaluationError": "no such role"})),
        )
        .on(path, said(json!({})));
    let yes = server.run("kube.can_i", ask.clone()).await.unwrap();
    assert_eq!(yes["allowed"], true);
    let sent = &server.asked(path)[0].body["spec"]["resourceAttributes"];
    assert_eq!(
        (&sent["group"], &sent["resource"], &sent["subresource"]),
        (&json!("apps"), &json!("deployments"), &json!("scale")),
        "{sent}"
    );
    assert_eq!(
        server.run("kube.can_i", ask.clone()).await.unwrap_err().class,
        Class::Server
    );
    assert_eq!(
        server.run("kube.can_i", ask).await.unwrap_err().class,
        Class::UnreadableAnswer
    );
}

#[tokio::test]
async fn nobody_may_what_does_not_exist_and_that_is_no_answer() {
    let path = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let server = Server::start().await.on(
        path,
        Answer::Json(
            201,
            json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": false}}),
        ),
    );
    let ask = async |verb: &str, resource: &str| {
        let params = json!({"verb": verb, "resource": resource, "namespace": "ml"});
        server.run("kube.can_i", params).await
    };
    for (verb, resource) in [
        ("create", "pods"),
        ("get", "pods/log"),
        ("get", "jobs.batch"),
        ("get", "nodes/metrics"),
        ("update", "jobs.batch/finalizers"),
        ("*", "*"),
        ("impersonate", "users"),
    ] {
        let no = ask(verb, resource).await.unwrap();
        assert_eq!(no["allowed"], false, "{verb} {resource}");
    }
    for (verb, resource, class, words) in [
        (
            "create",
            "jobs",
            Class::BadParameter,
            "did you mean `jobs.batch`?",
        ),
        ("create", "pod", Class::BadParameter, "did you mean `pods`?"),
        (
            "get",
            "pods/logs",
            Class::BadParameter,
            "its subresources are log",
        ),
        ("creat", "pods", Class::BadParameter, "did you mean `create`?"),
        ("write", "pods", Class::BadParameter, "known are"),
        (
            "create",
            "inferenceservices.serving.kserve.io",
            Class::Missing,
            "kube.wait",
        ),
    ] {
        let failure = ask(verb, resource).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.help.as_ref().unwrap().contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_is_refused_nothing() {
    let absent = status(
        404,
        "NotFound",
        "not found",
        &json!({"name": "intrn", "kind": "serviceaccounts"}),
    );
    let server = Server::start()
        .await
        .on("GET /api/v1/namespaces/ml/serviceaccounts/intrn", absent)
        .on(
            "GET /api/v1/namespaces/ml/serviceaccounts/intern",
            Answer::Json(
                200,
                json!({"kind": "ServiceAccount", "metadata": {"name": "intern"}}),
            ),
        )
        .on(
            "GET /api/v1/namespaces/ml/pods",
            status(403, "Forbidden", "User \"x\" cannot list", &json!({})),
        );
    for (account, class) in [("intern", Class::Forbidden), ("intrn", Class::BadParameter)] {
        let user = format!("system:serviceaccount:ml:{account}");
        for asking in [json!({"as_service_account": account}), json!({ "as": user })] {
            let mut params = json!({"kind": "Pod", "namespace": "ml"});
            params
                .as_object_mut()
                .unwrap()
                .extend(asking.as_object().unwrap().clone());
            let failure = server.run("kube.list", params).await.unwrap_err();
            assert_eq!(failure.class, class, "{failure}");
        }
    }
    // Whether it is there the endpoint's own user asks.
    let asked = server.asked("GET /api/v1/namespaces/ml/serviceaccounts/intern");
    assert!(asked.iter().all(|a| !a.headers.contains_key("impersonate-user")));
}

fn kubeconfig(user: &str, url: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{{name: c, cluster: {{server: \"{url}\"}}}}]\n\
         users: [{{name: u, user: {user}}}]\ncontexts: [{{name: lab, context: {{cluster: c, user: u, namespace: ml}}}}]\n"
    )
}

fn stage_of(config: &str, settings: &Json) -> Stage {
    let mut stage = Stage::new();
    let file = stage.file("kubeconfig", config);
    let mut all = settings.as_object().unwrap().clone();
    all.insert("kubeconfig".into(), json!(file));
    stage.endpoints.0.insert(
        "kube".to_owned(),
        Endpoint {
            family: "kube".to_owned(),
            settings: all.into_iter().collect(),
            ..Endpoint::default()
        },
    );
    stage
}

#[tokio::test]
async fn a_kubeconfigs_context_says_where_and_which_namespace() {
    let server = with_tokens().await;
    let stage = stage_of(
        &kubeconfig("{token: abc}", &server.url),
        &json!({"impersonate": "dora"}),
    );
    stage
        .run("kube.list", json!({"kind": "Pod"}), Grants::open())
        .await
        .unwrap();
    let asked = &server.asked("GET /api/v1/namespaces/ml/pods")[0];
    assert_eq!(asked.headers["authorization"], "Bearer abc");
    assert_eq!(asked.headers["impersonate-user"], "dora");
    let stage = stage_of(
        &kubeconfig("{token: abc}", &server.url),
        &json!({"context": "lap"}),
    );
    let failure = stage
        .run("kube.list", json!({"kind": "Pod"}), Grants::open())
        .await
        .unwrap_err();
    assert!(failure.class == Class::Missing && failure.help.unwrap().contains("`lab`"));
    let stage = stage_of(
        &kubeconfig("{token: abc}", &server.url),
        &json!({"contexts": "lab"}),
    );
    let failure = stage
        .run("kube.list", json!({"kind": "Pod"}), Grants::open())
        .await
        .unwrap_err();
    assert!(failure.class == Class::BadParameter && failure.help.unwrap().contains("`context`"));
}

#[tokio::test]
async fn a_kubeconfig_runs_no_program_that_nobody_named() {
    let server = with_tokens().await;
    let stage = Stage::new();
    let program = stage.program(
        "plugin",
        "touch \"$0.ran\"\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"from-plugin\"}}'",
    );
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\", interactiveMode: Never}}}}",
        program.display()
    );
    let config = kubeconfig(&user, &server.url);
    let refused = stage_of(&config, &json!({}))
        .run("kube.list", json!({"kind": "Pod"}), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(refused.class, Class::NotGranted);
    assert!(refused.help.unwrap().contains("exec_plugins"));
    assert!(!program.with_extension("ran").exists());
    let named = json!({"exec_plugins": [program]});
    stage_of(&config, &named)
        .run("kube.list", json!({"kind": "Pod"}), Grants::open())
        .await
        .unwrap();
    let asked = &server.asked("GET /api/v1/namespaces/ml/pods")[0];
    assert_eq!(asked.headers["authorization"], "Bearer from-plugin");
}

#[tokio::test]
async fn an_expired_token_is_not_a_want_of_rights() {
    let server = Server::start().await.on(
        "GET /api/v1/namespaces/ml/pods",
        status(401, "Unauthorized", "Unauthorized", &json!({})),
    );
    let failure = server
        .run("kube.list", json!({"kind": "Pod", "namespace": "ml"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unauthorized);
    assert!(failure.help.unwrap().contains("nothing about rights"));
}
