//! What is more than one request and its answer: a program run in a container, a port that leads to a pod. Both go over
//! web sockets, by the kube crate.

use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Kube;
use super::call::Identity;
use super::cluster::Cluster;
use crate::check::{Class, Failure};
use crate::tools::http::{Bound, Phase, Until, class_of, client_failure, within};

/// The most of each output of a program that is kept, in bytes.
const CAP: u64 = 4 << 20;

/// A program to run in a container.
#[derive(Clone, Debug)]
pub struct Command {
    pub namespace: String,
    pub pod: String,
    pub container: Option<String>,
    pub argv: Vec<String>,
    pub stdin: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Done {
    pub exit_code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a program in a container to its end.
///
/// # Errors
/// When it could not be run, or how it ended is not known.
pub async fn exec(
    cluster: &Cluster,
    identity: &Identity,
    command: &Command,
    until: &Until,
) -> Result<Done, Failure> {
    let shown = format!(
        "exec {} in the pod {} of {}",
        command.argv.join(" "),
        command.pod,
        command.namespace
    );
    let pods: kube::Api<Pod> = kube::Api::namespaced(cluster.client(identity)?, &command.namespace);
    let how = AttachParams {
        container: command.container.clone(),
        stdin: command.stdin.is_some(),
        ..AttachParams::default()
    };
    let work = async {
        let mut process = pods
            .exec(&command.pod, &command.argv, &how)
            .await
            .map_err(|e| failure(&e, &shown))?;
        let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
        let status = process.take_status();
        let feed = async {
            if let (Some(mut stdin), Some(text)) = (stdin, &command.stdin) {
                // One that does not read its input is no reason to fail.
                let _ = stdin.write_all(text.as_bytes()).await;
                let _ = stdin.shutdown().await;
            }
        };
        let (stdout, stderr, ()) = tokio::join!(whole(stdout), whole(stderr), feed);
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let exit_code = status.as_ref().and_then(|status| {
            if status.status.as_deref() == Some("Success") {
                return Some(0);
            }
            let causes = status.details.as_ref()?.causes.as_ref()?;
            let code = causes.iter().find(|c| c.reason.as_deref() == Some("ExitCode"))?;
            code.message.as_ref()?.parse().ok()
        });
        let exit_code = exit_code.ok_or_else(|| {
            let said = status
                .and_then(|s| s.message)
                .unwrap_or_else(|| "nothing".to_owned());
            Failure::new(
                Class::UnreadableAnswer,
                format!("{shown}: how the program ended is not known; the server said: {said}"),
            )
        })?;
        Ok(Done {
            exit_code,
            stdout: stdout?,
            stderr: stderr?,
        })
    };
    within(
        until,
        (until.deadline, Bound::Step),
        &shown,
        "it did not end",
        work,
    )
    .await?
}

/// All of a stream as text, up to the cap.
async fn whole(stream: Option<impl AsyncRead + Unpin>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let read = stream.take(CAP + 1).read_to_end(&mut bytes).await;
        read.map_err(|e| {
            Failure::new(
                Class::Unreachable,
                format!("reading what the program printed: {e}"),
            )
        })?;
        if bytes.len() as u64 > CAP {
            return Err(Failure::new(
                Class::TooLarge,
                format!("the program printed more than {CAP} bytes"),
            ));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Kube {
    /// Opens a port on 127.0.0.1 that leads to a port of a pod, as long as this lives.
    ///
    /// # Errors
    /// When no port can be opened, or the pod cannot be reached now.
    pub async fn forward(
        &self,
        cluster: &Cluster,
        identity: &Identity,
        (namespace, pod, port): (&str, &str, u16),
        until: &Until,
    ) -> Result<u16, Failure> {
        let shown = format!("forward to port {port} of the pod {pod} of {namespace}");
        let pods: kube::Api<Pod> = kube::Api::namespaced(cluster.client(identity)?, namespace);
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|e| Failure::new(Class::Unreachable, format!("{shown}: no port can be opened: {e}")))?;
        let opened = listener
            .local_addr()
            .map_err(|e| Failure::new(Class::Internal, format!("{shown}: {e}")))?
            .port();
        // Whether it can be done at all is said now, not to whoever connects.
        let ports = [port];
        let first = pods.portforward(pod, &ports);
        within(until, (until.deadline, Bound::Step), &shown, "no answer", first)
            .await?
            .map_err(|e| failure(&e, &shown))?;
        let pod = pod.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (pods, pod) = (pods.clone(), pod.clone());
                tokio::spawn(async move {
                    if let Ok(mut forwarder) = pods.portforward(&pod, &[port]).await
                        && let Some(mut far) = forwarder.take_stream(port)
                    {
                        // One that breaks off closes both, which is what a broken connection looks like.
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        self.keep(task.abort_handle());
        Ok(opened)
    }
}

/// The failure behind an error of the kube crate.
pub(super) fn failure(error: &kube::Error, shown: &str) -> Failure {
    use kube::client::UpgradeConnectionError as Upgrade;
    if let kube::Error::UpgradeConnection(Upgrade::ProtocolSwitch(status)) = error {
        let code = status.as_u16();
        let mut failure = Failure::new(class_of(code), format!("{shown}: HTTP {status}"));
        failure.status = Some(code);
        return match code {
            404 => failure.help("is there such a pod?"),
            500..=599 => failure.help("the API server could not reach the node of the pod, or its container"),
            _ => failure,
        };
    }
    client_failure(error, Phase::Head, shown)
}
