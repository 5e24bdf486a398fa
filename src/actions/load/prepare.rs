//! From the parameters to a job: requests made ready, arrivals laid out.

use std::time::Duration as Time;

use serde_json::Value as Json;

use super::params::{Arrival, Bodies, Kind, Params, Phase, Version, Want};
use crate::action::{Class, Context, Failure, Judge};
use crate::tools::http::{Answer, Body, Peer, Request, parse_json};
use crate::tools::load::{self, Job, Segment};

/// The largest file of bodies, in bytes.
const FILE_CAP: u64 = 256 << 20;
/// The most requests that are kept ready for one kind.
const MOST: usize = 1_000_000;
/// Steps of the timeline that are wanted at most.
const STEPS: f64 = 600.0;

/// A job, and what names its parts.
pub struct Plan {
    pub job: Job,
    /// Names of the phases or windows, and whether they are windows; empty when there is only one part.
    pub parts: Vec<String>,
    pub windows: bool,
}

/// Makes everything ready. Nothing is sent, but names of hosts are resolved.
pub async fn plan(params: &Params, cx: &Context) -> Result<Plan, Failure> {
    let mut peers = Vec::new();
    let mut kinds = Vec::new();
    let mut weights = Vec::new();
    if let Some(request) = &params.request {
        let one = Kind {
            tag: "all".to_owned(),
            weight: 1,
            request: request.clone(),
            want: Want::Answer,
            bodies: params.bodies.clone(),
        };
        kinds.push(kind(&one, cx, &mut peers).await?);
        weights.push(1);
    }
    for one in &params.mix {
        kinds.push(kind(one, cx, &mut peers).await?);
        weights.push(one.weight);
    }
    if kinds.is_empty() {
        return Err(bad("there is nothing to send"));
    }
    let laid = segments(params)?;
    let mut job = Job {
        peers,
        kinds,
        pattern: pattern(&weights),
        arrival: match params.arrival {
            Arrival::Rate(_) | Arrival::Poisson(_) | Arrival::Phases(_) => load::Arrival::Open,
            Arrival::Users(users) => load::Arrival::Closed { users },
            Arrival::Burst(_) => load::Arrival::Burst,
        },
        segments: laid.segments,
        limit: match params.arrival {
            Arrival::Burst(n) => Some(u64::from(n)),
            _ => params.requests,
        },
        max_in_flight: params.max_connections,
        timeout: time(params.timeout.0)?,
        version: match params.http {
            Version::One => load::Version::One,
            Version::Two => load::Version::Two,
        },
        step: Time::from_secs(1),
        seed: cx.seed,
        record: params.record,
        shares: params.threads.max(1) * params.workers.count().max(1),
    };
    if let load::Arrival::Closed { users } = job.arrival
        && users > job.max_in_flight
    {
        return Err(bad(&format!(
            "{users} users need as many connections, and `max_connections` is {}",
            job.max_in_flight
        )));
    }
    let planned = job.planned().unwrap_or(0.0) - job.warmup();
    job.step = Time::from_secs_f64((planned / STEPS).ceil().clamp(1.0, 3600.0));
    Ok(Plan {
        job,
        parts: laid.parts,
        windows: laid.windows,
    })
}

/// The judge of each kind.
pub fn judges(job: &Job) -> Result<Vec<Judge>, Failure> {
    job.kinds.iter().map(judge).collect()
}

/// The judge of a kind, by the action it names.
pub fn judge(kind: &load::Kind) -> Result<Judge, Failure> {
    let judge = super::asked::known()
        .find(|(action, _)| action.name() == kind.action)
        .ok_or_else(|| bad(&format!("`{}` cannot be the request of a load", kind.action)))?
        .1
        .judge(&kind.rule)?;
    if !kind.json {
        return Ok(judge);
    }
    // The login page of a proxy has the status 200, and is fast.
    Ok(Box::new(move |answer: &Answer<'_>| {
        judge(answer)?;
        if answer.status_class().is_ok() && answer.is_page() {
            return Err(Class::UnreadableAnswer);
        }
        Ok(())
    }))
}

