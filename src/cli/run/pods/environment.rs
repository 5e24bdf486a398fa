//! The environment as pods see it: every text resolved, no services, secrets by variables that only the pod has.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::engine::parts::Carried;
use crate::spec::environment::{Environment, Resolved};
use crate::tools::{Auth, Capability, Endpoint};
use crate::value::Secret;

/// What stands in the endpoint `kube` for those outside of the cluster: in a pod it is the cluster it runs in.
const OUTSIDE: [&str; 3] = ["kubeconfig", "context", "exec_plugins"];

/// The environment of pods.
#[derive(Default)]
pub(super) struct Given {
    /// Its file, and those it names.
    pub files: Vec<Carried>,
    /// The variables that hold the secrets.
    pub variables: BTreeMap<String, String>,
}

/// Writes the environment for pods into files below `folder`; the first is the environment's own.
///
/// # Errors
/// When a certificate or key that it names cannot be read.
pub(super) fn write(environment: &Environment, resolved: &Resolved, folder: &Path) -> Result<Given, String> {
    let mut given = Given::default();
    let mut endpoints = Map::new();
    for (family, endpoint) in &resolved.endpoints.0 {
        let written = if family == "kube" {
            inside(endpoint)
        } else if loopback(endpoint).is_some() {
            continue;
        } else {
            plain(endpoint, folder, &mut given.files)?
        };
        endpoints.insert(family.clone(), written);
    }
    let mut secrets = Map::new();
    for (n, source) in environment.secrets.iter().enumerate() {
        let (name, variable) = (&source.name.value, format!("SPECRUN_SECRET_{n}"));
        if let Some(secret) = resolved.secrets.iter().find(|s| s.name() == name) {
            given
                .variables
                .insert(variable.clone(), Secret::expose(secret).to_owned());
        }
        secrets.insert(
            name.clone(),
            json!({"from": format!("env.{variable}"), "required": source.required}),
        );
    }
    let inputs: Map<String, Json> = environment
        .inputs
        .iter()
        .map(|(name, value)| (name.value.clone(), value.clone()))
        .collect();
    let document = json!({
        "environment": environment.name,
        "endpoints": endpoints,
        "secrets": secrets,
        "inputs": inputs,
    });
    // JSON is YAML.
    let text = format!("{document:#}\n");
    let mut file = Carried::new(folder.join("environment.yaml"), text.as_bytes());
    file.private = true;
    given.files.insert(0, file);
    Ok(given)
}

/// The cluster that the pod runs in, by its service account.
fn inside(endpoint: &Endpoint) -> Json {
    let settings = endpoint
        .settings
        .iter()
        .filter(|(key, _)| !OUTSIDE.contains(&key.as_str()));
    settings
        .map(|(key, value)| (key.clone(), escaped(value)))
        .collect()
}

fn plain(endpoint: &Endpoint, folder: &Path, files: &mut Vec<Carried>) -> Result<Json, String> {
    let mut written = Map::new();
    let mut put = |key: &str, value: &str| {
        written.insert(key.to_owned(), escaped(&Json::from(value)));
    };
    if let Some(url) = &endpoint.url {
        put("url", url);
    }
    if let Some(host) = &endpoint.host {
        put("host", host);
    }
    match &endpoint.auth {
        Some(Auth::Bearer { token }) => put("token", token.name()),
        Some(Auth::Basic { username, password }) => {
            put("username", username);
            put("password", password.name());
        }
        None => {}
    }
    let pair = endpoint.client_certificate.as_ref();
    for (key, path) in [
        ("ca", endpoint.ca.as_ref()),
        ("certificate", pair.map(|(certificate, _)| certificate)),
        ("key", pair.map(|(_, key)| key)),
    ] {
        let Some(path) = path else { continue };
        let bytes = std::fs::read(path).map_err(|e| format!("reading {}: {e}", path.display()))?;
        let name = format!("{}.{key}.pem", endpoint.family);
        let mut file = Carried::new(folder.join(&name), &bytes);
        file.private = true;
        files.push(file);
        put(key, &name);
    }
    if !endpoint.headers.is_empty() {
        written.insert("headers".to_owned(), escaped(&json!(endpoint.headers)));
    }
    for (key, value) in &endpoint.settings {
        written.insert(key.clone(), escaped(value));
    }
    if endpoint.family == "exec"
        && let Some(programs) = written.get_mut("programs").and_then(Json::as_object_mut)
    {
        // There are no services whose programs they could be.
        for program in programs.values_mut().filter_map(Json::as_object_mut) {
            program.remove("needs");
        }
    }
    Ok(written.into())
}

/// Texts that are resolved already stay as they are when they are read again.
fn escaped(value: &Json) -> Json {
    match value {
        Json::String(text) => text.replace("${{", "$${{").into(),
        Json::Array(items) => items.iter().map(escaped).collect(),
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), escaped(value)))
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}

