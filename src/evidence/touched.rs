//! Which parts of which outputs an expression looks at.

use serde_json::Value as Json;

use crate::value::expr::{Expr, ExprKind};

/// Functions whose second argument is evaluated for each element of the first.
const OF_ELEMENTS: [&str; 7] = ["any", "all", "none", "filter", "map", "count", "sort"];

/// A place in an output that a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first word of the path; `.` is the step the check belongs to.
    pub root: String,
    pub path: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Field(String),
    Index(usize),
    /// Every element of a list, or every value of a map.
    Each,
}

impl Place {
    fn then(mut self, part: Part) -> Self {
        self.path.push(part);
        self
    }
}

/// Every place, each once, in order of appearance.
pub(super) fn places(expr: &Expr) -> Vec<Place> {
    let mut out = Vec::new();
    walk(expr, None, true, &mut out);
    out
}

/// The literals an expression compares with, as JSON: what a value would have to be to matter.
pub(super) fn literals(expr: &Expr) -> Vec<Json> {
    let mut out = Vec::new();
    collect(expr, &mut out);
    out
}

fn collect(expr: &Expr, out: &mut Vec<Json>) {
    if let ExprKind::Literal(value) = &expr.kind {
        let json = value.to_json();
        if !out.contains(&json) {
            out.push(json);
        }
    }
    for child in expr.children() {
        collect(child, out);
    }
}

/// `report` is false below a place that has been reported already: only predicates inside of it are still to see.
fn walk(expr: &Expr, element: Option<&Place>, report: bool, out: &mut Vec<Place>) {
    let place = place(expr, element);
    if let (true, Some(place)) = (report, &place)
        && !out.contains(place)
    {
        out.push(place.clone());
    }
    match &expr.kind {
        ExprKind::Call { name, args, .. } => {
            let takes_elements = OF_ELEMENTS.contains(&name.as_str());
            for (i, arg) in args.iter().enumerate() {
                if takes_elements && i == 1 {
                    let each = args.first().and_then(|list| each(list, element));
                    walk(arg, each.as_ref(), true, out);
                } else if i == 0 && takes_elements && args.len() > 1 && report {
                    // The list as a whole matters too: it may be empty.
                    walk(arg, element, true, out);
                } else {
                    walk(arg, element, report && place.is_none(), out);
                }
            }
        }
        _ => {
            for child in expr.children() {
                walk(child, element, report && place.is_none(), out);
            }
        }
    }
}

/// The place an expression stands for, when it only picks out a part.
fn place(expr: &Expr, element: Option<&Place>) -> Option<Place> {
    match &expr.kind {
        ExprKind::Name(name) => Some(Place {
            root: name.clone(),
            path: Vec::new(),
        }),
        ExprKind::Element => Some(element.cloned().unwrap_or_else(|| Place {
            root: ".".to_owned(),
            path: Vec::new(),
        })),
        ExprKind::Field(base, name) => Some(place(base, element)?.then(Part::Field(name.clone()))),
        ExprKind::Index(base, index) => {
            let base = place(base, element)?;
            let ExprKind::Literal(literal) = &index.kind else {
                return Some(base.then(Part::Each));
            };
            match literal.to_json() {
                Json::String(name) => Some(base.then(Part::Field(name))),
                Json::Number(n) => Some(match n.as_u64().and_then(|n| usize::try_from(n).ok()) {
                    Some(n) => base.then(Part::Index(n)),
                    None => base.then(Part::Each),
                }),
                _ => None,
            }
        }
        ExprKind::Call { name, args, .. } => {
            let first = args.first()?;
            match name.as_str() {
                "filter" | "sort" | "unique" | "default" => place(first, element),
                "first" | "last" | "min" | "max" | "flatten" | "values" => each(first, element),
                "map" => each(expr, element),
                _ => None,
            }
        }
        ExprKind::Literal(_)
        | ExprKind::List(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Present { .. } => None,
    }
}

/// The place of the elements of a list.
fn each(list: &Expr, element: Option<&Place>) -> Option<Place> {
    if let ExprKind::Call { name, args, .. } = &list.kind {
        let first = args.first()?;
        match name.as_str() {
            "map" => return place(args.get(1)?, each(first, element).as_ref()),
            "filter" | "sort" | "unique" => return each(first, element),
            _ => {}
        }
    }
    Some(place(list, element)?.then(Part::Each))
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.root == "." { "" } else { &self.root })?;
        for part in &self.path {
            match part {
                Part::Field(name) => write!(f, ".{name}")?,
                Part::Index(n) => write!(f, "[{n}]")?,
                Part::Each => f.write_str("[*]")?,
            }
        }
        if self.root == "." && self.path.is_empty() {
            f.write_str(".")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::expr::parse;

    fn check(text: &str, want: &[&str]) {
        let got: Vec<_> = places(&parse(text).unwrap())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn places_are_as_deep_as_the_expression_looks() {
        check("a.b.c == 3 and a.d < inputs.x", &["a.b.c", "a.d", "inputs.x"]);
        check(".status == 200", &[".status"]);
        check("a[0].b == a[\"k\"]", &["a[0].b", "a.k"]);
        check("not (a.x is present)", &["a.x"]);
    }

    #[test]
    fn elements_are_places_of_their_list() {
        check("a.pods.any(.phase == \"Failed\")", &["a.pods", "a.pods[*].phase"]);
        check(
            "a.pods.filter(.ok).first().name == \"x\"",
            &["a.pods[*].name", "a.pods[*].ok"],
        );
        check("len(a.list) == 3", &["a.list"]);
        check(
            "a.runs.map(.id).all(. matches \"x\")",
            &["a.runs[*].id", "a.runs"],
        );
    }
}
