//! `istio.weights`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::Object;
use super::subsets;
use crate::action::{Action, Context, Failure};
use crate::value::Ratio;

/// Reads the weights of an Istio `VirtualService`. Weights are shares of their sum, as Istio takes them; a single
/// destination gets everything.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The `VirtualService`, as JSON: `${{ service }}` of a step `service` that does `kube.get`, `${{ manifest.data }}` of `file.read`.
    object: Json,
    /// The name of the HTTP route that `share` is of; without it the last one, which takes what no other matches.
    #[serde(default)]
    route: Option<String>,
    /// `DestinationRule`s: subsets that none of them defines, to which requests would fail, are listed. Of an empty list
    /// none defines any.
    #[serde(default)]
    destination_rules: Option<Vec<Json>>,
}

/// What the object says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Its name.
    name: String,
    /// Its namespace.
    namespace: Option<String>,
    /// The hosts it is for.
    hosts: Vec<String>,
    /// Its routes, in their order.
    routes: Vec<Route>,
    /// The share of each destination of the chosen route, by its subset, or by its host where it has none.
    share: BTreeMap<String, Ratio>,
    /// Routes in which faults are injected.
    faulty: Vec<String>,
    /// `host/subset` of destinations that no given rule defines; nothing without `destination_rules`.
    undefined_subsets: Option<Vec<String>>,
}

/// A route.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Route {
    /// Its name, or its place: `http[0]`.
    name: String,
    /// Whether only some requests take it.
    conditional: bool,
    /// Where its requests go; empty for a redirect, a direct response or a delegate.
    destinations: Vec<Destination>,
    /// The status with which requests are aborted, when they are.
    abort_status: Option<u16>,
    /// The share of requests that are aborted.
    abort_share: Option<Ratio>,
    /// The share of requests that are delayed.
    delay_share: Option<Ratio>,
}

/// Where requests go.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Destination {
    /// The service.
    host: String,
    /// The subset, which a `DestinationRule` defines.
    subset: Option<String>,
    /// The weight as it is written.
    weight: Option<i64>,
    /// The share of the route's requests.
    share: Ratio,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    http: Vec<RouteRow>,
    #[serde(default)]
    tls: Vec<RouteRow>,
    #[serde(default)]
    tcp: Vec<RouteRow>,
}

#[derive(Deserialize)]
struct RouteRow {
    name: Option<String>,
    #[serde(default, rename = "match")]
    matches: Vec<Json>,
    #[serde(default)]
    route: Vec<DestinationRow>,
    #[serde(default)]
    fault: Fault,
}

#[derive(Deserialize)]
struct DestinationRow {
    destination: Place,
    weight: Option<i64>,
}

#[derive(Deserialize)]
struct Place {
    host: String,
    subset: Option<String>,
}

#[derive(Default, Deserialize)]
struct Fault {
    abort: Option<Abort>,
    delay: Option<Delay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Abort {
    http_status: Option<u16>,
    percentage: Option<Percentage>,
}

#[derive(Deserialize)]
struct Delay {
    percentage: Option<Percentage>,
}

#[derive(Deserialize)]
struct Percentage {
    #[serde(default)]
    value: f64,
}

pub(super) struct Weights;

impl Action for Weights {
    const NAME: &'static str = "istio.weights";
    type Params = Params;
    type Output = Output;

    async fn run(&self, params: Params, _: &Context) -> Result<Output, Failure> {
        let object = Object::of(params.object, &[("VirtualService", "networking.istio.io")])?;
        let spec: Spec = object.part("spec", &object.spec)?;
        let mut routes = Vec::new();
        for (protocol, rows) in [("http", spec.http), ("tls", spec.tls), ("tcp", spec.tcp)] {
            for (place, row) in rows.into_iter().enumerate() {
                routes.push(read(&object, row, &format!("{protocol}[{place}]"))?);
            }
        }
        let chosen = match &params.route {
            Some(name) => routes.iter().find(|r| r.name == *name).ok_or_else(|| {
                let known: Vec<&str> = routes.iter().map(|r| r.name.as_str()).collect();
                object.odd(&format!(
                    "it has no route `{name}`; its routes are {}",
                    known.join(", ")
                ))
            })?,
            None => routes.last().ok_or_else(|| object.odd("it has no route"))?,
        };
        let mut share = BTreeMap::new();
        for to in &chosen.destinations {
            let name = to.subset.clone().unwrap_or_else(|| to.host.clone());
            share.entry(name).or_insert(Ratio(0.0)).0 += to.share.0;
        }
        let undefined_subsets = match params.destination_rules {
            Some(rules) => Some(undefined(&routes, rules)?),
            None => None,
        };
        Ok(Output {
            name: object.metadata.name.clone(),
            namespace: object.metadata.namespace.clone(),
            hosts: spec.hosts,
            share,
            faulty: routes
                .iter()
                .filter(|r| r.abort_share.is_some() || r.delay_share.is_some())
                .map(|r| r.name.clone())
                .collect(),
            undefined_subsets,
            routes,
        })
    }
}

fn read(object: &Object, row: RouteRow, place: &str) -> Result<Route, Failure> {
    let name = row.name.unwrap_or_else(|| place.to_owned());
    let single = row.route.len() == 1;
    if let Some(weight) = row.route.iter().filter_map(|d| d.weight).find(|w| *w < 0) {
        return Err(object.odd(&format!("a weight of {place} is {weight}")));
    }
    let sum: i64 = row.route.iter().filter_map(|d| d.weight).sum();
    if !row.route.is_empty() && !single && sum == 0 {
        return Err(object.odd(&format!("no destination of {place} has a weight")));
    }
    let destinations = row.route.into_iter().map(|d| Destination {
        host: d.destination.host,
        subset: d.destination.subset,
        share: Ratio(if single {
            1.0
        } else {
            d.weight.unwrap_or(0) as f64 / sum as f64
        }),
        weight: d.weight,
    });
    // Without a percentage every request is meant.
    let percent = |p: Option<&Percentage>| Ratio(p.map_or(1.0, |p| p.value / 100.0));
    Ok(Route {
        name,
        conditional: !row.matches.is_empty(),
        destinations: destinations.collect(),
        abort_status: row.fault.abort.as_ref().and_then(|a| a.http_status),
        abort_share: row.fault.abort.as_ref().map(|a| percent(a.percentage.as_ref())),
        delay_share: row.fault.delay.as_ref().map(|d| percent(d.percentage.as_ref())),
    })
}

/// Subsets that no rule for their host defines.
fn undefined(routes: &[Route], rules: Vec<Json>) -> Result<Vec<String>, Failure> {
    let rules: Vec<_> = rules.into_iter().map(subsets::read).collect::<Result<_, _>>()?;
    let mut missing: Vec<String> = routes
        .iter()
        .flat_map(|r| &r.destinations)
        .filter_map(|d| Some((&d.host, d.subset.as_ref()?)))
        .filter(|(host, subset)| !rules.iter().any(|r| r.defines(host, subset)))
        .map(|(host, subset)| format!("{host}/{subset}"))
        .collect();
    missing.sort();
    missing.dedup();
    Ok(missing)
}
