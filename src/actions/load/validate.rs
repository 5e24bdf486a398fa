//! Mistakes in the parameters of `load.run` that its schema cannot say.

use serde_json::Value as Json;

use super::asked::known;
use crate::action::ParamProblem;
use crate::value::{Dimension, Quantity};

/// No machine sends more from one process, and whoever asks for it has mistaken a unit.
const FASTEST: f64 = 1_000_000.0;

pub fn problems(params: &Json) -> Vec<ParamProblem> {
    let mut out = Found(Vec::new());
    out.requests(params);
    out.arrival(params);
    out.end(params);
    out.extend(params);
    let workers = params.get("workers");
    if workers.is_some_and(|w| w.as_u64() != Some(0)) && params.get("record") == Some(&Json::Bool(true)) {
        out.say(
            "/record",
            "`record` needs the threads of specrun itself: take `workers` away",
            None,
        );
    }
    for key in ["duration", "warmup", "timeout"] {
        if let Some(value) = params.get(key)
            && !(key == "warmup" && quantity(value).is_some_and(|q| q.value == 0.0))
        {
            out.positive(&format!("/{key}"), value);
        }
    }
    out.0
}

struct Found(Vec<ParamProblem>);

impl Found {
    fn say(&mut self, pointer: impl Into<String>, message: impl Into<String>, help: Option<&str>) {
        self.0.push(ParamProblem {
            pointer: pointer.into(),
            key: None,
            message: message.into(),
            help: help.map(str::to_owned),
        });
    }

    fn requests(&mut self, params: &Json) {
        let mix = params.get("mix").and_then(Json::as_array);
        match (params.get("request"), mix) {
            (None, None) => self.say(
                "",
                "there is nothing to send: `request` and `mix` are missing",
                Some("add `request: {http.request: {url: ...}}`"),
            ),
            (Some(_), Some(_)) => {
                self.say(
                    "/mix",
                    "`request` and `mix` both say what is sent",
                    Some("keep one of them"),
                );
            }
            _ => {}
        }
        if mix.is_some() && params.get("bodies").is_some() {
            self.say(
                "/bodies",
                "each kind of a `mix` has its own `bodies`",
                Some("move it into the kind"),
            );
        }
        self.inner("", params);
        let mut seen: Vec<&str> = Vec::new();
        let (mut answered, mut rejected) = (0, 0);
        for (i, kind) in mix.into_iter().flatten().enumerate() {
            self.inner(&format!("/mix/{i}"), kind);
            let weight = kind.get("weight").and_then(Json::as_u64).unwrap_or(1);
            if kind.get("want").and_then(Json::as_str) == Some("rejection") {
                rejected += weight;
            } else {
                answered += weight;
            }
            let tag = kind.get("tag").and_then(Json::as_str).unwrap_or_default();
            if seen.contains(&tag) {
                self.say(
                    format!("/mix/{i}/tag"),
                    format!("the tag `{tag}` stands twice"),
                    None,
                );
            }
            seen.push(tag);
        }
        if answered > 0 && rejected > answered {
            self.say(
                "/mix",
                format!(
                    "more requests are to be refused ({rejected}) than answered ({answered}): the latency would be that of \
                     refusals"
                ),
                Some("give the right requests more weight, or send the wrong ones in a step of their own"),
            );
        }
    }

    /// What the action that is the request says of its parameters.
    fn inner(&mut self, prefix: &str, place: &Json) {
        let Some(request) = place.get("request").and_then(Json::as_object) else {
            return;
        };
        for (name, params) in request {
            let Some((action, _)) = known().find(|(action, _)| action.name() == name) else {
                continue;
            };
            let path = format!("{prefix}/request/{name}");
            for mut problem in action.validate(params) {
                problem.pointer = format!("{path}{}", problem.pointer);
                self.0.push(problem);
            }
            if params
                .get("redirects")
                .and_then(Json::as_u64)
                .is_some_and(|n| n > 0)
            {
                self.say(format!("{path}/redirects"), "a load follows no redirects", None);
            }
            let own = ["text", "form", "secret_form", "file", "template"];
            if place.get("bodies").is_some()
                && let Some(key) = own.iter().find(|key| params.get(**key).is_some())
            {
                self.say(
                    format!("{prefix}/bodies"),
                    format!("`bodies` and the request's `{key}` both give the body"),
                    Some("keep one of them"),
                );
            }
        }
    }

