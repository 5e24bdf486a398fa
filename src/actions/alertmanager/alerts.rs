//! `alertmanager.alerts`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client;
use super::outputs::{Alert, Labels};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads the alerts that Alertmanager has now. A resolved alert is not among them; that none is there says nothing of
/// whether one could come (`prometheus.alerts` asks the rule).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Only alerts of this name.
    #[serde(default)]
    alert: Option<String>,
    /// Only alerts with these labels.
    #[serde(default)]
    labels: Labels,
    /// Only alerts that are routed to this receiver.
    #[serde(default)]
    receiver: Option<String>,
}

/// The alerts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Each alert.
    alerts: Vec<Alert>,
    /// How many there are.
    count: usize,
    /// How many of them notify.
    active: usize,
    /// How many a silence keeps from notifying.
    silenced: usize,
    /// How many another alert keeps from notifying.
    inhibited: usize,
}

pub(super) struct Alerts;

impl Action for Alerts {
    const NAME: &'static str = "alertmanager.alerts";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let mut alerts = client::alerts(cx).await?;
        alerts.retain(|a| {
            a.fits(
                params.alert.as_deref(),
                &params.labels,
                params.receiver.as_deref(),
            )
        });
        let count = |is: &dyn Fn(&Alert) -> bool| alerts.iter().filter(|a| is(a)).count();
        Ok(Output {
            count: alerts.len(),
            active: count(&|a| a.state == "active"),
            silenced: count(&|a| !a.silenced_by.is_empty()),
            inhibited: count(&|a| !a.inhibited_by.is_empty()),
            alerts,
        })
    }
}
