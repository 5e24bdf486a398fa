//! Every method against SciPy (answers in `tests/recorded/scipy/drift.json`, made by `drift.py` beside it).

use super::*;
use serde_json::Value as Json;

fn answers() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/scipy/drift.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("recorded answers")).expect("JSON")
}

fn numbers(v: &Json) -> Vec<f64> {
    v.as_array()
        .expect("a list")
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

fn counts(v: &Json) -> Vec<u64> {
    v.as_array()
        .expect("a list")
        .iter()
        .map(|x| x.as_u64().expect("a count"))
        .collect()
}

#[track_caller]
fn close(what: &str, got: f64, want: &Json) {
    let want = want.as_f64().unwrap_or(f64::INFINITY);
    let scale = want.abs().max(1.0);
    assert!(
        (got - want).abs() <= 1e-9 * scale || got == want,
        "{what}: got {got}, scipy {want}"
    );
}

#[track_caller]
fn same(what: &str, got: &TestResult, want: &Json) {
    close(&format!("{what} statistic"), got.statistic, &want[0]);
    close(&format!("{what} p"), got.p_value, &want[1]);
}

#[test]
fn numeric_methods_equal_scipy() {
    let all = answers();
    let cases = all["numeric"].as_array().expect("cases");
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let (a, b) = (Sorted::new(numbers(&case["a"])), Sorted::new(numbers(&case["b"])));
        let want = &case["scipy"];
        let ks = |method| kolmogorov_smirnov(&a, &b, method).expect("suitable");
        same(&format!("{name} ks"), &ks(KsMethod::Auto), &want["ks"]);
        same(
            &format!("{name} ks asymptotic"),
            &ks(KsMethod::Asymptotic),
            &want["ks_asymptotic"],
        );
        close(
            &format!("{name} wasserstein"),
            wasserstein(&a, &b),
            &want["wasserstein"],
        );
        close(
            &format!("{name} energy"),
            energy_distance(&a, &b),
            &want["energy"],
        );
        same(
            &format!("{name} cvm"),
            &cramer_von_mises(&a, &b).expect("suitable"),
            &want["cramer_von_mises"],
        );
        same(
            &format!("{name} anderson"),
            &anderson_darling(&a, &b).expect("suitable"),
            &want["anderson"],
        );
        same(
            &format!("{name} es"),
            &epps_singleton(&a, &b).expect("suitable"),
            &want["epps_singleton"],
        );
        let mwu = |alternative| mann_whitney(&a, &b, alternative).expect("suitable");
        same(
            &format!("{name} mwu"),
            &mwu(Alternative::TwoSided),
            &want["mann_whitney"],
        );
        same(
            &format!("{name} mwu less"),
            &mwu(Alternative::Less),
            &want["mann_whitney_less"],
        );
        same(
            &format!("{name} t"),
            &student_t(&a, &b).expect("suitable"),
            &want["student"],
        );
        same(
            &format!("{name} welch"),
            &welch_t(&a, &b).expect("suitable"),
            &want["welch"],
        );
        let edges = bins::sturges(&a.pooled(&b));
        assert_eq!(
            edges.len(),
            counts(&want["sturges_a"]).len() + 1,
            "{name} sturges"
        );
        assert_eq!(
            bins::counts(&a, &edges),
            counts(&want["sturges_a"]),
            "{name} sturges"
        );
    }
}

#[test]
fn the_kolmogorov_distribution_equals_scipy() {
    for case in answers()["kolmogorov"].as_array().expect("cases") {
        let (n, x) = (case[0].as_u64().expect("n"), case[1].as_f64().expect("x"));
        close(&format!("n = {n}, x = {x}"), kolmogorov::survival(n, x), &case[2]);
    }
}

#[test]
fn categorical_methods_equal_scipy() {
    let all = answers();
    let cases = all["categorical"].as_array().expect("cases");
    assert!(cases.len() >= 8, "only {} cases", cases.len());
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let (a, b) = (counts(&case["a"]), counts(&case["b"]));
        let want = &case["scipy"];
        same(
            &format!("{name} chi2"),
            &chi_square(&a, &b).expect("suitable"),
            &want["chi_square"],
        );
        same(
            &format!("{name} g"),
            &g_test(&a, &b).expect("suitable"),
            &want["g"],
        );
        same(
            &format!("{name} fit"),
            &chi_square_fit(&a, &b).expect("suitable"),
            &want["chi_square_fit"],
        );
        if a.len() == 2 {
            same(
                &format!("{name} fisher"),
                &fisher_exact(&a, &b).expect("suitable"),
                &want["fisher"],
            );
        }
        let share = |c: &[u64]| bins::shares(c, c.iter().sum());
        close(
            &format!("{name} js"),
            jensen_shannon(&share(&a), &share(&b)),
            &want["jensen_shannon"],
        );
        close(
            &format!("{name} tv"),
            total_variation(&a, &b),
            &want["total_variation"],
        );
        let filled = |c: &[u64]| bins::fill_zeros(&share(c));
        close(
            &format!("{name} kl"),
            kullback_leibler(&filled(&a), &filled(&b)),
            &want["kullback_leibler"],
        );
    }
}

#[test]
fn corrections_equal_statsmodels() {
    let p = [0.01, 0.04, 0.03, 0.005, 0.5];
    let close = |got: Vec<f64>, want: [f64; 5]| {
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < 1e-12, "{got:?} against {want:?}");
        }
    };
    close(adjust(&p, Correction::Holm), [0.04, 0.09, 0.09, 0.025, 0.5]);
    close(adjust(&p, Correction::Bonferroni), [0.05, 0.2, 0.15, 0.025, 1.0]);
    close(
        adjust(&p, Correction::BenjaminiHochberg),
        [0.025, 0.05, 0.05, 0.025, 0.5],
    );
    close(adjust(&p, Correction::None), p);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let empty = Sorted::new([]);
    let one = Sorted::new([1.0]);
    let flat = Sorted::new([1.0; 30]);
    assert!(kolmogorov_smirnov(&empty, &one, KsMethod::Auto).is_err());
    assert!(cramer_von_mises(&one, &flat).is_err());
    assert!(anderson_darling(&flat, &flat).is_err());
    assert!(epps_singleton(&flat, &flat).is_err());
    assert!(mann_whitney(&flat, &flat, Alternative::TwoSided).is_err());
    assert!(student_t(&flat, &flat).is_err());
    assert!(chi_square(&[0, 0], &[1, 2]).is_err());
    assert!(fisher_exact(&[1, 2, 3], &[1, 2, 3]).is_err());
    assert!(wasserstein(&empty, &one).is_nan());
}

#[test]
fn permutation_finds_a_shift_and_nothing_else() {
    use rand::SeedableRng;
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    let rows = |shift: f64| {
        (0..40)
            .map(|i| vec![f64::from(i % 7) + shift, f64::from(i % 5)])
            .collect::<Vec<_>>()
    };
    let far = mmd(&rows(0.0), &rows(5.0), 199, &mut rng).expect("enough rows");
    assert!(far.p_value <= 0.01, "{far:?}");
    let near = mmd(&rows(0.0), &rows(0.0), 199, &mut rng).expect("enough rows");
    assert!(near.p_value > 0.1, "{near:?}");
    assert!(mmd(&rows(0.0)[..1], &rows(0.0), 9, &mut rng).is_none());
}