    fn arrival(&mut self, params: &Json) {
        let arrival = params.get("arrival");
        for key in ["rate", "poisson"] {
            if let Some(rate) = arrival.and_then(|a| a.get(key)) {
                self.rate(&format!("/arrival/{key}"), rate, false);
            }
        }
        let phases = arrival.and_then(|a| a.get("phases")).and_then(Json::as_array);
        for (i, phase) in phases.into_iter().flatten().enumerate() {
            let path = format!("/arrival/phases/{i}");
            for key in ["rate", "to"] {
                if let Some(rate) = phase.get(key) {
                    self.rate(&format!("{path}/{key}"), rate, true);
                }
            }
            if let Some(duration) = phase.get("duration") {
                self.positive(&format!("{path}/duration"), duration);
            }
        }
        let nothing = |phase: &Json| {
            ["rate", "to"]
                .iter()
                .filter_map(|key| phase.get(*key))
                .all(|rate| quantity(rate).is_some_and(|q| q.value == 0.0))
        };
        if let Some(phases) = phases
            && phases.iter().all(nothing)
        {
            self.say(
                "/arrival/phases",
                "every phase has the rate 0: nothing would be sent",
                None,
            );
        }
    }

    fn rate(&mut self, pointer: &str, value: &Json, may_be_zero: bool) {
        let Some(rate) = quantity(value).filter(|q| q.dimension == Dimension::Rate) else {
            return;
        };
        if rate.value < 0.0 || (rate.value == 0.0 && !may_be_zero) {
            self.say(
                pointer,
                format!("with the rate {rate} nothing would be sent"),
                None,
            );
        } else if rate.value > FASTEST {
            self.say(
                pointer,
                format!("{rate} is more than any machine sends"),
                Some("one thread sends some ten thousand requests a second"),
            );
        }
    }

    fn positive(&mut self, pointer: &str, value: &Json) {
        if let Some(q) = quantity(value)
            && q.value <= 0.0
        {
            self.say(
                pointer,
                format!("{q} is no time in which anything could be measured"),
                None,
            );
        }
    }

    /// Exactly one thing ends a load.
    fn end(&mut self, params: &Json) {
        let own = ["phases", "burst"]
            .into_iter()
            .find(|key| params.get("arrival").is_some_and(|a| a.get(*key).is_some()));
        let mut given = ["requests", "duration", "windows"]
            .into_iter()
            .filter(|key| params.get(*key).is_some());
        match (own, given.next(), given.next()) {
            (Some(own), Some(key), _) => {
                self.say(
                    format!("/{key}"),
                    format!("`{own}` says itself when the load ends"),
                    None,
                );
            }
            (_, Some(first), Some(second)) => self.say(
                format!("/{second}"),
                format!("`{first}` and `{second}` both say when the load ends"),
                Some("keep one of them"),
            ),
            (None, None, _) => self.say(
                "",
                "nothing says when the load ends",
                Some("add `requests: 1000`, `duration: 30s` or `windows: {count: 5, length: 10s}`"),
            ),
            _ => {}
        }
        if let Some(length) = params.pointer("/windows/length") {
            self.positive("/windows/length", length);
        }
        if own == Some("burst") && params.get("warmup").is_some() {
            self.say(
                "/warmup",
                "a burst has no warm-up",
                Some("warm up in a step before it"),
            );
        }
    }

    fn extend(&mut self, params: &Json) {
        let Some(extend) = params.get("on_inconclusive") else {
            return;
        };
        let Some(first) = params.get("requests") else {
            self.say(
                "/on_inconclusive",
                "it needs `requests`, the number at the first look",
                None,
            );
            return;
        };
        if let (Some(first), Some(last)) = (first.as_u64(), extend.get("extend_to").and_then(Json::as_u64))
            && last <= first
        {
            self.say(
                "/on_inconclusive/extend_to",
                format!("{last} is not more than the {first} of the first look"),
                None,
            );
        }
        let latency = extend.get("latency").and_then(Json::as_object);
        if latency.is_none_or(serde_json::Map::is_empty) && extend.get("errors").is_none() {
            self.say(
                "/on_inconclusive",
                "it has no limit that could be decided",
                Some("add `latency: {p95: 200ms}` or `errors: 1%`, as the checks have them"),
            );
        }
    }
}

fn quantity(value: &Json) -> Option<Quantity> {
    value.as_str()?.parse().ok()
}
