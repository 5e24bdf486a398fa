//! `load.run` with workers in pods of the real node, against a service of the cluster. Their image is that of the program that
//! is tested: the lab makes it of the specrun that starts it.

use std::path::{Path, PathBuf};

use crate::kube::{ROOM, debian, real_node};
use crate::room::all_passed;
use crate::support::root;

/// Two pods send what one would, and one result comes of it; their Jobs are gone when the step is over.
const TWO_PODS: &str = r#"
  - id: traffic
    load.run:
      request: {http.request: {method: POST, url: "${{ service.url }}/v1/models/iris:predict", json: {instances: [[5.1, 3.5, 1.4, 0.2]]}}}
      arrival: {rate: 40/s}
      requests: 201
      workers: {kubernetes: 2, namespace: "${{ run.prefix }}", cpu: 50m, memory: 16Mi}
      # Every processor of this machine is busy with something else.
      generator: {lag: 10s, cpu: 100%}
    timeout: 3m
  - id: left
    kube.list: {kind: Job, namespace: "${{ run.prefix }}", labels: specrun.io/work=load}
    needs: [traffic]
    eventually: .count == 0
    # A Job is gone after its pods, and the kubelet of a busy machine takes its time.
    within: 3m
expect:
  - traffic.sent == 201
  - traffic.errors.count == 0
  - traffic.generator.threads == 2
"#;

/// One of two pods is deleted while it sends: the load is lost, and says so.
const ONE_LOST: &str = r#"
  - id: traffic
    load.run:
      request: {http.request: {method: POST, url: "${{ service.url }}/v1/models/iris:predict", json: {instances: [[5.1, 3.5, 1.4, 0.2]]}}}
      arrival: {rate: 10/s}
      duration: 2m
      workers: {kubernetes: 2, namespace: "${{ run.prefix }}"}
      generator: {lag: 10s, cpu: 100%}
    needs: [service]
    timeout: 4m
    expect_failure: {class: unavailable, message: "is lost: it ended before its work was done"}
  - id: pods
    kube.list: {kind: Pod, namespace: "${{ run.prefix }}", labels: specrun.io/work=load}
    needs: [service]
    eventually: .count == 2 and .items.all(.status.phase == "Running")
    within: 2m
  - id: at_work
    kube.logs: {pod: "${{ pods.items[0].name }}", namespace: "${{ run.prefix }}"}
    needs: [pods]
    eventually: .text contains "live"
    within: 2m
  - id: lost
    kube.delete: {kind: Pod, name: "${{ pods.items[0].name }}", namespace: "${{ run.prefix }}", grace: 0s, wait: false}
    needs: [at_work]
  - id: left
    kube.list: {kind: Job, namespace: "${{ run.prefix }}", labels: specrun.io/work=load}
    needs: [traffic, lost]
    eventually: .count == 0
    # A Job is gone after its pods, and the kubelet of a busy machine takes its time.
    within: 3m
"#;

const SERVICE: &str = r#"tools: [kube, load, http, file]
timeout: 9m
steps:
  - id: ns
    kube.create:
      manifest: {apiVersion: v1, kind: Namespace, metadata: {name: "${{ run.prefix }}"}}
    cleanup:
      kube.delete: {kind: Namespace, name: "${{ run.prefix }}"}
  - id: program
    file.read: {path: iris.py}
  - id: model
    kube.create:
      namespace: "${{ run.prefix }}"
      manifest:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: iris}
          data: {iris.py: "${{ program.text }}"}
        - apiVersion: serving.kserve.io/v1beta1
          kind: InferenceService
          metadata: {name: iris, annotations: {specrun.io/no-autoscaler: "true"}}
          spec:
            predictor:
              minReplicas: 1
              maxReplicas: 1
              dnsPolicy: Default
              nodeSelector: {specrun/real: "true"}
              containers:
                - name: kserve-container
                  image: specrun.local/host:1
                  imagePullPolicy: IfNotPresent
                  command: [/usr/bin/python3, -u, /app/iris.py]
                  ports: [{containerPort: 8080, protocol: TCP}]
                  readinessProbe: {httpGet: {path: /v2/health/ready, port: 8080}, periodSeconds: 1}
                  volumeMounts: [{name: usr, mountPath: /usr, readOnly: true}, {name: app, mountPath: /app}]
              volumes: [{name: usr, hostPath: {path: /usr}}, {name: app, configMap: {name: iris}}]
  - id: ready
    kube.wait: {kind: InferenceService, name: iris, namespace: "${{ run.prefix }}", condition: Ready}
    timeout: 90s
  - id: service
    kube.endpoint: {kind: InferenceService, name: iris, namespace: "${{ run.prefix }}"}
    eventually: .ready
    within: 20s
"#;

/// A spec whose service is in the cluster.
fn spec(folder: &Path, id: &str, rest: &str) -> PathBuf {
    let file = folder.join(format!("{id}.yaml"));
    let head = format!("specrun: 1\nid: {id}\ntitle: Workers in pods\ncategory: serving\n");
    std::fs::write(&file, format!("{head}{SERVICE}{}", rest.trim_start_matches('\n'))).unwrap();
    std::fs::copy(root().join("specs/scaling/iris.py"), folder.join("iris.py")).unwrap();
    file
}

#[test]
fn pods_of_the_real_node_send_a_load() {
    if !debian() || !real_node() {
        return;
    }
    let lab = ROOM.enter();
    let folder = tempfile::tempdir_in(lab.folder()).unwrap();
    for (id, rest) in [("two-pods", TWO_PODS), ("one-lost", ONE_LOST)] {
        all_passed(&lab.run("examples/lab/lab.yaml", &[spec(folder.path(), id, rest)], 0));
    }
}
