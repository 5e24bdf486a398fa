use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value as Json;

use super::*;
use crate::stats::drift::frame::Column;
use crate::stats::drift::mmd;

fn matrix(json: &Json) -> Vec<Vec<f64>> {
    serde_json::from_value(json.clone()).expect("rows of numbers")
}

/// The reference answers are made by `tests/recorded/together/together.py`, with scikit-learn.
#[test]
fn scikit_learn_agrees() {
    let cases: Vec<Json> =
        serde_json::from_str(include_str!("../../../../tests/recorded/together/together.json"))
            .expect("JSON");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (a, b) = (matrix(&case["a"]), matrix(&case["b"]));
        let mut rng = StdRng::seed_from_u64(1);
        let found = mmd(&a, &b, 1999, &mut rng).expect("rows");
        let close = |what: &str, got: f64, to: f64| {
            let want = case[what].as_f64().expect("a number");
            assert!(
                (got - want).abs() <= to,
                "{} {what}: {got}, wanted {want}",
                case["name"]
            );
        };
        close("mmd", found.statistic, 1e-9);
        // Four standard errors of two permutation p-values.
        let noise = |want: f64, n: f64| 4.0 * (want * (1.0 - want) / n + 1e-6).sqrt() + 2e-3;
        close("mmd_p", found.p_value, noise(found.p_value, 1300.0));
        let rows: Vec<Vec<f64>> = a.iter().chain(&b).cloned().collect();
        let found = domain_classifier(&rows, a.len(), 1999, &mut rng);
        close("auc", found.statistic, 1e-9);
        close("auc_p", found.p_value, noise(found.p_value, 650.0));
    }
}

fn normal(rng: &mut StdRng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// Two columns with this correlation and a category that depends on nothing.
fn frame(rows: usize, correlation: f64, rng: &mut StdRng) -> Frame {
    let x: Vec<f64> = (0..rows).map(|_| normal(rng)).collect();
    let rest = (1.0 - correlation * correlation).sqrt();
    let y = x.iter().map(|x| correlation * x + rest * normal(rng)).collect();
    let names: Vec<&str> = (0..rows)
        .map(|_| if rng.random::<bool>() { "a" } else { "b" })
        .collect();
    Frame(vec![
        ("x".to_owned(), Column::Numeric(x)),
        ("y".to_owned(), Column::Numeric(y)),
        ("c".to_owned(), Column::of_names(names.into_iter().map(Some))),
    ])
}

#[test]
fn a_broken_correlation_shows_in_no_column_but_in_all_of_them() {
    for method in [Joint::Mmd, Joint::DomainClassifier] {
        let mut rng = StdRng::seed_from_u64(2);
        let (a, b) = (frame(300, 0.9, &mut rng), frame(300, 0.0, &mut rng));
        let far = compare(method, &a, &b, 200, 199, &mut rng).expect("suitable");
        assert!(far.p_value <= 0.005 && far.effect > 0.1, "{method:?}: {far:?}");
        assert_eq!(far.rows, (200, 200));
        let again = frame(300, 0.9, &mut rng);
        let near = compare(method, &a, &again, 200, 199, &mut rng).expect("suitable");
        assert!(near.p_value > 0.01, "{method:?}: {near:?}");
    }
}

#[test]
fn missing_values_and_new_categories_are_seen() {
    let mut rng = StdRng::seed_from_u64(3);
    let a = frame(200, 0.5, &mut rng);
    let mut holes = frame(200, 0.5, &mut rng);
    if let Column::Numeric(x) = &mut holes.0[0].1 {
        x.iter_mut().step_by(3).for_each(|v| *v = f64::NAN);
    }
    let mut renamed = frame(200, 0.5, &mut rng);
    renamed.0[2].1 = Column::of_names((0..200).map(|i| Some(if i % 4 == 0 { "new" } else { "a" })));
    for changed in [holes, renamed] {
        for method in [Joint::Mmd, Joint::DomainClassifier] {
            let found = compare(method, &a, &changed, 200, 199, &mut rng).expect("suitable");
            assert!(found.p_value <= 0.01, "{method:?}: {found:?}");
        }
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let mut rng = StdRng::seed_from_u64(5);
    let few = frame(19, 0.0, &mut rng);
    let flat = Frame(vec![("x".to_owned(), Column::Numeric(vec![3.0; 50]))]);
    for method in [Joint::Mmd, Joint::DomainClassifier] {
        assert!(compare(method, &few, &few, 100, 9, &mut rng).is_err());
        assert!(compare(method, &flat, &flat, 100, 9, &mut rng).is_err());
    }
}

#[test]
fn the_area_is_that_of_all_pairs() {
    assert!((auc(&[1.0, 2.0, 2.0, 3.0], &[false, false, true, true]) - 0.875).abs() < 1e-12);
    assert!((auc(&[1.0, 1.0], &[false, true]) - 0.5).abs() < 1e-12);
}
