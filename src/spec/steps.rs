//! A list item with an action, and the rules around it.

use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Kind, Node, Span, Spanned};

use super::checks::{check, checks, scalar_expression};
use super::fields::{
    backoff, boolean, duration, list, mapping, missing_key, name, names, text, unknown_key, wrong_kind,
};
use super::rules::{expect_failure, for_each, retry};
use super::{Check, Poll, SpecDefaults, Step};

/// The engine's own keys of a step.
pub(crate) const STEP_KEYS: &[&str] = &[
    "id",
    "name",
    "like",
    "needs",
    "if",
    "for_each",
    "background",
    "during",
    "timeout",
    "retry",
    "eventually",
    "within",
    "every",
    "stable_for",
    "expect",
    "expect_failure",
    "cleanup",
    "locks",
];

/// Words that mean something else in expressions.
pub(crate) const RESERVED: &[&str] = &[
    "inputs", "matrix", "run", "env", "steps", "true", "false", "null", "and", "or", "not", "in", "is",
    "contains", "matches", "present", "absent", "specrun",
];

/// A step that may still have to take its action from another one.
pub(super) struct Draft {
    pub step: Step,
    pub like: Option<Spanned<String>>,
}

/// What reading steps needs.
pub(super) struct Reader<'a> {
    pub registry: &'a Registry,
    pub defaults: SpecDefaults,
    pub out: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// Reads a list of steps.
    pub fn steps(&mut self, node: &Node, what: &str) -> Vec<Draft> {
        let items = list(self.out, node, what);
        items.iter().map(|item| self.step(item, what)).collect()
    }

    fn step(&mut self, node: &Node, what: &str) -> Draft {
        let entries = mapping(self.out, node, &format!("an item of {what}"));
        let mut action: Option<(Spanned<String>, &'static dyn crate::action::DynAction)> = None;
        let mut unknown = false;
        let mut params = Node::new(Kind::Map(Vec::new()), node.span);
        let mut span = entries.first().map_or(node.span, |e| e.key.span);
        for entry in entries {
            let key = &entry.key;
            if STEP_KEYS.contains(&key.value.as_str()) {
                continue;
            }
            let Some(found) = self.registry.get(&key.value) else {
                self.unknown_action(key);
                // One message is enough: it is not also a step without an action.
                unknown = true;
                continue;
            };
            if let Some((first, _)) = &action {
                self.out.push(
                    Diagnostic::error(Code::SeveralActions, "a step has exactly one action")
                        .label(key.span, "a second action")
                        .label(first.span, "the first one")
                        .help("make it two steps"),
                );
                unknown = true;
                continue;
            }
            action = Some((key.clone(), found));
            span = key.span;
            match &entry.value.kind {
                Kind::Map(_) => params = entry.value.clone(),
                Kind::Null => params.span = key.span,
                _ => {
                    unknown = true;
                    wrong_kind(
                        self.out,
                        &entry.value,
                        &format!("`{}`", key.value),
                        "a mapping of parameters",
                    );
                }
            }
        }
        let like = node.get("like").and_then(|e| text(self.out, &e.value, "`like`"));
        if action.is_none() && !unknown && node.get("like").is_none() && !entries.is_empty() {
            self.out.push(
                Diagnostic::error(
                    Code::NoAction,
                    "a step has exactly one action, and this one has none",
                )
                .label(span, "this step")
                .help("add a key such as `http.request:` with the action's parameters"),
            );
        }
        // What it does is not known then, and nothing that follows from it is worth a message.
        let action = action
            .filter(|_| !unknown)
            .map(|(key, found)| Spanned::new(found, key.span));
        Draft {
            step: self.rules(node, action, params, span),
            like,
        }
    }

    fn unknown_action(&mut self, key: &Spanned<String>) {
        let word = key.value.as_str();
        if !word.contains('.') {
            if self.registry.family(word).is_some() {
                let verbs = self
                    .registry
                    .names()
                    .filter(|n| n.starts_with(&format!("{word}.")));
                self.out.push(
                    Diagnostic::error(
                        Code::UnknownAction,
                        format!("`{word}` is a family, not an action"),
                    )
                    .label(key.span, "which verb?")
                    .help(format!("it has {}", verbs.collect::<Vec<_>>().join(", "))),
                );
                return;
            }
            unknown_key(self.out, key, "a step", STEP_KEYS);
            return;
        }
        let family = word.split('.').next().unwrap_or_default();
        let help = match self.registry.family(family) {
            Some(f) => did_you_mean(word, f.actions.iter().map(|a| a.name())),
            None => did_you_mean(word, self.registry.names()),
        };
        self.out.push(
            Diagnostic::error(Code::UnknownAction, format!("there is no action `{word}`"))
                .label(key.span, "unknown action")
                .maybe_help(help),
        );
    }

    fn rules(
        &mut self,
        node: &Node,
        action: Option<Spanned<&'static dyn crate::action::DynAction>>,
        params: Node,
        span: Span,
    ) -> Step {
        let get = |key: &str| node.get(key);
        let out = &mut *self.out;
        let id = get("id").and_then(|e| text(out, &e.value, "`id`")).filter(|id| {
            if RESERVED.contains(&id.value.as_str()) {
                out.push(
                    Diagnostic::error(Code::BadName, format!("`{}` cannot name a step", id.value))
                        .label(id.span, "this word means something else in expressions"),
                );
                return false;
            }
            name(out, id, "a step", false)
        });
        let for_each = get("for_each").and_then(|e| for_each(out, &e.value));
        let expect = get("expect").map(|e| e.value.clone());
        let eventually = get("eventually").map(|e| e.value.clone());
        let cleanup = get("cleanup").map(|e| e.value.clone());
        let step = Step {
            id,
            name: get("name")
                .and_then(|e| text(out, &e.value, "`name`"))
                .map(|t| t.value),
            action,
            params,
            needs: get("needs").map(|e| Spanned::new(names(out, &e.value, "`needs`", true), e.key.span)),
            condition: get("if").and_then(|e| scalar_expression(out, &e.value, "`if`")),
            for_each,
            background: get("background")
                .and_then(|e| boolean(out, &e.value, "`background`"))
                .unwrap_or(false),
            during: get("during").map_or(Vec::new(), |e| names(out, &e.value, "`during`", false)),
            timeout: get("timeout")
                .and_then(|e| duration(out, &e.value, "`timeout`").map(|d| Spanned::new(d, e.value.span))),
            retry: get("retry").and_then(|e| retry(out, &e.value, self.defaults.every)),
            poll: None,
            expect: Vec::new(),
            expect_failure: get("expect_failure").and_then(|e| expect_failure(out, &e.value, e.key.span)),
            cleanup: Vec::new(),
            locks: get("locks").map_or(Vec::new(), |e| names(out, &e.value, "`locks`", false)),
            span,
        };
        let until = eventually.and_then(|e| check(self.out, &e, "`eventually`"));
        let poll = self.poll(node, until);
        let expect = expect.map_or(Vec::new(), |e| checks(self.out, &e, "`expect`"));
        let cleanup = cleanup.map_or(Vec::new(), |e| self.cleanup(&e));
        let step = Step {
            poll,
            expect,
            cleanup,
            ..step
        };
        self.fit(node);
        step
    }

    fn poll(&mut self, node: &Node, until: Option<Check>) -> Option<Poll> {
        let out = &mut *self.out;
        let within = node
            .get("within")
            .and_then(|e| duration(out, &e.value, "`within`").map(|d| Spanned::new(d, e.value.span)));
        let every = node.get("every").and_then(|e| backoff(out, &e.value, "`every`"));
        let stable_for = node
            .get("stable_for")
            .and_then(|e| duration(out, &e.value, "`stable_for`"));
        if let (Some(eventually), None) = (node.get("eventually"), node.get("within")) {
            missing_key(
                out,
                eventually.key.span,
                "a step with `eventually`",
                "within",
                "say how long to wait at most: `within: 60s`",
            );
        }
        for key in ["every", "stable_for"] {
            if let (Some(e), None, None) = (node.get(key), node.get("eventually"), node.get("within")) {
                out.push(
                    Diagnostic::error(Code::KeysDoNotFit, format!("`{key}` has no effect without `eventually`"))
                        .label(e.key.span, "without effect")
                        .help("add `eventually` and `within`; the pause of `retry` is `retry: {attempts: 3, every: 1s}`"),
                );
            }
        }
        if let (Some(stable), Some(within)) = (stable_for, &within)
            && stable >= within.value
        {
            out.push(
                Diagnostic::error(Code::KeysDoNotFit, "`stable_for` must be shorter than `within`")
                    .label(within.span, "never long enough"),
            );
        }
        Some(Poll {
            until,
            within: within?,
            every: every.unwrap_or(self.defaults.every),
            stable_for,
        })
    }

    /// A step, or a list of steps, that undoes.
    fn cleanup(&mut self, node: &Node) -> Vec<Step> {
        let drafts = match &node.kind {
            Kind::Map(_) => vec![self.step(node, "`cleanup`")],
            _ => self.steps(node, "`cleanup`"),
        };
        for key in [
            "cleanup",
            "expect",
            "background",
            "during",
            "needs",
            "like",
            "locks",
            "expect_failure",
        ] {
            let nodes: &[Node] = match &node.kind {
                Kind::Map(_) => std::slice::from_ref(node),
                _ => node.items(),
            };
            for e in nodes.iter().filter_map(|n| n.get(key)) {
                self.out.push(
                    Diagnostic::error(Code::KeysDoNotFit, format!("a cleanup cannot have `{key}`"))
                        .label(e.key.span, "not here")
                        .help("a cleanup is an action with its parameters, and if needed `if`, `timeout`, `retry`, `eventually` and `within`"),
                );
            }
        }
        drafts.into_iter().map(|d| d.step).collect()
    }

    /// Keys that contradict each other.
    fn fit(&mut self, node: &Node) {
        const PAIRS: &[(&str, &str, &str)] = &[
            ("retry", "eventually", "`eventually` already tries again"),
            ("retry", "within", "`within` already tries again"),
            (
                "expect_failure",
                "expect",
                "a step that fails has no output to look at",
            ),
            (
                "expect_failure",
                "eventually",
                "a step that fails has no output to look at",
            ),
            ("background", "eventually", "nobody waits for a background step"),
            ("background", "for_each", "one background step at a time"),
            (
                "background",
                "expect_failure",
                "nobody waits for a background step",
            ),
            (
                "background",
                "during",
                "a background step is what others run during",
            ),
        ];
        for (a, b, why) in PAIRS {
            // `eventually` says it already.
            if (*a, *b) == ("retry", "within") && node.get("eventually").is_some() {
                continue;
            }
            if let (Some(first), Some(second)) = (node.get(a), node.get(b)) {
                self.out.push(
                    Diagnostic::error(
                        Code::KeysDoNotFit,
                        format!("`{a}` and `{b}` exclude each other: {why}"),
                    )
                    .label(second.key.span, format!("`{b}`"))
                    .label(first.key.span, format!("`{a}`")),
                );
            }
        }
    }
}
