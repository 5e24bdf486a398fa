use super::*;
use crate::source::{Sources, Span};

#[test]
fn a_diagnostic_points_at_its_place() {
    let s = Sources::new();
    let id = s.add("specs/T07.yaml", "id: T07\nrun: {rqeuests: 1}\n");
    let d = Diagnostic::error(Code::Syntax, "unknown key `rqeuests`")
        .label(Span::new(id, 14, 22), "not a parameter")
        .help("did you mean `requests`?");
    assert_eq!(
        render(&d, &s, Style::Plain, 80),
        "error[E0101]: unknown key `rqeuests`
 --> specs/T07.yaml:2:7
  |
1 | id: T07
2 | run: {rqeuests: 1}
  |       ^^^^^^^^ not a parameter
  |
  = help: did you mean `requests`?
"
    );
}
