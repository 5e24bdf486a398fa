//! Pictures as SVG text: readable without a script, in a light and a dark page.

use std::fmt::Write as _;

use crate::action::{Class, Context, Failure};
use crate::stats::drift::bins;
use crate::stats::drift::column::{Side, table};
use crate::stats::drift::detector::Pair;

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

/// Both distributions of a column beside each other, as shares; none when a side has no values.
pub fn distributions(pair: &Pair, drifted: bool) -> Option<String> {
    if pair.reference.is_empty() || pair.current.is_empty() {
        return None;
    }
    let (labels, a, b) = match (&pair.reference, &pair.current) {
        (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) => {
            let edges = bins::sturges(&a.pooled(b));
            let share = |s| bins::shares(&bins::counts(s, &edges), s.len() as u64);
            let labels = edges.iter().map(|e| short(*e)).collect();
            (labels, share(a), share(b))
        }
        _ => categories(pair)?,
    };
    let state = if drifted { "drifted" } else { "no drift" };
    let title = format!("{}: {state}", pair.column);
    Some(bars(&title, &labels, &a, &b))
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

fn categories(pair: &Pair) -> Option<(Vec<String>, Vec<f64>, Vec<f64>)> {
    let table = table(&pair.reference, &pair.current)?;
    let (n, m) = (pair.reference.len() as f64, pair.current.len() as f64);
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

/// Pairs of bars. With one label more than bars the labels are edges.
fn bars(title: &str, labels: &[String], a: &[f64], b: &[f64]) -> String {
    let most = a.iter().chain(b).copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = (WIDTH - LEFT - 10.0) / a.len().max(1) as f64;
    let bar = step * 0.4;
    let height = |share: f64| share / most * (HEIGHT - TOP - BOTTOM);
    let mut out = open(title);
    axis(&mut out, most);
    let _ = write!(
        out,
        r#"<rect class="a" x="{LEFT}" y="26" width="10" height="10"/><text x="{}" y="35">reference</text><rect class="b" x="{}" y="26" width="10" height="10"/><text x="{}" y="35">current</text>"#,
        LEFT + 14.0,
        LEFT + 90.0,
        LEFT + 104.0
    );
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let x = step.mul_add(i as f64, LEFT);
        for (class, share, at) in [("a", *a, x + step * 0.1), ("b", *b, x + step * 0.1 + bar)] {
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
    use crate::stats::drift::Sorted;

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
        let svg = distributions(&pair, true).expect("values");
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
        let svg = distributions(&pair, false).expect("values");
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