async fn kind(asked: &Kind, cx: &Context, peers: &mut Vec<Peer>) -> Result<load::Kind, Failure> {
    let (action, request, params) = asked.request.action()?;
    let prepared = request.prepare(params, cx)?;
    let requests = match &asked.bodies {
        None => prepared.requests,
        Some(given) => with_bodies(&prepared.requests, &bodies(given, cx)?)?,
    };
    if requests.is_empty() {
        return Err(bad(&format!("`{}` gives no request to send", asked.tag)));
    }
    if requests.len() > MOST {
        return Err(bad(&format!(
            "`{}` gives {} requests; {MOST} is the most",
            asked.tag,
            requests.len()
        )));
    }
    let json = requests.iter().all(is_json);
    let endpoint = cx.tools.endpoints.get(prepared.family);
    let mut ready = Vec::with_capacity(requests.len());
    for request in &requests {
        ready.push(cx.tools.http.ready(endpoint, request, peers).await?);
    }
    Ok(load::Kind {
        tag: asked.tag.clone(),
        requests: ready,
        action: action.name().to_owned(),
        rule: prepared.rule,
        rejection: asked.want == Want::Rejection,
        json,
    })
}

fn is_json(request: &Request) -> bool {
    matches!(&request.body, Body::Bytes { content_type: Some(kind), .. } if kind == "application/json")
}

/// Each request with each body.
fn with_bodies(requests: &[Request], bodies: &[Json]) -> Result<Vec<Request>, Failure> {
    let mut all = Vec::new();
    for body in bodies {
        for request in requests {
            if matches!(request.method.as_str(), "" | "GET" | "HEAD") {
                return Err(bad("a GET request has no body: `bodies` need `method: POST`"));
            }
            let content_type = match &request.body {
                Body::Bytes { content_type, .. } => content_type.clone(),
                _ => None,
            };
            let mut one = request.clone();
            one.body = Body::Bytes {
                content_type: content_type.or_else(|| Some("application/json".to_owned())),
                bytes: body.to_string().into_bytes(),
            };
            all.push(one);
        }
    }
    Ok(all)
}

fn bodies(given: &Bodies, cx: &Context) -> Result<Vec<Json>, Failure> {
    let path = match given {
        Bodies::List(list) if list.is_empty() => return Err(bad("the list of bodies is empty")),
        Bodies::List(list) => return Ok(list.clone()),
        Bodies::File(path) => path,
    };
    let content = cx.tools.files.read(&cx.base_dir, path, FILE_CAP)?;
    let mut all = Vec::new();
    for (n, line) in content.bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        all.push(parse_json(line).map_err(|e| bad(&format!("{path}:{}: not JSON: {}", n + 1, e.0)))?);
    }
    if all.is_empty() {
        return Err(bad(&format!(
            "`{path}` holds no body: it has no line that is not empty"
        )));
    }
    Ok(all)
}

struct Laid {
    segments: Vec<Segment>,
    parts: Vec<String>,
    windows: bool,
}

/// The stretches of time, warm-up first.
fn segments(params: &Params) -> Result<Laid, Failure> {
    let (rate, poisson) = match &params.arrival {
        Arrival::Rate(rate) => (rate.0, false),
        Arrival::Poisson(rate) => (rate.0, true),
        Arrival::Phases(phases) => return phased(phases, params),
        // Users ask as fast as they are answered.
        Arrival::Users(_) | Arrival::Burst(_) => (1.0, false),
    };
    positive(rate)?;
    let segment = |length, rate: f64, part| Segment {
        length,
        from: rate,
        to: rate,
        poisson,
        part,
    };
    let mut all = Vec::new();
    if let Some(warmup) = params.warmup {
        all.push(segment(Some(time(warmup.0)?.as_secs_f64()), rate, None));
    }
    let mut parts = Vec::new();
    if let Some(windows) = params.windows {
        let length = time(windows.length.0)?.as_secs_f64();
        let pause = windows.pause.map(|p| time(p.0)).transpose()?.unwrap_or_default();
        for n in 0..windows.count {
            if n > 0 && !pause.is_zero() {
                all.push(segment(Some(pause.as_secs_f64()), 0.0, None));
            }
            all.push(segment(Some(length), rate, Some(n as u16)));
            parts.push((n + 1).to_string());
        }
    } else {
        let length = params.duration.map(|d| time(d.0)).transpose()?;
        all.push(segment(length.map(|l| l.as_secs_f64()), rate, Some(0)));
    }
    Ok(Laid {
        segments: all,
        windows: !parts.is_empty(),
        parts,
    })
}

