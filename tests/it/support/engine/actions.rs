//! Actions made for tests: they give, fail, wait, meet, and leave notes of what they did.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use specrun::action::{Action, Class, Context, Failure, Family, OwnCheck, Registry};
use specrun::check::{CheckOutcome, Verdict};
use specrun::event::Severity;

pub static REGISTRY: Registry = Registry::new(&[
    Family {
        name: "t",
        about: "Actions for tests.",
        actions: &[
            &Block, &Fail, &Give, &Hang, &Meet, &Nap, &Note, &Panic, &Rules, &Wait,
        ],
        program: None,
    },
    Family {
        name: "py",
        about: "A family with a program.",
        actions: &[&Py],
        program: Some("python3"),
    },
    Family {
        name: "nowhere",
        about: "A family whose program is not there.",
        actions: &[&Nowhere],
        program: Some("specrun-no-such-program"),
    },
]);

/// Counters by folder and name: tests run side by side and must not share any.
static COUNTERS: Mutex<Option<HashMap<(PathBuf, String), u32>>> = Mutex::new(None);

fn count(cx: &Context, name: &str) -> u32 {
    let mut all = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    let one = all
        .get_or_insert_default()
        .entry((cx.base_dir.clone(), name.to_owned()))
        .or_default();
    *one += 1;
    *one
}

fn counted(cx: &Context, name: &str) -> u32 {
    let mut all = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default()
        .get(&(cx.base_dir.clone(), name.to_owned()))
        .copied()
        .unwrap_or(0)
}

