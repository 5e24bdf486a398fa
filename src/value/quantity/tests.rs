use proptest::prelude::*;

use super::{Bytes, Dimension, Duration, Money, Quantity, Rate, Ratio, Throughput};

fn read(text: &str) -> (f64, Dimension) {
    let quantity: Quantity = text.parse().unwrap();
    (quantity.value, quantity.dimension)
}

fn refused(text: &str) -> String {
    text.parse::<Quantity>().unwrap_err().to_string()
}

#[test]
fn every_unit_is_read() {
    use Dimension::{Bytes, Duration, Money, Rate, Ratio, Throughput};
    for (text, value, dimension) in [
        ("3ns", 3e-9, Duration),
        ("3us", 3e-6, Duration),
        ("0.1ms", 1e-4, Duration),
        ("2s", 2.0, Duration),
        ("2m", 120.0, Duration),
        ("1.5h", 5400.0, Duration),
        ("1d", 86400.0, Duration),
        ("1m30s", 90.0, Duration),
        ("1d2h3m4.5s", 93784.5, Duration),
        ("-5ms", -0.005, Duration),
        ("7B", 7.0, Bytes),
        ("1KB", 1e3, Bytes),
        ("1.5MB", 1.5e6, Bytes),
        ("1GB", 1e9, Bytes),
        ("1TB", 1e12, Bytes),
        ("1KiB", 1024.0, Bytes),
        ("512MiB", 536_870_912.0, Bytes),
        ("1GiB", 1_073_741_824.0, Bytes),
        ("1TiB", 1_099_511_627_776.0, Bytes),
        ("1%", 0.01, Ratio),
        ("99.9%", 0.999, Ratio),
        ("5/s", 5.0, Rate),
        ("60/m", 1.0, Rate),
        ("7200/h", 2.0, Rate),
        ("1B/s", 1.0, Throughput),
        ("16MiB/s", 16_777_216.0, Throughput),
        ("0.40USD", 0.4, Money("USD".into())),
    ] {
        assert_eq!(read(text), (value, dimension), "{text}");
    }
}

#[test]
fn what_is_no_quantity_is_refused_with_the_cure() {
    for (text, message) in [
        ("200", "has no unit"),
        ("", "starts with no number"),
        ("ms", "starts with no number"),
        (".5s", "starts with no number"),
        ("5.s", "unknown unit `.s`"),
        ("5 s", "unknown unit ` s`"),
        ("5sec", "did you mean `s`"),
        ("5minutes", "did you mean `m`"),
        ("5mb", "did you mean `MB`"),
        ("16Mi", "did you mean `MiB`"),
        ("5rps", "did you mean `/s`"),
        ("5USB", "unknown unit `USB`"),
        ("30s1m", "from the longest to the shortest"),
        ("1s1s", "from the longest to the shortest"),
        ("1.5m30s", "only the last part may have a fraction"),
        ("1m30", "unknown unit ``"),
        ("1e3s", "unknown unit `e`"),
        ("+1s", "starts with no number"),
        ("--1s", "starts with no number"),
    ] {
        assert!(refused(text).contains(message), "{text}: {}", refused(text));
    }
    assert!(refused(&format!("{}d", "9".repeat(400))).contains("too large"));
}

#[test]
fn the_text_is_short() {
    for text in [
        "0s", "187.5ms", "1m30s", "2m", "1d1h", "90.5s", "3us", "1ns", "1%", "0.5%", "512MiB", "1GB",
        "1.5KiB", "87B", "20/s", "5/m", "0.25/s", "16MiB/s", "0.40USD", "3.00EUR", "-5ms", "0.125USD",
    ] {
        let quantity: Quantity = text.parse().unwrap();
        let shown = quantity.to_string();
        // A quarter per second is fifteen per minute, which is a whole number.
        let expected = if text == "0.25/s" {
            "15/m"
        } else if text == "90.5s" {
            "90.5s"
        } else {
            text
        };
        assert_eq!(shown, expected);
    }
    assert_eq!("1.23456789s".parse::<Quantity>().unwrap().short(), "1.235s");
}

#[test]
fn named_types_are_text_with_a_unit() {
    let json = |text: &str| serde_json::Value::String(text.to_owned());
    assert_eq!(
        serde_json::from_value::<Duration>(json("2m")).unwrap(),
        Duration(120.0)
    );
    assert_eq!(serde_json::to_value(Bytes(1024.0)).unwrap(), json("1KiB"));
    assert_eq!(serde_json::to_value(Ratio(0.5)).unwrap(), json("50%"));
    assert_eq!(serde_json::to_value(Rate(2.0)).unwrap(), json("2/s"));
    assert_eq!(serde_json::to_value(Throughput(1e6)).unwrap(), json("1MB/s"));
    let money = Money {
        amount: 0.4,
        currency: "USD".into(),
    };
    assert_eq!(serde_json::from_value::<Money>(json("0.40USD")).unwrap(), money);
    let wrong = serde_json::from_value::<Duration>(json("5MiB"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        wrong,
        "expected a duration such as `200ms`, got `5MiB`, a size in bytes"
    );
    let bare = serde_json::from_value::<Duration>(serde_json::json!(5))
        .unwrap_err()
        .to_string();
    assert!(bare.contains("expected a duration as text with a unit"), "{bare}");
    assert!(Duration(-1.0).to_std().is_err());
}

proptest! {
    #[test]
    fn showing_and_reading_gives_the_same_number(value in any::<f64>(), which in 0usize..6) {
        prop_assume!(value.is_finite());
        let dimension = [
            Dimension::Duration, Dimension::Bytes, Dimension::Ratio, Dimension::Rate, Dimension::Throughput,
            Dimension::Money("EUR".into()),
        ][which].clone();
        let quantity = Quantity::new(value, dimension);
        let shown = quantity.to_string();
        prop_assert_eq!(shown.parse::<Quantity>().unwrap(), quantity, "{}", shown);
    }

    #[test]
    fn everyday_numbers_too(number in 0u32..100_000_000, unit in "ns|us|ms|s|m|h|d|B|KB|MiB|GB|%|/s|/m|/h|KiB/s|USD") {
        let quantity: Quantity = format!("{number}{unit}").parse().unwrap();
        prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,12}") {
        let _ = text.parse::<Quantity>();
    }
}
