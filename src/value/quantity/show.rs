//! The shortest exact text of a quantity.

use super::units::{RATES, SIZES, Scale};
use super::{Dimension, Quantity};

pub(super) fn exact(quantity: &Quantity) -> String {
    let value = quantity.value;
    if !value.is_finite() {
        return format!("{value}");
    }
    if value < 0.0 {
        let positive = Quantity::new(-value, quantity.dimension.clone());
        return format!("-{}", exact(&positive));
    }
    match &quantity.dimension {
        Dimension::Duration => duration(value),
        Dimension::Bytes => size(value),
        Dimension::Throughput => format!("{}/s", size(value)),
        Dimension::Ratio => format!("{}%", decimal(value, 2)),
        Dimension::Rate => rate(value),
        Dimension::Money(currency) => money(value, currency),
    }
}

fn duration(seconds: f64) -> String {
    if seconds >= 60.0 && seconds.fract() == 0.0 && seconds < 1e15 {
        return compound(seconds as u64);
    }
    let (shift, unit) = match seconds {
        s if s == 0.0 || s >= 1.0 => (0, "s"),
        s if s >= 1e-3 => (3, "ms"),
        s if s >= 1e-6 => (6, "us"),
        _ => (9, "ns"),
    };
    format!("{}{unit}", decimal(seconds, shift))
}

fn compound(mut seconds: u64) -> String {
    let mut text = String::new();
    for (size, unit) in [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
        if seconds >= size {
            text += &(seconds / size).to_string();
            text += unit;
            seconds %= size;
        }
    }
    text
}

/// The shortest of the units in which the number is at least 1, and plain bytes where there is no larger unit.
fn size(bytes: f64) -> String {
    let candidates = SIZES.iter().filter_map(|(unit, scale)| {
        let (large_enough, number) = match scale {
            Scale::Two(exponent) => {
                let number = bytes / 2f64.powi(*exponent);
                (number >= 1.0, decimal(number, 0))
            }
            Scale::Ten(exponent) => (bytes >= 10f64.powi(*exponent), decimal(bytes, -exponent)),
            Scale::Times(_) | Scale::Per(_) => return None,
        };
        (large_enough && *unit != "B").then(|| format!("{number}{unit}"))
    });
    candidates
        .min_by_key(String::len)
        .unwrap_or_else(|| format!("{}B", decimal(bytes, 0)))
}

fn rate(per_second: f64) -> String {
    for (unit, scale) in RATES {
        if let Scale::Per(divisor) = scale {
            let number = per_second * divisor;
            if per_second.fract() != 0.0 && number.fract() == 0.0 && number / divisor == per_second {
                return format!("{}{unit}", decimal(number, 0));
            }
        }
    }
    format!("{}/s", decimal(per_second, 0))
}

fn money(amount: f64, currency: &str) -> String {
    let mut number = decimal(amount, 0);
    match number.find('.') {
        None => number += ".00",
        Some(point) if number.len() - point == 2 => number.push('0'),
        Some(_) => {}
    }
    number + currency
}

/// The shortest decimal text of `value * 10^shift` that is exact: the digits that stand for the float are moved, not
/// multiplied. `value` is finite and not negative.
fn decimal(value: f64, shift: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + shift + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else if point >= count {
        format!("{digits}{}", zeros(point - count))
    } else {
        let at = usize::try_from(point).unwrap_or(0);
        format!("{}.{}", &digits[..at], &digits[at..])
    }
}