fn note(cx: &Context, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(cx.base_dir.join("notes"))
        .unwrap();
    file.write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// Gives back a value, and how often it did so under this name.
struct Give;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GiveParams {
    #[serde(default)]
    value: Json,
    /// Counts under this name.
    #[serde(default)]
    count: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct GiveOutput {
    value: Json,
    n: u32,
    prefix: String,
}

impl Action for Give {
    const NAME: &'static str = "t.give";
    type Params = GiveParams;
    type Output = GiveOutput;
    async fn run(&self, p: GiveParams, cx: &Context) -> Result<GiveOutput, Failure> {
        Ok(GiveOutput {
            value: p.value,
            n: p.count.map_or(0, |name| count(cx, &name)),
            prefix: cx.prefix.clone(),
        })
    }
}

/// Writes a line.
struct Note;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoteParams {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct NoteOutput {
    text: String,
}

impl Action for Note {
    const NAME: &'static str = "t.note";
    type Params = NoteParams;
    type Output = NoteOutput;
    async fn run(&self, p: NoteParams, cx: &Context) -> Result<NoteOutput, Failure> {
        note(cx, &p.text);
        (cx.progress)(format!("noted {}", p.text));
        Ok(NoteOutput { text: p.text })
    }
}

/// Fails the first times.
struct Fail;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FailParams {
    class: String,
    /// How often; always, when not given.
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

impl Action for Fail {
    const NAME: &'static str = "t.fail";
    type Params = FailParams;
    type Output = GiveOutput;
    async fn run(&self, p: FailParams, cx: &Context) -> Result<GiveOutput, Failure> {
        if let Some(text) = &p.note {
            note(cx, text);
        }
        let n = count(cx, &format!("fail {} {}", cx.spec, cx.step));
        if p.times.is_some_and(|times| n > times) {
            return Ok(GiveOutput {
                value: Json::Null,
                n,
                prefix: String::new(),
            });
        }
        let class: Class = serde_json::from_value(Json::String(p.class)).unwrap();
        let mut failure = Failure::new(class, p.message.unwrap_or_else(|| "it does not want to".into()));
        failure.status = p.status;
        Err(failure)
    }
}

/// Waits until it is told to stop.
struct Wait;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitParams {
    /// Ends in good order, with an output.
    #[serde(default)]
    graceful: bool,
    #[serde(default)]
    note: Option<String>,
}

impl Action for Wait {
    const NAME: &'static str = "t.wait";
    type Params = WaitParams;
    type Output = GiveOutput;
    async fn run(&self, p: WaitParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("waiting".into());
        cx.cancel.cancelled().await;
        if let Some(text) = &p.note {
            note(cx, text);
        }
        if p.graceful {
            return Ok(GiveOutput {
                value: Json::from("graceful"),
                n: 1,
                prefix: String::new(),
            });
        }
        Err(Failure::new(Class::Cancelled, "told to stop"))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// Actions of families with programs.
struct Py;
struct Nowhere;

macro_rules! gives_one {
    ($name:ident, $full:literal) => {
        impl Action for $name {
            const NAME: &'static str = $full;
            type Params = NoParams;
            type Output = GiveOutput;
            async fn run(&self, _: NoParams, _: &Context) -> Result<GiveOutput, Failure> {
                Ok(GiveOutput {
                    value: Json::Null,
                    n: 1,
                    prefix: String::new(),
                })
            }
        }
    };
}

gives_one!(Py, "py.give");
gives_one!(Nowhere, "nowhere.give");

/// Never ends, whatever it is told.
struct Hang;

impl Action for Hang {
    const NAME: &'static str = "t.hang";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("hanging".into());
        std::future::pending().await
    }
}

/// Blocks its thread.
struct Block;

impl Action for Block {
    const NAME: &'static str = "t.block";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("blocking".into());
        loop {
            std::thread::park();
        }
    }
}

/// Panics.
struct Panic;

impl Action for Panic {
    const NAME: &'static str = "t.panic";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, _: &Context) -> Result<GiveOutput, Failure> {
        panic!("this is the test's own panic")
    }
}

/// Takes its time.
struct Nap;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NapParams {
    millis: u64,
    /// Ends at once when it is told to.
    #[serde(default)]
    listens: bool,
}

impl Action for Nap {
    const NAME: &'static str = "t.nap";
    type Params = NapParams;
    type Output = GiveOutput;
    async fn run(&self, p: NapParams, cx: &Context) -> Result<GiveOutput, Failure> {
        tokio::select! {
            biased;
            () = cx.cancel.cancelled(), if p.listens => {
                return Err(Failure::new(Class::Cancelled, "cut off"));
            }
            () = tokio::time::sleep(Duration::from_millis(p.millis)) => {}
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: 1,
            prefix: String::new(),
        })
    }
}

/// Ends when as many as are named have come: proof that they run side by side.
struct Meet;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MeetParams {
    place: String,
    people: u32,
}

impl Action for Meet {
    const NAME: &'static str = "t.meet";
    type Params = MeetParams;
    type Output = GiveOutput;
    async fn run(&self, p: MeetParams, cx: &Context) -> Result<GiveOutput, Failure> {
        count(cx, &p.place);
        while counted(cx, &p.place) < p.people {
            if cx.cancel.is_cancelled() {
                return Err(Failure::new(Class::Cancelled, "nobody came"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: p.people,
            prefix: String::new(),
        })
    }
}

/// Makes checks of its own.
struct Rules;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RulesParams {
    good: u32,
    bad: u32,
}

impl Action for Rules {
    const NAME: &'static str = "t.rules";
    type Params = RulesParams;
    type Output = GiveOutput;
    async fn run(&self, p: RulesParams, cx: &Context) -> Result<GiveOutput, Failure> {
        for n in 0..p.good + p.bad {
            let verdict = if n < p.good {
                Verdict::Passed
            } else {
                Verdict::Failed
            };
            cx.checks.add(OwnCheck {
                id: format!("rule[{n}]"),
                text: format!("rule {n}"),
                severity: Severity::Critical,
                outcome: CheckOutcome::new(verdict, "a rule"),
            });
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: p.good + p.bad,
            prefix: String::new(),
        })
    }
}
