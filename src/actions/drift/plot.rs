//! Pictures as SVG text: readable without a script, in a light and a dark page.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Class, Context, Failure};
use crate::stats::drift::column::{Side, table};
use crate::stats::drift::detector::Pair;
use crate::stats::drift::{Sorted, bins};

/// The size of a picture in user units, and the room around the bars.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 36.0;
/// How many categories are drawn; the others are one bar.
const CATEGORIES: usize = 15;

/// Writes a picture into the step's artifacts; gives its path.
pub fn keep(cx: &Context, name: &str, svg: &str) -> Result<String, Failure> {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    let failed =
        |e: std::io::Error| Failure::new(Class::Internal, format!("writing the picture of `{name}`: {e}"));
    let path = cx.artifact(&format!("{safe}.svg")).map_err(failed)?;
    std::fs::write(&path, svg).map_err(failed)?;
    Ok(path.display().to_string())
}

/// A picture as data: shares of bins or categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bars {
    /// The edges of the bins, one more than shares, or the categories.
    pub labels: Vec<String>,
    /// The share of each in the reference, or in the only table.
    pub reference: Vec<f64>,
    /// The share of each in the current table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current: Vec<f64>,
}

/// Both distributions of a column beside each other, as data and as SVG; none when a side has no values.
pub fn distributions(pair: &Pair, drifted: bool) -> Option<(Bars, String)> {
    let found = shares(pair)?;
    let state = if drifted { "drifted" } else { "no drift" };
    let svg = bars(&format!("{}: {state}", pair.column), &found);
    Some((found, svg))
}

/// The distribution of one column; none when it has no values.
pub fn alone(column: &str, side: &Side) -> Option<(Bars, String)> {
    if side.is_empty() {
        return None;
    }
    let (labels, reference) = match side {
        Side::Numeric { values, .. } => binned(&bins::sturges(values), values),
        Side::Categorical { .. } => {
            let (labels, shares, _) = categories(side, side)?;
            (labels, rounded(shares))
        }
    };
    let found = Bars {
        labels,
        reference,
        current: Vec::new(),
    };
    let svg = bars(column, &found);
    Some((found, svg))
}

fn shares(pair: &Pair) -> Option<Bars> {
    if pair.reference.is_empty() || pair.current.is_empty() {
        return None;
    }
    if let (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) =
        (&pair.reference, &pair.current)
    {
        let edges = bins::sturges(&a.pooled(b));
        let ((labels, reference), (_, current)) = (binned(&edges, a), binned(&edges, b));
        return Some(Bars {
            labels,
            reference,
            current,
        });
    }
    let (labels, reference, current) = categories(&pair.reference, &pair.current)?;
    Some(Bars {
        labels,
        reference: rounded(reference),
        current: rounded(current),
    })
}

/// The edges of bins as text, and the share of each.
fn binned(edges: &[f64], values: &Sorted) -> (Vec<String>, Vec<f64>) {
    let labels = edges.iter().map(|e| short(*e)).collect();
    let shares = bins::shares(&bins::counts(values, edges), values.len() as u64);
    (labels, rounded(shares))
}

/// Four digits are more than a picture shows.
fn rounded(shares: Vec<f64>) -> Vec<f64> {
    shares.into_iter().map(|s| (s * 1e4).round() / 1e4).collect()
}

/// A curve of shares between 0 and 1 over magnitudes, each with its lower and upper bound.
pub fn curve(title: &str, points: &[(f64, f64, f64, f64)]) -> String {
    let most = points.iter().map(|p| p.0).fold(0.0_f64, f64::max);
    let least = points.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let width = if most > least { most - least } else { 1.0 };
    let x = |m: f64| LEFT + (m - least) / width * (WIDTH - LEFT - 20.0);
    let y = |share: f64| HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
    let mut out = open(title);
    axis(&mut out, 1.0);
    let line: Vec<String> = points
        .iter()
        .map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1)))
        .collect();
    let _ = write!(out, r#"<polyline class="line" points="{}"/>"#, line.join(" "));
    for (magnitude, share, low, high) in points {
        let (px, py) = (x(*magnitude), y(*share));
        let _ = write!(
            out,
            r#"<path class="bound" d="M{px:.1} {:.1}V{:.1}"/><circle class="dot" cx="{px:.1}" cy="{py:.1}" r="3"/><text x="{px:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            y(*low),
            y(*high),
            HEIGHT - BOTTOM + 16.0,
            escape(&short(*magnitude))
        );
    }
    out.push_str("</svg>\n");
    out
}

fn categories(a: &Side, b: &Side) -> Option<(Vec<String>, Vec<f64>, Vec<f64>)> {
    let table = table(a, b)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut rows: Vec<(String, f64, f64)> = table
        .keys
        .iter()
        .zip(&table.reference)
        .zip(&table.current)
        .map(|((k, a), b)| (k.clone(), *a as f64 / n, *b as f64 / m))
        .collect();
    rows.sort_by(|x, y| (y.1 + y.2).total_cmp(&(x.1 + x.2)));
    if rows.len() > CATEGORIES {
        let rest = rows.split_off(CATEGORIES);
        let count = rest.len();
        let sum = |of: fn(&(String, f64, f64)) -> f64| rest.iter().map(of).sum();
        rows.push((format!("{count} others"), sum(|r| r.1), sum(|r| r.2)));
    }
    let a = rows.iter().map(|r| r.1).collect();
    let b = rows.iter().map(|r| r.2).collect();
    Some((rows.into_iter().map(|r| r.0).collect(), a, b))
}

