//! How a secret gets into an action's parameters.
//!
//! Parameters travel as JSON, and JSON is logged, journalled and shown in messages. So a secret is never in it: in its
//! place stands a ticket, a text without meaning. Only where the parameters are decoded, and only while the vault that
//! issued the ticket is open on that thread, does [`Secret`]'s `Deserialize` give the secret for the ticket. A ticket
//! that gets anywhere else stays a ticket: the mistake fails and reveals nothing.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::Value as Json;

use super::{Secret, Value};

/// The secrets of one set of parameters.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Keeps an answer of a server from passing for a ticket.
    nonce: u64,
    secrets: Arc<Vec<Secret>>,
}

/// No JSON that people write starts so.
const PREFIX: &str = "\u{0}secret";

thread_local! {
    static OPEN: RefCell<Option<Vault>> = const { RefCell::new(None) };
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            nonce: RandomState::new().hash_one(0),
            secrets: Arc::default(),
        }
    }
}

impl Vault {
    /// The JSON form of a value, with a ticket in the place of each secret.
    pub fn to_json(&mut self, value: &Value) -> Json {
        value.to_json_with(&mut |secret| Json::String(self.deposit(secret)))
    }

    /// What may be shown of JSON with tickets: `***` for each.
    #[must_use]
    pub fn shown(&self, json: &Json) -> Json {
        match json {
            Json::String(text) if self.redeem(text).is_some() => Json::String("***".to_owned()),
            Json::Array(items) => items.iter().map(|item| self.shown(item)).collect(),
            Json::Object(fields) => {
                let shown = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), self.shown(value)));
                Json::Object(shown.collect())
            }
            other => other.clone(),
        }
    }

    /// Whether it holds no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Runs `decode` with the vault open.
    pub fn open<T>(&self, decode: impl FnOnce() -> T) -> T {
        let _closes = Opened::new(self);
        decode()
    }

    /// Opens the vault whenever the future runs, and only then.
    pub fn open_during<F: Future + Unpin>(self, future: F) -> OpenDuring<F> {
        OpenDuring { vault: self, future }
    }

    fn deposit(&mut self, secret: &Secret) -> String {
        let secrets = Arc::make_mut(&mut self.secrets);
        let number = secrets.iter().position(|s| s == secret).unwrap_or_else(|| {
            secrets.push(secret.clone());
            secrets.len() - 1
        });
        self.ticket(number)
    }

    fn ticket(&self, number: usize) -> String {
        format!("{PREFIX}:{:016x}:{number}", self.nonce)
    }

    fn redeem(&self, ticket: &str) -> Option<Secret> {
        let number: usize = ticket.rsplit(':').next()?.parse().ok()?;
        let secret = self.secrets.get(number)?;
        (self.ticket(number) == ticket).then(|| secret.clone())
    }
}

/// A future that runs with a vault open.
#[derive(Debug)]
pub struct OpenDuring<F> {
    vault: Vault,
    future: F,
}

impl<F: Future + Unpin> Future for OpenDuring<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let vault = self.vault.clone();
        vault.open(|| Pin::new(&mut self.future).poll(cx))
    }
}

/// What a text stands for where a secret is decoded. None: it is a plain text.
///
/// # Errors
/// A ticket of a vault that is not open.
pub(super) fn redeem(text: &str) -> Option<Result<Secret, &'static str>> {
    if !text.starts_with(PREFIX) {
        return None;
    }
    let secret = OPEN.with_borrow(|open| open.as_ref().and_then(|vault| vault.redeem(text)));
    Some(secret.ok_or("a secret was taken out of its parameters"))
}

/// Restores the vault that was open before, also after a panic.
struct Opened {
    before: Option<Vault>,
}

impl Opened {
    fn new(vault: &Vault) -> Self {
        Self {
            before: OPEN.replace(Some(vault.clone())),
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        OPEN.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Params {
        user: String,
        password: Secret,
    }

    fn parameters() -> (Vault, Json) {
        let mut vault = Vault::default();
        let json = vault.to_json(&Value::Object(vec![
            ("user".into(), Value::String("ann".into())),
            ("password".into(), Value::Secret(Secret::new("db", "hunter2"))),
        ]));
        (vault, json)
    }

    #[test]
    fn a_secret_is_decoded_while_its_vault_is_open_and_never_in_the_json() {
        let (vault, json) = parameters();
        assert!(!json.to_string().contains("hunter2"));
        assert_eq!(
            vault.shown(&json),
            serde_json::json!({"user": "ann", "password": "***"})
        );
        let params: Params = vault.open(|| serde_json::from_value(json.clone())).unwrap();
        assert_eq!((params.user.as_str(), params.password.name()), ("ann", "db"));
        assert_eq!(params.password.expose(), "hunter2");
        let closed = serde_json::from_value::<Params>(json).unwrap_err().to_string();
        assert_eq!(closed, "a secret was taken out of its parameters");
    }

    #[test]
    fn another_vault_knows_nothing_of_the_ticket() {
        let (_, json) = parameters();
        let (other, _) = parameters();
        assert!(other.open(|| serde_json::from_value::<Params>(json)).is_err());
    }

    #[test]
    fn a_text_that_passes_for_a_ticket_gets_nothing() {
        let (vault, _) = parameters();
        let forged = serde_json::json!({"user": "x", "password": "\u{0}secret:0000000000000000:0"});
        assert!(vault.open(|| serde_json::from_value::<Params>(forged)).is_err());
    }

    #[test]
    fn where_no_secret_is_taken_the_ticket_stays_a_ticket() {
        let (vault, json) = parameters();
        let text: String = vault
            .open(|| serde_json::from_value(json["password"].clone()))
            .unwrap();
        assert!(text.starts_with(PREFIX) && !text.contains("hunter2"));
    }

    #[test]
    fn vaults_close_in_order_also_after_a_panic() {
        let (outer, outer_json) = parameters();
        let (inner, _) = parameters();
        outer.open(|| {
            let panicked = std::panic::catch_unwind(|| inner.open(|| panic!("while open")));
            assert!(panicked.is_err());
            serde_json::from_value::<Params>(outer_json.clone()).unwrap();
        });
        assert!(serde_json::from_value::<Params>(outer_json).is_err());
    }

    #[test]
    fn a_future_has_it_open_only_while_it_runs() {
        let (vault, json) = parameters();
        let decode = json.clone();
        let future = Box::pin(async move { serde_json::from_value::<Params>(decode) });
        let mut running = vault.open_during(future);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(params) = Pin::new(&mut running).poll(&mut cx) else {
            panic!("not ready");
        };
        assert_eq!(params.unwrap().password.expose(), "hunter2");
        assert!(serde_json::from_value::<Params>(json).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let (vault, _) = parameters();
        assert!(!format!("{vault:?}").contains("hunter2"));
        assert!(!vault.is_empty());
    }
}
