use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

fn frame() -> Frame {
    let mut rng = StdRng::seed_from_u64(11);
    let x: Vec<f64> = (0..1000)
        .map(|i| {
            if i % 50 == 0 {
                f64::NAN
            } else {
                normal(&mut rng) * 3.0 + 10.0
            }
        })
        .collect();
    let names = ["a", "a", "a", "b", "b", "c"];
    Frame(vec![
        ("x".to_owned(), Column::Numeric(x)),
        (
            "t".to_owned(),
            Column::Numeric((0..1000).map(f64::from).collect()),
        ),
        (
            "label".to_owned(),
            Column::of_names((0..1000).map(|i| Some(names[i % 6]))),
        ),
    ])
}

fn change(column: &str, kind: Kind, magnitude: f64) -> Injection {
    Injection {
        column: column.to_owned(),
        kind,
        magnitude,
        fraction: 1.0,
        offset: 0.0,
        by: None,
    }
}

fn done(injection: &Injection) -> Injected {
    inject(&frame(), injection, &mut StdRng::seed_from_u64(5)).expect("suitable")
}

fn near(actual: Option<f64>, wanted: f64, by: f64) -> bool {
    actual.is_some_and(|a| (a - wanted).abs() <= by)
}

#[test]
fn what_was_asked_for_is_what_is_measured() {
    for (injection, within) in [
        (change("x", Kind::MeanShift, 0.5), 1e-9),
        (change("x", Kind::Scale, 2.0), 1e-9),
        (change("x", Kind::Noise, 1.0), 0.2),
        (change("x", Kind::Missing, 0.3), 1e-9),
        (change("label", Kind::Missing, 0.3), 1e-9),
        (change("label", Kind::CategoryNew, 0.1), 1e-9),
        (change("label", Kind::PriorShift, 0.8), 0.06),
        (change("x", Kind::DuplicateRows, 0.25), 1e-9),
    ] {
        let found = done(&injection);
        assert!(
            near(found.achieved, injection.magnitude, within),
            "{injection:?}: {:?}",
            found.achieved
        );
        assert!(found.changed > 0, "{injection:?}");
    }
}

#[test]
fn magnitude_zero_changes_nothing() {
    for kind in [
        Kind::MeanShift,
        Kind::Noise,
        Kind::Clip,
        Kind::Lag,
        Kind::Constant,
        Kind::Missing,
        Kind::Permute,
    ] {
        let found = done(&change("x", kind, 0.0));
        assert_eq!((found.changed, found.effect.missing), (0, 0.0), "{kind:?}");
    }
    for kind in [
        Kind::CategorySwap,
        Kind::CategoryNew,
        Kind::CategoryReweight,
        Kind::Missing,
    ] {
        assert_eq!(done(&change("label", kind, 0.0)).changed, 0, "{kind:?}");
    }
}

#[test]
fn a_fraction_touches_that_share_of_the_rows() {
    let found = done(&Injection {
        fraction: 0.5,
        ..change("t", Kind::UnitChange, 1000.0)
    });
    // The row with the value 0 stays what it is when it is chosen.
    assert!((499..=500).contains(&found.changed), "{}", found.changed);
}

#[test]
fn permuting_keeps_the_distribution_and_breaks_the_pairs() {
    let found = done(&change("t", Kind::Permute, 1.0));
    assert_eq!(found.effect.wasserstein, Some(0.0));
    assert!(found.changed > 900);
}

#[test]
fn missing_by_another_column_takes_its_largest_rows() {
    let found = done(&Injection {
        by: Some("t".to_owned()),
        ..change("label", Kind::Missing, 0.1)
    });
    let Some(Column::Categorical { codes, .. }) = found.column else {
        panic!("no categories");
    };
    assert!(codes[900..].iter().all(|c| *c == MISSING) && codes[..900].iter().all(|c| *c != MISSING));
}

#[test]
fn a_flipped_concept_leaves_the_lower_half_alone() {
    let injection = Injection {
        by: Some("t".to_owned()),
        ..change("label", Kind::ConceptFlip, 1.0)
    };
    let found = done(&injection);
    let (old, new) = (frame(), frame().after("label", &found));
    let rows = |f: &Frame, r: std::ops::Range<usize>| match f.get("label") {
        Some(Column::Categorical { codes, .. }) => codes[r].to_vec(),
        _ => panic!("no categories"),
    };
    assert_eq!(rows(&old, 0..500), rows(&new, 0..500));
    assert_ne!(rows(&old, 500..1000), rows(&new, 500..1000));
}

#[test]
fn a_covariate_shift_moves_the_mean_and_keeps_rows_whole() {
    let found = done(&change("t", Kind::CovariateShift, 1.0));
    assert!(
        found.effect.mean_shift.is_some_and(|s| s > 0.5),
        "{:?}",
        found.effect
    );
    let after = frame().after("t", &found);
    let (Some(Column::Numeric(t)), Some(Column::Categorical { codes, .. })) =
        (after.get("t"), after.get("label"))
    else {
        panic!("columns are missing");
    };
    let (old, rows) = (frame(), t.iter().zip(codes));
    let Some(Column::Categorical { codes: before, .. }) = old.get("label") else {
        panic!("no categories");
    };
    assert!(rows.into_iter().all(|(t, c)| before[*t as usize] == *c));
}

#[test]
fn one_seed_gives_one_table() {
    let injection = change("x", Kind::Noise, 0.5);
    let run = |seed| {
        inject(&frame(), &injection, &mut StdRng::seed_from_u64(seed))
            .expect("suitable")
            .effect
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn what_cannot_be_changed_is_refused() {
    for (injection, why) in [
        (change("y", Kind::MeanShift, 1.0), "there is no column `y`"),
        (
            change("label", Kind::MeanShift, 1.0),
            "the kind is for numbers, the column has categories",
        ),
        (
            change("x", Kind::CategoryNew, 0.5),
            "the kind is for categories, the column is numeric",
        ),
        (
            change("x", Kind::Missing, 1.5),
            "the magnitude 1.5 is not between 0 and 1",
        ),
    ] {
        let error = inject(&frame(), &injection, &mut StdRng::seed_from_u64(1)).expect_err("refused");
        assert_eq!(error.0, why);
    }
    let flat = Frame(vec![("x".to_owned(), Column::Numeric(vec![1.0; 9]))]);
    assert!(
        inject(
            &flat,
            &change("x", Kind::MeanShift, 1.0),
            &mut StdRng::seed_from_u64(1)
        )
        .is_err()
    );
}