/// Why a pod cannot do what needs this power, when it is known: what is meant is this machine.
pub(super) fn out_of_reach(capability: &Capability, resolved: &Resolved) -> Option<String> {
    match capability {
        Capability::Endpoint { family } if family != "kube" => {
            let url = loopback(resolved.endpoints.get(family)?)?;
            Some(format!(
                "the endpoint `{family}` is {url}, which in a pod is the pod itself"
            ))
        }
        Capability::Net { host, .. } if is_loopback(host) => {
            Some(format!("{host} is the pod itself in a pod"))
        }
        _ => None,
    }
}

fn loopback(endpoint: &Endpoint) -> Option<&str> {
    let text = endpoint.url.as_deref()?;
    let url = url::Url::parse(text).ok()?;
    is_loopback(url.host_str()?).then_some(text)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(family: &str, url: Option<&str>) -> Endpoint {
        Endpoint {
            family: family.to_owned(),
            url: url.map(str::to_owned),
            ..Endpoint::default()
        }
    }

    #[test]
    fn this_machine_is_out_of_reach() {
        let mut resolved = Resolved::default();
        for (family, url) in [
            ("mlflow", Some("http://127.0.0.1:5000")),
            ("feast", Some("http://[::1]:6566")),
            ("s3", Some("http://localhost:9000")),
            ("prometheus", Some("http://prometheus.monitoring:9090")),
            ("exec", None),
            ("kube", Some("https://127.0.0.1:6443")),
        ] {
            resolved
                .endpoints
                .0
                .insert(family.to_owned(), endpoint(family, url));
        }
        let of = |family: &str| {
            let capability = Capability::Endpoint {
                family: family.to_owned(),
            };
            out_of_reach(&capability, &resolved).is_some()
        };
        assert!(of("mlflow") && of("feast") && of("s3"));
        assert!(!of("prometheus") && !of("exec") && !of("kube") && !of("unknown"));
        let net = |url: &str| out_of_reach(&Capability::net_of_url(url), &resolved).is_some();
        assert!(net("http://127.0.0.9:1/x") && net("http://localhost/"));
        assert!(!net("http://iris.models/") && !net("${{ service.url }}/x"));
    }

    #[test]
    fn what_is_written_is_an_environment_without_services() {
        use crate::diag::Diagnostics;
        use crate::source::Sources;
        use crate::spec::environment::{ServiceFacts, read};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env.yaml");
        std::fs::write(
            &path,
            "environment: e\ninputs: {n: 1}\nsecrets: {t: {from: env.T}}\nservices:\n  s: {ports: [port], start: [x], ready: {log: y}}\n\
             endpoints:\n  mlflow: {url: \"http://m:${{ services.s.port }}\", token: t, needs: [s]}\n  \
             exec: {programs: {p: {run: [\"$${{ p }}\"], needs: [s]}}}\n  kube: {kubeconfig: k, namespace: ml}\n",
        )
        .unwrap();
        let read = |path: &Path| {
            let mut wrong = Diagnostics::new();
            let environment = read(&Sources::new(), path, &crate::actions::REGISTRY, &mut wrong);
            assert!(!wrong.has_errors(), "{:?}", wrong.sorted());
            environment.unwrap()
        };
        let facts = ServiceFacts {
            ports: vec![("s".to_owned(), "port".to_owned(), 7)],
            dirs: vec![("s".to_owned(), folder.path().to_owned())],
            ..ServiceFacts::default()
        };
        let resolved = read(&path)
            .resolve(&facts, &|_| Some("secret".to_owned()))
            .unwrap();
        let given = write(&read(&path), &resolved, Path::new("given")).unwrap();
        assert_eq!(given.variables["SPECRUN_SECRET_0"], "secret");

        let out = tempfile::tempdir().unwrap();
        given.files[0].put(out.path()).unwrap();
        let again = read(&out.path().join("given/environment.yaml"));
        assert!(again.services.is_empty());
        let variable = |name: &str| given.variables.get(name).cloned();
        let mut again = again.resolve(&ServiceFacts::default(), &variable).unwrap();
        let kube = again.endpoints.0.remove("kube").unwrap();
        assert_eq!(kube.settings["namespace"], "ml");
        assert!(!kube.settings.contains_key("kubeconfig"));
        assert_eq!(again.endpoints.get("mlflow"), resolved.endpoints.get("mlflow"));
        assert_eq!(
            again.endpoints.get("exec").unwrap().settings["programs"]["p"]["run"][0],
            "${{ p }}"
        );
    }

    #[test]
    fn what_a_server_or_a_secret_holds_is_no_expression_later() {
        let value = json!({"a": ["${{ env.HOME }}", 1], "b": null});
        assert_eq!(escaped(&value), json!({"a": ["$${{ env.HOME }}", 1], "b": null}));
    }
}