fn phased(phases: &[Phase], params: &Params) -> Result<Laid, Failure> {
    let mut all = Vec::new();
    let mut parts = Vec::new();
    if let (Some(warmup), Some(first)) = (params.warmup, phases.first()) {
        all.push(Segment {
            length: Some(time(warmup.0)?.as_secs_f64()),
            from: first.rate.0,
            to: first.rate.0,
            poisson: first.poisson,
            part: None,
        });
    }
    for (n, phase) in phases.iter().enumerate() {
        let to = phase.to.unwrap_or(phase.rate).0;
        if phase.rate.0 < 0.0 || to < 0.0 {
            return Err(bad("a rate is negative"));
        }
        all.push(Segment {
            length: Some(time(phase.duration.0)?.as_secs_f64()),
            from: phase.rate.0,
            to,
            poisson: phase.poisson,
            part: Some(n as u16),
        });
        parts.push(phase.name.clone().unwrap_or_else(|| (n + 1).to_string()));
    }
    if all.iter().all(|s| s.from <= 0.0 && s.to <= 0.0) {
        return Err(bad("every rate is 0: nothing would be sent"));
    }
    Ok(Laid {
        segments: all,
        parts,
        windows: false,
    })
}

/// Which kind each arrival is: as often as its weight says, and as evenly as that goes.
fn pattern(weights: &[u32]) -> Vec<u16> {
    let divisor = weights.iter().copied().fold(0, greatest_common_divisor).max(1);
    let weights: Vec<i64> = weights.iter().map(|w| i64::from(w / divisor)).collect();
    let whole: i64 = weights.iter().sum();
    let mut credit = vec![0_i64; weights.len()];
    (0..whole.max(1))
        .map(|_| {
            for (credit, weight) in credit.iter_mut().zip(&weights) {
                *credit += weight;
            }
            let mut next = 0;
            for (i, c) in credit.iter().enumerate() {
                if *c > credit[next] {
                    next = i;
                }
            }
            credit[next] -= whole;
            next as u16
        })
        .collect()
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

fn positive(rate: f64) -> Result<(), Failure> {
    if rate.is_finite() && rate > 0.0 {
        Ok(())
    } else {
        Err(bad("with a rate of 0 nothing would be sent"))
    }
}

/// A length of time that is one.
fn time(seconds: f64) -> Result<Time, Failure> {
    Time::try_from_secs_f64(seconds)
        .ok()
        .filter(|t| *t < Time::from_hours(24 * 30))
        .ok_or_else(|| bad(&format!("{seconds} s is no time a load can take")))
}

fn bad(why: &str) -> Failure {
    Failure::new(Class::BadParameter, format!("load.run: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_as_often_as_their_weights_say_and_evenly() {
        assert_eq!(pattern(&[1]), [0]);
        assert_eq!(pattern(&[3, 1]), [0, 0, 1, 0]);
        assert_eq!(pattern(&[300, 100]), pattern(&[3, 1]));
        let mixed = pattern(&[5, 3, 2]);
        let count = |kind| mixed.iter().filter(|k| **k == kind).count();
        assert_eq!((count(0), count(1), count(2)), (5, 3, 2));
        assert_eq!(pattern(&[1000, 999]).len(), 1999);
    }

    #[test]
    fn a_page_is_no_answer_to_json() {
        let kind = |json| load::Kind {
            tag: "all".to_owned(),
            requests: Vec::new(),
            action: "http.request".to_owned(),
            rule: serde_json::json!({ "accept": [404] }),
            rejection: false,
            json,
        };
        let answer = |status, body: &'static str| Answer {
            status,
            content_type: Some("text/html"),
            body: body.as_bytes(),
        };
        let judge = |json, answer| super::judge(&kind(json)).unwrap()(&answer);
        for page in ["<!DOCTYPE html><p>Sign in", "\n <html lang=en>", "<HTML>"] {
            assert_eq!(
                judge(true, answer(200, page)),
                Err(Class::UnreadableAnswer),
                "{page}"
            );
            assert_eq!(judge(false, answer(200, page)), Ok(()), "{page}");
            assert_eq!(judge(true, answer(404, page)), Ok(()), "{page}");
            assert_eq!(judge(true, answer(403, page)), Err(Class::Forbidden), "{page}");
        }
        // Some say of their JSON that it is HTML.
        for body in ["{\"rows\": 1}", "", "<", "<svg>", "iris"] {
            assert_eq!(judge(true, answer(200, body)), Ok(()), "{body}");
        }
    }
}
