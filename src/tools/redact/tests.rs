//! Every encoding of every kind of secret is found, whole and in pieces.

use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::{MASK, Redacting, Redactor};
use crate::value::Secret;

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new("s", *s)).collect();
    Redactor::new(&secrets)
}

#[test]
fn without_secrets_a_text_stays_as_it_is() {
    assert_eq!(redactor(&[]).redact("nothing to see"), "nothing to see");
    assert_eq!(
        redactor(&["abc", ""]).redact("abcabc"),
        "abcabc",
        "too short to look for"
    );
}

#[test]
fn a_secret_is_masked_wherever_it_stands() {
    let r = redactor(&["hunter22"]);
    assert_eq!(r.redact("hunter22 and hunter22hunter22"), "*** and ******");
    assert_eq!(r.redact("é hunter22 é"), "é *** é");
}

#[test]
fn the_longest_of_two_secrets_is_masked_whole() {
    let r = redactor(&["hunter22", "hunter22-and-more"]);
    assert_eq!(r.redact("x hunter22-and-more x"), "x *** x");
}

#[test]
fn each_encoding_is_found() {
    let secret = "p@ss/w0rd \"&<'> é$";
    let r = redactor(&[secret]);
    let forms = [
        secret.to_owned(),
        STANDARD.encode(secret),
        URL_SAFE.encode(secret),
        "p%40ss%2Fw0rd%20%22%26%3C%27%3E%20%C3%A9%24".to_owned(),
        "p%40ss%2fw0rd%20%22%26%3c%27%3e%20%c3%a9%24".to_owned(),
        "p%40ss%2Fw0rd+%22%26%3C%27%3E+%C3%A9%24".to_owned(),
        serde_json::to_string(secret).unwrap(),
        serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap(),
        "p@ss/w0rd \\\"&<'> \\u00e9$".to_owned(),
        "p@ss/w0rd &quot;&amp;&lt;&apos;&gt; é$".to_owned(),
        "p@ss/w0rd &#34;&amp;&lt;&#39;&gt; é$".to_owned(),
        crate::tools::files::hex(secret.as_bytes()),
        crate::tools::files::hex(secret.as_bytes()).to_uppercase(),
        "'p@ss/w0rd \"&<'\\''> é$'".to_owned(),
        "p@ss/w0rd\\ \\\"\\&\\<\\'\\>\\ é\\$".to_owned(),
    ];
    for form in forms {
        let masked = r.redact(&format!("before {form} after"));
        assert!(masked.contains(MASK), "{form} was not found");
        assert!(
            !masked.contains("w0rd") && masked.starts_with("before ") && masked.ends_with(" after"),
            "{masked}"
        );
    }
}

#[test]
fn a_secret_inside_a_longer_base64_text_is_found_at_every_shift() {
    let r = redactor(&["correct-horse"]);
    for before in ["", "u", "us", "user:", "user:x"] {
        for after in ["", "a", "ab", "abc"] {
            let text = STANDARD.encode(format!("{before}correct-horse{after}"));
            assert!(r.finds(text.as_bytes()), "{before}|{after}: {text}");
        }
    }
}

#[test]
fn leaves_and_lines_of_a_secret_are_secrets() {
    let r = redactor(&[
        r#"{"user": "robot-account", "keys": ["k-123456"], "id": 12345678, "port": 5432, "on": true}"#,
        "-----BEGIN KEY-----\nMIIBVgIBADAN\nshort\n-----END KEY-----\n",
    ]);
    assert_eq!(
        r.redact("robot-account k-123456 12345678 5432 true MIIBVgIBADAN short"),
        "*** *** *** 5432 true *** short"
    );
}

#[test]
fn json_keeps_its_shape() {
    let r = redactor(&["hunter22", "99887766"]);
    let value = serde_json::json!({"a hunter22": ["hunter22", 1, 99_887_766, null, true]});
    assert_eq!(
        r.redact_json(&value),
        serde_json::json!({"a ***": ["***", 1, "***", null, true]})
    );
}

#[test]
fn debug_shows_no_secret() {
    let text = format!("{:?}", redactor(&["hunter22"]));
    assert!(!text.contains("hunter22"), "{text}");
}

fn through_stream(r: &Arc<Redactor>, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut writer = Redacting::new(Vec::new(), Arc::clone(r));
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        writer.write_all(piece).unwrap();
        rest = after;
    }
    writer.write_all(rest).unwrap();
    writer.finish().unwrap()
}

#[test]
fn pieces_of_one_byte_hide_nothing() {
    let r = Arc::new(redactor(&["hunter22", "er22-long-tail"]));
    let text = b"a hunter22 b hunter22-long-tail c";
    let ones = vec![1; text.len()];
    assert_eq!(through_stream(&r, text, &ones), r.redact_bytes(text));
    assert!(!r.finds(&through_stream(&r, text, &ones)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_gives_what_the_whole_gives(
        secret in "[a-c]{4,9}",
        text in "[a-d]{0,80}",
        cuts in proptest::collection::vec(0_usize..7, 0..30),
    ) {
        let r = Arc::new(redactor(&[&secret]));
        prop_assert_eq!(through_stream(&r, text.as_bytes(), &cuts), r.redact_bytes(text.as_bytes()));
    }

    #[test]
    fn no_secret_survives_in_any_base64(secret in "[ -~]{6,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}") {
        let r = redactor(&[&secret]);
        let text = STANDARD.encode(format!("{before}{secret}{after}"));
        prop_assert!(r.finds(text.as_bytes()));
    }

    #[test]
    fn redacting_never_fails(secret in ".*", text in ".*") {
        let r = redactor(&[&secret]);
        let _ = r.redact(&text);
    }
}
