//! Environments as files: layers, texts, secrets.

use std::path::PathBuf;

use super::{Environment, Resolved, ServiceFacts, read};
use crate::action::{Family, Registry};
use crate::diag::Diagnostics;
use crate::source::Sources;
use crate::tools::Auth;

static FAMILIES: &[Family] = &[
    Family {
        name: "exec",
        about: "Runs.",
        actions: &[],
        program: None,
    },
    Family {
        name: "mlflow",
        about: "Asks.",
        actions: &[],
        program: None,
    },
];
static REGISTRY: Registry = Registry::new(FAMILIES);

const LAB: &str = r#"
environment: lab
endpoints:
  mlflow:
    url: "http://127.0.0.1:${{ services.mlflow.port }}"
    token: api
    headers: {X-Lab: "${{ env.LAB }}"}
  exec:
    programs: {train: ["${{ cache }}/python", "${{ dir }}/train.py"]}
    retries: 3
secrets:
  api: {from: env.API}
  other: {from: file.secret.txt, required: false}
services:
  mlflow:
    ports: [port]
    start: [mlflow, --port, "${{ services.mlflow.port }}", --dir, "${{ services.mlflow.dir }}"]
    ready: {http: "http://127.0.0.1:${{ services.mlflow.port }}/version", matches: '^3\.'}
"#;

const FAULT: &str = r#"
environment: slow
extends: ../lab.yaml
inputs: {model: iris}
endpoints:
  mlflow: {token: null, host: models.example}
services:
  mlflow: {start: [slow, "${{ dir }}/proxy.py"]}
"#;

/// Reads `name` of a folder with the lab and a variant of it.
fn environment(name: &str) -> (Environment, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("faults")).unwrap();
    std::fs::write(dir.path().join("lab.yaml"), LAB).unwrap();
    std::fs::write(dir.path().join("faults/slow.yaml"), FAULT).unwrap();
    let mut out = Diagnostics::new();
    let found = read(&Sources::new(), &dir.path().join(name), &REGISTRY, &mut out);
    assert_eq!(out.sorted(), []);
    (found.unwrap(), dir)
}

fn facts() -> ServiceFacts {
    ServiceFacts {
        ports: vec![("mlflow".to_owned(), "port".to_owned(), 5001)],
        dirs: vec![("mlflow".to_owned(), PathBuf::from("/data/mlflow"))],
        cache: PathBuf::from("/cache"),
    }
}

fn variables(name: &str) -> Option<String> {
    match name {
        "API" => Some("token-value".to_owned()),
        "LAB" => Some("yes".to_owned()),
        _ => None,
    }
}

#[test]
fn texts_are_resolved_with_what_the_services_gave() {
    let (lab, dir) = environment("lab.yaml");
    let Resolved { endpoints, secrets } = lab.resolve(&facts(), &variables).unwrap();
    let mlflow = endpoints.get("mlflow").unwrap();
    assert_eq!(mlflow.url.as_deref(), Some("http://127.0.0.1:5001"));
    assert_eq!(mlflow.headers["X-Lab"], "yes");
    match &mlflow.auth {
        Some(Auth::Bearer { token }) => assert_eq!(token.expose(), "token-value"),
        other => panic!("{other:?}"),
    }
    let exec = endpoints.get("exec").unwrap();
    let train = dir.path().join("train.py").display().to_string();
    assert_eq!(
        exec.settings["programs"],
        serde_json::json!({"train": ["/cache/python", train]})
    );
    assert_eq!(exec.settings["retries"], 3);
    let names: Vec<_> = secrets.iter().map(crate::value::Secret::name).collect();
    assert_eq!(names, ["api"], "the optional secret has no file");
    let start: Result<Vec<_>, _> = lab.services[0]
        .start
        .iter()
        .map(|s| lab.text(s, &facts(), &variables))
        .collect();
    assert_eq!(
        start.unwrap(),
        ["mlflow", "--port", "5001", "--dir", "/data/mlflow"]
    );
}

#[test]
fn a_layer_changes_only_what_it_names_and_paths_belong_to_their_file() {
    let (slow, dir) = environment("faults/slow.yaml");
    assert_eq!(slow.name, "slow");
    assert_eq!(slow.services.len(), 1);
    assert_eq!(slow.services[0].ports, ["port"], "kept from the base");
    let word = slow
        .text(&slow.services[0].start[1], &facts(), &variables)
        .unwrap();
    assert!(word.ends_with("/proxy.py") && word.contains("faults"), "{word}");
    let resolved = slow.resolve(&facts(), &variables).unwrap();
    let mlflow = resolved.endpoints.get("mlflow").unwrap();
    assert_eq!(mlflow.auth, None, "null takes the token away");
    assert_eq!(mlflow.host.as_deref(), Some("models.example"));
    assert_eq!(mlflow.url.as_deref(), Some("http://127.0.0.1:5001"));
    let exec = resolved.endpoints.get("exec").unwrap();
    let train = exec.settings["programs"]["train"][1].as_str().unwrap().to_owned();
    let base = dir.path().join("train.py");
    assert_eq!(
        std::path::Path::new(&train).file_name(),
        base.file_name(),
        "the base's folder"
    );
    assert!(!train.contains("faults/train.py"), "{train}");
}

#[test]
fn what_has_no_value_is_named() {
    let (lab, _dir) = environment("lab.yaml");
    let wrong = lab.resolve(&facts(), &|_| None).unwrap_err();
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].message.contains("`api` has no value"), "{wrong:?}");
    let without_lab = |name: &str| variables(name).filter(|_| name != "LAB");
    let wrong = lab.resolve(&facts(), &without_lab).unwrap_err();
    assert!(wrong[0].message.contains("LAB"), "{wrong:?}");
}

#[test]
fn a_secret_from_a_file_ends_before_the_line_break() {
    let (lab, dir) = environment("lab.yaml");
    std::fs::write(dir.path().join("secret.txt"), "from-a-file\n").unwrap();
    let secrets = lab.secret_values(&variables).unwrap();
    assert_eq!(secrets[1].name(), "other");
    assert_eq!(secrets[1].expose(), "from-a-file");
}
