//! `load.run`

use std::time::Instant;

use serde_json::Value as Json;

use super::asked::{places, requests};
use super::drive::drive;
use super::figures::Made;
use super::outputs::{Files, Output};
use super::params::Params;
use super::prepare::{self, Plan};
use super::{extend, keep, pods, saturation, validate};
use crate::action::{Action, Class, Context, Failure, ParamProblem, Undo};
use crate::tools::Capability;
use crate::tools::load::{Offset, Tally};
use crate::value::{Duration, Quantity};

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "load.run";
    type Params = Params;
    type Output = Output;
    /// A load is not repeated behind the back of who asked for it.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = Vec::new();
        for (action, inner) in requests(params) {
            all.extend(action.capabilities(inner));
        }
        for place in places(params) {
            if let Some(path) = place.get("bodies").and_then(Json::as_str) {
                let path = if path.contains("${{") { "?" } else { path }.to_owned();
                all.push(Capability::Read { path });
            }
        }
        all.extend(pods::capabilities(params.get("workers")));
        all
    }

    fn inside(&self, params: &Json) -> Vec<&'static str> {
        let undo = self.undo(params).map(|undo| undo.action.name());
        requests(params)
            .map(|(action, _)| action.name())
            .chain(undo)
            .collect()
    }

    fn undo(&self, params: &Json) -> Option<Undo> {
        pods::undo(params.get("workers"))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        validate::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let plan = prepare::plan(&params, cx).await?;
        in_time(&plan, cx)?;
        let looks = extend::looks(plan.job.limit.unwrap_or(0), params.on_inconclusive.as_ref());
        let planned = u32::try_from(looks.len()).unwrap_or(u32::MAX);
        let mut whole: Option<(Tally, jiff::Timestamp, Instant)> = None;
        let mut requests = Vec::new();
        let mut sent = 0;
        for (turn, upto) in (1..).zip(&looks) {
            let mut job = plan.job.clone();
            job.limit = plan.job.limit.map(|_| upto - sent);
            sent = *upto;
            let before = Instant::now();
            let done = drive(&job, &params.workers, turn, cx).await?;
            requests.extend(done.requests.iter().map(|p| p.display().to_string()));
            whole = Some(match whole {
                None => (done.tally, done.began, before),
                Some((mut tally, began, first)) => {
                    tally.append(done.tally, later(before - first, plan.job.step));
                    (tally, began, first)
                }
            });
            let Some((tally, began, _)) = &whole else { break };
            let made = Made {
                plan: &plan,
                tally,
                began: *began,
                looks: planned,
                doubt: None,
            };
            let all = made.all();
            if all.sent > 0 && all.answered == 0 {
                return Err(unanswered(tally, cx));
            }
            let enough = params
                .on_inconclusive
                .as_ref()
                .map(|e| extend::decided(&all, e))
                .transpose()?;
            if turn == planned || enough == Some(true) {
                return finish(&made, turn, requests, &params, cx);
            }
        }
        Err(Failure::new(Class::Internal, "a load without a look"))
    }
}

/// The output, and the check on the generator.
fn finish(
    made: &Made<'_>,
    looks: u32,
    requests: Vec<String>,
    params: &Params,
    cx: &Context,
) -> Result<Output, Failure> {
    let mut generator = made.generator();
    generator.looks = looks;
    let trouble = saturation::trouble(&generator, &params.generator, made.tally);
    cx.checks.add(saturation::check(&generator, trouble.as_deref()));
    let made = Made {
        doubt: trouble.map(|why| format!("the generator was the bottleneck: {why}")),
        ..*made
    };
    let parts = made.parts();
    let (phases, windows) = if made.plan.windows {
        (Vec::new(), parts)
    } else {
        (parts, Vec::new())
    };
    Ok(Output {
        all: made.all(),
        tags: made.tags(),
        phases,
        windows,
        timeline: made.timeline(),
        started: made.started(),
        elapsed: Duration(made.elapsed()),
        generator,
        files: Files {
            histograms: keep::histograms(made.plan, made.tally, cx)?.display().to_string(),
            requests,
        },
    })
}

/// A load that cannot end before the step does is not begun.
fn in_time(plan: &Plan, cx: &Context) -> Result<(), Failure> {
    let left = cx.deadline.saturating_duration_since(Instant::now());
    match plan.job.planned() {
        Some(needed) if needed > left.as_secs_f64() => Err(Failure::new(
            Class::BadParameter,
            format!(
                "the load takes {} and the step has {}",
                Quantity::from(Duration(needed)).short(),
                Quantity::from(Duration(left.as_secs_f64())).short()
            ),
        )
        .help("give the step a longer `timeout`")),
        _ => Ok(()),
    }
}

/// How much later a turn began.
fn later(by: std::time::Duration, step: std::time::Duration) -> Offset {
    let steps = (by.as_secs_f64() / step.as_secs_f64().max(1e-9)).ceil();
    Offset {
        steps: steps as u32,
        nanoseconds: u64::try_from(by.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// Not one answer: that is no measurement.
fn unanswered(tally: &Tally, cx: &Context) -> Failure {
    let all = tally.sum(|_| true);
    let most = all
        .wrong
        .iter()
        .max_by_key(|(_, n)| **n)
        .map_or("", |(word, _)| word);
    let class = Class::ALL
        .into_iter()
        .find(|c| c.word() == most)
        .unwrap_or(Class::Unreachable);
    let mut failure = Failure::new(class, format!("none of {} requests was answered", all.sent));
    for (word, n) in &all.wrong {
        let example = tally
            .messages
            .get(word)
            .map(|m| format!(", for example: {m}"))
            .unwrap_or_default();
        failure = failure.detail(cx.tools.redactor.redact(&format!("{word}: {n}{example}")));
    }
    failure
}
