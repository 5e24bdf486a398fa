//! Kubernetes under stress, on a cluster of its own with simulated nodes: an API server that dies, many namespaces at once, and
//! what a step costs over the bare request. The figures are printed; `docs/reliability.md` has those of one machine.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use specrun::action::{Class, Context, Failure};
use specrun::actions::REGISTRY;
use specrun::tools::http::Until;
use specrun::tools::kube::Call;
use specrun::tools::{Endpoint, Grants};

use crate::shared::Lab;
use crate::support::actions::Stage;
use crate::support::root;
use crate::support::specrun::Running;

const CAP: Duration = Duration::from_mins(15);
const WAITS: usize = 100;
const SPECS: usize = 500;

/// A cluster of its own; it is stopped when dropped.
struct Cluster<'a> {
    lab: &'a Lab,
    dir: tempfile::TempDir,
    environment: PathBuf,
}

impl<'a> Cluster<'a> {
    fn up(lab: &'a Lab) -> Self {
        let cluster = Self {
            lab,
            dir: tempfile::tempdir_in(lab.folder()).unwrap(),
            environment: root().join("examples/lab/simulated.yaml"),
        };
        let began = Instant::now();
        cluster.specrun(&["env", "up", "kubernetes"]);
        tell(&format!(
            "a control plane with simulated nodes is up after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        cluster
    }

    fn specrun(&self, args: &[&str]) -> String {
        let mut command = self.lab.command();
        command
            .current_dir(self.dir.path())
            .env_remove("SPECRUN_SERVICES")
            .args(args)
            .arg("--env")
            .arg(&self.environment);
        Running::start(command).wait_up_to(CAP).code(0).stdout
    }

    fn kubeconfig(&self) -> PathBuf {
        walkdir::WalkDir::new(self.dir.path())
            .into_iter()
            .filter_map(Result::ok)
            .find(|e| e.file_name() == "admin.kubeconfig")
            .expect("the cluster's kubeconfig lies in its folder")
            .into_path()
    }

    /// Surroundings of steps on this cluster.
    fn context(&self) -> (Stage, Context) {
        let mut stage = Stage::new();
        stage.endpoints.0.insert(
            "kube".to_owned(),
            Endpoint {
                family: "kube".to_owned(),
                settings: [("kubeconfig".to_owned(), json!(self.kubeconfig()))].into(),
                ..Endpoint::default()
            },
        );
        let mut context = stage.context(Grants::open());
        context.deadline = Instant::now() + Duration::from_mins(5);
        (stage, context)
    }

    /// Ends the API server at once, as a crash would; the lab starts it again.
    fn kill_server(&self) {
        let folder = self.dir.path().canonicalize().unwrap();
        let pid = server_in(&folder).expect("the API server runs");
        let killed = Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        self.specrun(&["env", "down"]);
    }
}

/// The API server whose files lie in a folder.
fn server_in(folder: &Path) -> Option<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let program = line.split('\0').next()?;
            (program.ends_with("kube-apiserver") && line.contains(folder.to_str()?)).then_some(pid)
        })
}

async fn run(action: &str, params: Json, context: &Context) -> Result<Json, Failure> {
    REGISTRY.get(action).unwrap().run(params, context).await
}

#[test]
fn a_cluster_under_stress() {
    if !Path::new("/usr/bin/apt-get").exists() {
        tell(
            "the lab's Kubernetes is built from Debian packages, which this machine does not have: nothing ran",
        );
        return;
    }
    let lab = Lab::alone(&[]);
    let cluster = Cluster::up(&lab);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(waits_survive_a_server_that_dies(&cluster));
    runtime.block_on(a_step_costs_little_over_the_bare_request(&cluster));
    drop(runtime);
    namespaces_do_not_meet_and_none_is_left(&cluster);
}

