//! `istio.subsets`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::Object;
use crate::action::{Action, Context, Failure};
use crate::value::{Duration, Ratio};

/// Reads the subsets of an Istio `DestinationRule` and when it ejects a host. Ejecting is no rollback: the share of a
/// version whose only host is ejected is answered 503 by the proxy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The `DestinationRule`, as JSON: `${{ rule }}` of a step `rule` that does `kube.get`, `${{ manifest.data }}` of `file.read`.
    object: Json,
}

/// What the object says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Its name.
    name: String,
    /// Its namespace.
    namespace: Option<String>,
    /// The service it is for.
    host: String,
    /// Its subsets, in their order.
    subsets: Vec<Subset>,
    /// When a host is ejected, for all subsets that say nothing else.
    outlier_detection: Option<Outlier>,
}

/// A subset.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Subset {
    /// Its name.
    name: String,
    /// The labels of the pods that belong to it.
    labels: BTreeMap<String, String>,
    /// When a host of it is ejected, where the subset says so itself.
    outlier_detection: Option<Outlier>,
}

/// When a host is ejected.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Outlier {
    /// After so many 5xx answers in a row; Istio's default is 5.
    consecutive_5xx: u64,
    /// How often it is looked.
    interval: Duration,
    /// For how long, at first.
    base_ejection: Duration,
    /// At most this share of the hosts; Istio's default is 10%.
    max_ejection: Ratio,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    host: String,
    #[serde(default)]
    subsets: Vec<SubsetRow>,
    #[serde(default)]
    traffic_policy: Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubsetRow {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    traffic_policy: Policy,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    outlier_detection: Option<OutlierRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutlierRow {
    consecutive_5xx_errors: Option<u64>,
    interval: Option<Duration>,
    base_ejection_time: Option<Duration>,
    max_ejection_percent: Option<f64>,
}

pub(super) struct Subsets;

impl Action for Subsets {
    const NAME: &'static str = "istio.subsets";
    type Params = Params;
    type Output = Output;

    async fn run(&self, params: Params, _: &Context) -> Result<Output, Failure> {
        read(params.object)
    }
}

/// Reads a `DestinationRule`.
pub(super) fn read(json: Json) -> Result<Output, Failure> {
    let object = Object::of(json, &[("DestinationRule", "networking.istio.io")])?;
    let spec: Spec = object.part("spec", &object.spec)?;
    Ok(Output {
        name: object.metadata.name,
        namespace: object.metadata.namespace,
        host: spec.host,
        subsets: spec
            .subsets
            .into_iter()
            .map(|s| Subset {
                name: s.name,
                labels: s.labels,
                outlier_detection: s.traffic_policy.outlier_detection.as_ref().map(outlier),
            })
            .collect(),
        outlier_detection: spec.traffic_policy.outlier_detection.as_ref().map(outlier),
    })
}

/// Istio's defaults where the rule says nothing.
fn outlier(row: &OutlierRow) -> Outlier {
    Outlier {
        consecutive_5xx: row.consecutive_5xx_errors.unwrap_or(5),
        interval: row.interval.unwrap_or(Duration(10.0)),
        base_ejection: row.base_ejection_time.unwrap_or(Duration(30.0)),
        max_ejection: Ratio(row.max_ejection_percent.unwrap_or(10.0) / 100.0),
    }
}

impl Output {
    /// Whether it defines this subset of this service, by its short or its whole name.
    pub fn defines(&self, host: &str, subset: &str) -> bool {
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let same = self.host == host
            || ((!self.host.contains('.') || !host.contains('.')) && short(&self.host) == short(host));
        same && self.subsets.iter().any(|s| s.name == subset)
    }
}
