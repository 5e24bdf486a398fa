//! `alertmanager.send`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client;
use super::outputs::Labels;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::{Duration, Moment};

/// Hands an alert to Alertmanager as a monitoring job does: for asking whether it is routed, and what the receiver
/// makes of it. The same alert again prolongs it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The alert's name.
    #[schemars(length(min = 1))]
    alert: String,
    /// Its other labels: they decide where it is routed, and which alert it is.
    #[serde(default)]
    labels: Labels,
    /// What it tells people.
    #[serde(default)]
    annotations: Labels,
    /// How long it fires unless it is sent again.
    #[serde(default = "five_minutes")]
    lasts: Duration,
    /// Says that it is over; `false` without it.
    #[serde(default)]
    resolved: bool,
}

/// The alert as it was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Its labels, `alertname` among them.
    labels: Labels,
    /// When Alertmanager had taken it.
    sent_at: Moment,
    /// When it ends unless it is sent again.
    ends_at: Moment,
}

pub(super) struct Send;

impl Action for Send {
    const NAME: &'static str = "alertmanager.send";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let mut labels = params.labels;
        if labels
            .insert("alertname".to_owned(), params.alert.clone())
            .is_some_and(|named| named != params.alert)
        {
            return Err(Failure::new(
                Class::BadParameter,
                "`labels` gives another `alertname` than `alert`",
            ));
        }
        let now = Timestamp::now();
        let lasts = if params.resolved {
            std::time::Duration::ZERO
        } else {
            params.lasts.to_std().map_err(|e| {
                Failure::new(
                    Class::BadParameter,
                    format!("`lasts` cannot be {}: {e}", params.lasts),
                )
            })?
        };
        let ends = now.checked_add(lasts).map_err(|e| {
            Failure::new(
                Class::BadParameter,
                format!("`lasts` cannot be {}: {e}", params.lasts),
            )
        })?;
        let mut alert = json!({
            "labels": labels,
            "annotations": params.annotations,
            "endsAt": ends.to_string(),
        });
        // One that is over keeps its start; a new one starts now.
        if !params.resolved {
            alert["startsAt"] = json!(now.to_string());
        }
        client::post(cx, &json!([alert])).await?;
        Ok(Output {
            labels,
            sent_at: Moment(Timestamp::now()),
            ends_at: Moment(ends),
        })
    }
}

const fn five_minutes() -> Duration {
    Duration(300.0)
}