/// Of a hundred waits the half whose objects become as they should be see it, and the others never do.
async fn waits_survive_a_server_that_dies(cluster: &Cluster<'_>) {
    let (_stage, context) = cluster.context();
    let namespace = "waits";
    let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    run("kube.create", json!({"manifest": manifest}), &context)
        .await
        .unwrap();
    let maps: Vec<Json> = (0..WAITS)
        .map(|n| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("w{n}")}, "data": {"done": "no"}}))
        .collect();
    run(
        "kube.create",
        json!({"manifest": maps, "namespace": namespace}),
        &context,
    )
    .await
    .unwrap();
    let waits: Vec<_> = (0..WAITS)
        .map(|n| {
            let context = context.clone();
            let params = json!({"kind": "ConfigMap", "name": format!("w{n}"), "namespace": namespace,
                                "field": "data.done", "equals": "yes"});
            tokio::spawn(async move { run("kube.wait", params, &context).await })
        })
        .collect();
    let patch = async |n: usize| {
        let params = json!({"kind": "ConfigMap", "name": format!("w{n}"), "namespace": namespace,
                            "patch": {"data": {"done": if n.is_multiple_of(2) { "yes" } else { "soon" }}}});
        // The server may be away still.
        let end = Instant::now() + Duration::from_mins(2);
        while let Err(failure) = run("kube.patch", params.clone(), &context).await {
            assert!(failure.class.retriable() && Instant::now() < end, "{failure}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    cluster.kill_server();
    for n in 0..WAITS / 2 {
        patch(n).await;
    }
    let away = began.elapsed();
    cluster.kill_server();
    for n in WAITS / 2..WAITS {
        patch(n).await;
    }
    let mut seen = 0;
    let mut others = Vec::new();
    for (n, wait) in waits.into_iter().enumerate() {
        if n % 2 == 0 {
            let got = wait
                .await
                .unwrap()
                .unwrap_or_else(|f| panic!("w{n} was missed: {f}"));
            assert_eq!(got["items"][0]["more"]["data"]["done"], "yes");
            seen += 1;
        } else {
            others.push(wait);
        }
    }
    context.cancel.cancel();
    for wait in others {
        assert_eq!(wait.await.unwrap().unwrap_err().class, Class::Cancelled);
    }
    tell(&format!(
        "API server killed twice during {WAITS} waits (the first time away for {:.1} s): {seen} of {} seen, 0 missed, 0 false",
        away.as_secs_f64(),
        WAITS / 2
    ));
}

async fn a_step_costs_little_over_the_bare_request(cluster: &Cluster<'_>) {
    let (_stage, context) = cluster.context();
    let until = Until {
        deadline: context.deadline,
        cancel: context.cancel.clone(),
    };
    let tools = Arc::clone(&context.tools);
    let connection = tools
        .kube
        .cluster(tools.endpoints.get("kube"), &until)
        .await
        .unwrap();
    let params = json!({"kind": "Namespace", "name": "kube-system"});
    run("kube.get", params.clone(), &context).await.unwrap();
    let (mut bare, mut step) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let began = Instant::now();
        connection
            .send(&Call::new("GET", "api/v1/namespaces/kube-system"), &until)
            .await
            .unwrap();
        bare.push(began.elapsed());
        let began = Instant::now();
        run("kube.get", params.clone(), &context).await.unwrap();
        step.push(began.elapsed());
    }
    bare.sort_unstable();
    step.sort_unstable();
    let over = step[150].saturating_sub(bare[150]);
    tell(&format!(
        "kube.get: median {:?}, the bare request {:?}: {over:?} over it",
        step[150], bare[150]
    ));
    // Far more than it takes, for machines that are busy.
    assert!(over < Duration::from_millis(5), "{over:?}");
}

fn namespaces_do_not_meet_and_none_is_left(cluster: &Cluster<'_>) {
    let specs = cluster.dir.path().join("specs");
    std::fs::create_dir(&specs).unwrap();
    for n in 0..SPECS {
        let mut text = String::new();
        let _ = write!(
            text,
            "specrun: 1\nid: n{n}\ntitle: A namespace of its own\ncategory: stress\ntools: [kube]\nsteps:\n  \
             - id: ns\n    kube.create:\n      manifest: {{apiVersion: v1, kind: Namespace, metadata: {{name: \"${{{{ run.prefix }}}}\"}}}}\n    \
             cleanup:\n      kube.delete: {{kind: Namespace, name: \"${{{{ run.prefix }}}}\"}}\n    timeout: 5m\n  \
             - id: own\n    kube.create:\n      namespace: \"${{{{ run.prefix }}}}\"\n      \
             manifest: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: same}}, data: {{n: \"{n}\"}}}}\n  \
             - id: all\n    kube.list: {{kind: ConfigMap, namespace: \"${{{{ run.prefix }}}}\", labels: specrun.io/spec=n{n}}}\n    needs: [own]\n\
             expect:\n  - all.count == 1\n  - all.items.all(.more.data.n == \"{n}\")\n"
        );
        std::fs::write(specs.join(format!("n{n}.yaml")), text).unwrap();
    }
    let began = Instant::now();
    let said = cluster.specrun(&["run", "specs", "--jobs", "100"]);
    assert!(said.contains(&format!("{SPECS} passed")), "{said}");
    tell(&format!(
        "{SPECS} specs, 100 at a time, each with a namespace of its own: all passed and cleaned up after {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_stage, context) = cluster.context();
    let left = runtime.block_on(run(
        "kube.list",
        json!({"kind": "Namespace", "labels": "app.kubernetes.io/managed-by=specrun"}),
        &context,
    ));
    // That of the waits.
    assert_eq!(left.unwrap()["count"], 1);
}

/// Shown whatever becomes of the test.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
