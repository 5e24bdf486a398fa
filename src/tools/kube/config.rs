//! From the endpoint of the environment to the configuration of a client: a kubeconfig's context, or a URL with
//! certificates, or the service account of the pod that specrun runs in.

use std::path::Path;

use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use serde_json::Value as Json;

use crate::check::{Class, Failure};
use crate::diag::did_you_mean;
use crate::tools::grants::refused;
use crate::tools::{Auth, Capability, Endpoint, Grants};

use super::call::Identity;

const KEYS: [&str; 8] = [
    "kubeconfig",
    "context",
    "namespace",
    "image",
    "service_account",
    "impersonate",
    "impersonate_groups",
    "exec_plugins",
];

/// What a client needs to know.
pub(super) struct Settings {
    pub config: kube::Config,
    /// Whom every call acts as, unless its step says otherwise.
    pub identity: Identity,
}

/// Reads the endpoint.
///
/// # Errors
/// Class `missing` for files and contexts that are not there, `bad_parameter` for keys that cannot be used,
/// `not_granted` for a program that the kubeconfig wants to run.
pub(super) async fn read(endpoint: &Endpoint, grants: &Grants) -> Result<Settings, Failure> {
    for key in endpoint.settings.keys() {
        if !KEYS.contains(&key.as_str()) {
            let mut failure = Failure::new(
                Class::BadParameter,
                format!("the endpoint `kube` has no key `{key}`"),
            );
            failure.help = did_you_mean(key, KEYS);
            return Err(failure);
        }
    }
    let text = |key: &str| match endpoint.settings.get(key) {
        None => Ok(None),
        Some(Json::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(other) => Err(wrong(key, "a text", other)),
    };
    let list = |key: &str| match endpoint.settings.get(key) {
        None => Ok(Vec::new()),
        Some(value) => serde_json::from_value::<Vec<String>>(value.clone())
            .map_err(|_| wrong(key, "a list of texts", value)),
    };
    let mut config = match (&endpoint.url, text("kubeconfig")?, text("context")?) {
        (Some(url), None, None) => from_url(url, endpoint).await?,
        (Some(_), ..) => {
            return Err(Failure::new(
                Class::BadParameter,
                "the endpoint `kube` names its cluster twice: by `url` and by a kubeconfig",
            ));
        }
        (None, file, context) => from_kubeconfig(file.as_deref(), context).await?,
    };
    programs(&config.auth_info, &list("exec_plugins")?, grants)?;
    if let Some(namespace) = text("namespace")? {
        config.default_namespace = namespace;
    }
    if config.proxy_url.take().is_some() {
        return Err(Failure::new(
            Class::BadParameter,
            "the kubeconfig asks for a proxy, which specrun does not go through",
        ));
    }
    let groups = list("impersonate_groups")?;
    let identity = match (text("impersonate")?, groups.is_empty()) {
        (None, true) => Identity::Endpoint,
        (None, false) => {
            return Err(Failure::new(
                Class::BadParameter,
                "the endpoint `kube` has `impersonate_groups` without `impersonate`",
            ));
        }
        (Some(user), true) => Identity::user(&user),
        (Some(name), false) => Identity::User { name, groups },
    };
    // The engine repeats and waits; a client that does so by itself would hide what happened.
    config.default_retry = false;
    config.connect_timeout = Some(std::time::Duration::from_secs(10));
    Ok(Settings { config, identity })
}

async fn from_url(url: &str, endpoint: &Endpoint) -> Result<kube::Config, Failure> {
    let shown = |path: &Path| path.display().to_string();
    let (certificate, key) = endpoint
        .client_certificate
        .as_ref()
        .map(|(certificate, key)| (shown(certificate), shown(key)))
        .unzip();
    let mut user = AuthInfo {
        client_certificate: certificate,
        client_key: key,
        ..AuthInfo::default()
    };
    match &endpoint.auth {
        Some(Auth::Bearer { token }) => user.token = Some(token.expose().to_owned().into()),
        Some(Auth::Basic { username, password }) => {
            user.username = Some(username.clone());
            user.password = Some(password.expose().to_owned().into());
        }
        None => {}
    }
    let name = "environment".to_owned();
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(Cluster {
                server: Some(url.to_owned()),
                certificate_authority: endpoint.ca.as_deref().map(shown),
                tls_server_name: endpoint.host.clone(),
                ..Cluster::default()
            }),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: name.clone(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(Context {
                cluster: name.clone(),
                user: Some(name.clone()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        current_context: Some(name),
        ..Kubeconfig::default()
    };
    kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|e| unusable("the endpoint `kube`", &e))
}

async fn from_kubeconfig(file: Option<&str>, context: Option<String>) -> Result<kube::Config, Failure> {
    let read = match file {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(_)
            if file.is_none()
                && context.is_none()
                && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() =>
        {
            return kube::Config::incluster().map_err(|e| unusable("the service account of this pod", &e));
        }
        Err(e) => {
            let what = file.map_or_else(
                || "the kubeconfig (KUBECONFIG, or ~/.kube/config)".to_owned(),
                |f| format!("the kubeconfig `{f}`"),
            );
            return Err(
                Failure::new(Class::Missing, format!("{what} cannot be read: {}", chain(&e)))
                    .help("name another as `kubeconfig` of the endpoint `kube`, or set KUBECONFIG"),
            );
        }
    };
    if let Some(wanted) = &context
        && !kubeconfig.contexts.iter().any(|c| c.name == *wanted)
    {
        let names: Vec<&str> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
        let mut failure = Failure::new(
            Class::Missing,
            format!(
                "the kubeconfig has no context `{wanted}`; it has {}",
                names.join(", ")
            ),
        );
        failure.help = did_you_mean(wanted, names.iter().copied());
        return Err(failure);
    }
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|e| unusable("the kubeconfig", &e))
}

/// A kubeconfig may name a program that gives the credentials; it runs only when somebody said so.
fn programs(user: &AuthInfo, known: &[String], grants: &Grants) -> Result<(), Failure> {
    if let Some(provider) = &user.auth_provider {
        return Err(Failure::new(
            Class::BadParameter,
            format!(
                "the kubeconfig uses the auth provider `{}`, which is no longer supported",
                provider.name
            ),
        ));
    }
    let Some(exec) = &user.exec else {
        return Ok(());
    };
    let program = exec.command.clone().unwrap_or_default();
    let wanted = Capability::Exec {
        program: program.clone(),
        args: exec.args.clone().unwrap_or_default(),
    };
    if known.contains(&program) || grants.names(&wanted) {
        return grants.check(&wanted);
    }
    Err(refused(
        &wanted,
        "the kubeconfig runs it for credentials, which nobody granted",
    )
    .help(format!(
        "add `exec_plugins: [{program}]` to the endpoint `kube` of the environment if it may"
    )))
}

fn wrong(key: &str, wanted: &str, found: &Json) -> Failure {
    Failure::new(
        Class::BadParameter,
        format!("`{key}` of the endpoint `kube` must be {wanted}, not {found}"),
    )
}

fn unusable(what: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Class::BadParameter,
        format!("{what} cannot be used: {}", chain(error)),
    )
}

/// An error with its causes in one line; those of kubeconfigs name files, never what stands in them.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
