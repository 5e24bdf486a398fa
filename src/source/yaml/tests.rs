use super::{SyntaxErrorKind, locate, read};
use crate::source::{Node, Sources};

fn parse(text: &str) -> (Sources, Result<Node, super::SyntaxError>) {
    let sources = Sources::new();
    let id = sources.add("t.yaml", text);
    let node = read(&sources, id);
    (sources, node)
}

#[test]
fn spans_cover_scalars_with_quotes_and_containers_whole() {
    let (s, node) = parse("a: \"x\"\nb: [1, {x: y}]\n");
    let node = node.expect("valid");
    let of = |key: &str| s.slice(node.get(key).expect("key").value.span);
    assert_eq!(of("a"), "\"x\"");
    assert_eq!(of("b"), "[1, {x: y}]");
    assert_eq!(s.slice(locate(&s, &node.get("a").expect("key").value, 0..1)), "x");
}

#[test]
fn a_key_twice_is_an_error() {
    let (_, node) = parse("a: 1\na: 2\n");
    assert_eq!(node.map_err(|e| e.kind), Err(SyntaxErrorKind::DuplicateKey));
}
