//! The units and how a text with units is read.

use super::{Dimension, Quantity, UnitError};
use crate::diag;

/// How a number in a unit becomes a number in the base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Times a power of ten; done in the decimal text, so that `0.1ms` is exactly the float nearest to 0.0001.
    Ten(i32),
    /// Times a power of two, exact.
    Two(i32),
    Times(f64),
    Per(f64),
}

/// Time, from the longest to the shortest.
pub(super) const DURATIONS: [(&str, Scale); 7] = [
    ("d", Scale::Times(86_400.0)),
    ("h", Scale::Times(3_600.0)),
    ("m", Scale::Times(60.0)),
    ("s", Scale::Ten(0)),
    ("ms", Scale::Ten(-3)),
    ("us", Scale::Ten(-6)),
    ("ns", Scale::Ten(-9)),
];

/// Sizes, from the largest to the smallest, binary before decimal.
pub(super) const SIZES: [(&str, Scale); 9] = [
    ("TiB", Scale::Two(40)),
    ("TB", Scale::Ten(12)),
    ("GiB", Scale::Two(30)),
    ("GB", Scale::Ten(9)),
    ("MiB", Scale::Two(20)),
    ("MB", Scale::Ten(6)),
    ("KiB", Scale::Two(10)),
    ("KB", Scale::Ten(3)),
    ("B", Scale::Ten(0)),
];

pub(super) const RATES: [(&str, Scale); 3] = [
    ("/s", Scale::Ten(0)),
    ("/m", Scale::Per(60.0)),
    ("/h", Scale::Per(3_600.0)),
];

/// What people write elsewhere, and what it is called here.
const ALIASES: [(&str, &str); 25] = [
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("msec", "ms"),
    ("\u{b5}s", "us"),
    ("usec", "us"),
    ("k", "KB"),
    ("Ki", "KiB"),
    ("Mi", "MiB"),
    ("Gi", "GiB"),
    ("Ti", "TiB"),
    ("percent", "%"),
    ("rps", "/s"),
    ("qps", "/s"),
    ("/sec", "/s"),
];

/// ISO 4217, active codes of money in circulation.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ \
    GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL \
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN \
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD \
    TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// Whether this is a currency's code: `USD`.
#[must_use]
pub fn is_currency(code: &str) -> bool {
    code.len() == 3 && CURRENCIES.split_ascii_whitespace().any(|c| c == code)
}

pub(super) fn read(text: &str) -> Result<Quantity, UnitError> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, rest) = split_number(body);
    if number.is_empty() {
        return Err(UnitError(format!(
            "`{text}` is not a quantity: it starts with no number"
        )));
    }
    if rest.is_empty() {
        return Err(UnitError(format!("`{text}` has no unit: {}", all_units())));
    }
    let value = if rest.contains(|c: char| c.is_ascii_digit()) {
        Quantity::new(compound(text, body)?, Dimension::Duration)
    } else {
        let (dimension, scale) = unit(rest).ok_or_else(|| unknown_unit(text, rest))?;
        Quantity::new(scaled(number, scale), dimension)
    };
    if !value.value.is_finite() {
        return Err(UnitError(format!("`{text}` is too large")));
    }
    Ok(Quantity::new(
        if negative { -value.value } else { value.value },
        value.dimension,
    ))
}

/// `1h30m`: from the longest unit to the shortest, each once, a fraction only in the last.
fn compound(text: &str, body: &str) -> Result<f64, UnitError> {
    let wrong = |why: &str| Err(UnitError(format!("`{text}` is not a duration: {why}")));
    let mut rest = body;
    let mut total = 0.0;
    let mut longest = 0;
    let mut fraction = false;
    while !rest.is_empty() {
        let (number, after) = split_number(rest);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (word, next) = after.split_at(end);
        if number.is_empty() {
            return wrong("a number is missing");
        }
        let Some(at) = DURATIONS.iter().position(|(name, _)| *name == word) else {
            return Err(unknown_unit(text, word));
        };
        if at < longest {
            return wrong("units go from the longest to the shortest, each once");
        }
        if fraction {
            return wrong("only the last part may have a fraction");
        }
        fraction = number.contains('.');
        longest = at + 1;
        total += scaled(number, DURATIONS[at].1);
        rest = next;
    }
    Ok(total)
}

/// The longest number at the start: digits, and a fraction when a digit follows the point.
fn split_number(text: &str) -> (&str, &str) {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let mut end = whole;
    if whole > 0 && text[whole..].starts_with('.') {
        let fraction = digits(whole + 1);
        if fraction > 0 {
            end = whole + 1 + fraction;
        }
    }
    text.split_at(end)
}

fn unit(word: &str) -> Option<(Dimension, Scale)> {
    let find =
        |table: &[(&str, Scale)], word: &str| table.iter().find(|(name, _)| *name == word).map(|u| u.1);
    if let Some(scale) = find(&DURATIONS, word) {
        return Some((Dimension::Duration, scale));
    }
    if let Some(scale) = find(&SIZES, word) {
        return Some((Dimension::Bytes, scale));
    }
    if let Some(scale) = find(&RATES, word) {
        return Some((Dimension::Rate, scale));
    }
    if let Some(scale) = word.strip_suffix("/s").and_then(|size| find(&SIZES, size)) {
        return Some((Dimension::Throughput, scale));
    }
    if word == "%" {
        return Some((Dimension::Ratio, Scale::Ten(-2)));
    }
    is_currency(word).then(|| (Dimension::Money(word.to_owned()), Scale::Ten(0)))
}

/// `number` holds digits and at most one point.
fn scaled(number: &str, scale: Scale) -> f64 {
    let plain = || number.parse::<f64>().unwrap_or(f64::INFINITY);
    match scale {
        Scale::Ten(0) => plain(),
        Scale::Ten(exponent) => format!("{number}e{exponent}").parse().unwrap_or(f64::INFINITY),
        Scale::Two(exponent) => plain() * 2f64.powi(exponent),
        Scale::Times(factor) => plain() * factor,
        Scale::Per(divisor) => plain() / divisor,
    }
}

fn unknown_unit(text: &str, word: &str) -> UnitError {
    let names = || {
        let tables = DURATIONS.iter().chain(&SIZES).chain(&RATES);
        tables.map(|u| u.0).chain(["%"])
    };
    let meant = ALIASES
        .iter()
        .find(|(alias, _)| *alias == word)
        .map(|(_, name)| *name)
        .or_else(|| names().find(|name| name.eq_ignore_ascii_case(word)))
        .or_else(|| diag::closest(word, names()));
    let advice = match meant {
        Some(name) => format!("did you mean `{name}`?"),
        None => all_units(),
    };
    UnitError(format!("unknown unit `{word}` in `{text}`: {advice}"))
}

fn all_units() -> String {
    "units are ns us ms s m h d, B KB MB GB TB KiB MiB GiB TiB (also /s), %, /s /m /h, and currencies such as USD"
        .to_owned()
}