/// Bars, or pairs of them. With one label more than bars the labels are edges.
fn bars(title: &str, bars: &Bars) -> String {
    let Bars {
        labels,
        reference: a,
        current: b,
    } = bars;
    let most = a.iter().chain(b).copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = (WIDTH - LEFT - 10.0) / a.len().max(1) as f64;
    let bar = step * if b.is_empty() { 0.8 } else { 0.4 };
    let height = |share: f64| share / most * (HEIGHT - TOP - BOTTOM);
    let mut out = open(title);
    axis(&mut out, most);
    if !b.is_empty() {
        let _ = write!(
            out,
            r#"<rect class="a" x="{LEFT}" y="26" width="10" height="10"/><text x="{}" y="35">reference</text><rect class="b" x="{}" y="26" width="10" height="10"/><text x="{}" y="35">current</text>"#,
            LEFT + 14.0,
            LEFT + 90.0,
            LEFT + 104.0
        );
    }
    for (i, a) in a.iter().enumerate() {
        let x = step.mul_add(i as f64, LEFT) + step * 0.1;
        let second = b.get(i).map(|b| ("b", *b, x + bar));
        for (class, share, at) in std::iter::once(("a", *a, x)).chain(second) {
            let h = height(share);
            let _ = write!(
                out,
                r#"<rect class="{class}" x="{at:.1}" y="{:.1}" width="{bar:.1}" height="{h:.1}"><title>{:.2}%</title></rect>"#,
                HEIGHT - BOTTOM - h,
                share * 100.0
            );
        }
    }
    let edges = labels.len() > a.len();
    // As many labels as there is room for.
    let every = labels.len().div_ceil(if edges { 8 } else { 16 });
    for (i, label) in labels.iter().enumerate().step_by(every.max(1)) {
        let middle = if edges { 0.0 } else { step / 2.0 };
        let text: String = label.chars().take(12).collect();
        let _ = write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            step.mul_add(i as f64, LEFT) + middle,
            HEIGHT - BOTTOM + 16.0,
            escape(&text)
        );
    }
    out.push_str("</svg>\n");
    out
}

fn open(title: &str) -> String {
    let title = escape(title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title><style>text{{font:11px system-ui,sans-serif;fill:#444}}.t{{font-size:13px;font-weight:600}}.a{{fill:#4c78a8}}.b{{fill:#f58518}}.axis,.bound{{stroke:#888;fill:none}}.line{{stroke:#4c78a8;stroke-width:2;fill:none}}.dot{{fill:#4c78a8}}@media (prefers-color-scheme:dark){{text{{fill:#ccc}}}}</style><text class="t" x="{LEFT}" y="16">{title}</text>"#
    )
}

/// The axis of shares, from 0 to `most`.
fn axis(out: &mut String, most: f64) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - 10.0);
    let _ = write!(
        out,
        r#"<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/><text x="{x}" y="{y}" text-anchor="end">{:.0}%</text><text x="{x}" y="{bottom}" text-anchor="end">0%</text>"#,
        most * 100.0,
        x = LEFT - 4.0,
        y = TOP + 8.0
    );
}

/// A number with four digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-3..1e6).contains(&value.abs()) {
        let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    format!("{value:.2e}")
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_well_formed_whatever_the_names_are() {
        let side = |counts: &[(&str, u64)]| Side::Categorical {
            counts: counts.iter().map(|(k, c)| ((*k).to_owned(), *c)).collect(),
            missing: 0,
        };
        let pair = Pair {
            column: "a<b & \"c\"\u{1}".to_owned(),
            reference: side(&[("<script>", 3), ("y", 5)]),
            current: side(&[("<script>", 8)]),
        };
        let (_, svg) = distributions(&pair, true).expect("values");
        let mut reader = quick_xml::Reader::from_str(&svg);
        let mut elements = 0;
        loop {
            match reader.read_event().expect("well formed") {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(_) => elements += 1,
                _ => {}
            }
        }
        assert!(elements > 5 && !svg.contains("<script>"), "{svg}");
    }

    #[test]
    fn shares_of_numbers_are_drawn() {
        let side = |shift: f64| Side::Numeric {
            values: Sorted::new((0..100).map(|i| f64::from(i) + shift)),
            missing: 0,
        };
        let pair = Pair {
            column: "x".to_owned(),
            reference: side(0.0),
            current: side(50.0),
        };
        let (data, svg) = distributions(&pair, false).expect("values");
        assert_eq!(
            (data.labels.len(), data.reference.len()),
            (data.current.len() + 1, data.current.len())
        );
        assert!(
            svg.contains("x: no drift") && svg.contains("<title>0.00%</title>"),
            "{svg}"
        );
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (12.5, "12.5"),
            (1234.6, "1235"),
            (0.05, "0.05"),
            (1e9, "1.00e9"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
