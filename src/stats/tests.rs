//! Reference values: scipy 1.17.1 (`binom.cdf`, `binom.sf`, `beta.ppf`, `t.ppf`), and the exact tables that follow
//! from them by search.

use super::binomial::{at_least, at_most, lower_bound, probability, upper_bound};
use super::limits::{refuted_from, share_below, shown_up_to, smallest_sample};
use super::quantile::{self, Bounds};
use super::{Answer, effective, paired};
use crate::value::Distribution;

fn near(actual: f64, expected: f64, relative: f64) {
    assert!(
        (actual - expected).abs() <= relative * expected.abs().max(1e-300),
        "{actual:e} is not {expected:e}"
    );
}

#[test]
fn binomial_tails_equal_scipy() {
    let cases = [
        (1, 100, 0.05, 0.037_081_209_327_355_036, 0.994_079_470_779_666),
        (10, 100, 0.05, 0.988_527_589_932_515_3, 0.028_188_294_163_416_14),
        (5, 100, 0.05, 0.615_999_127_956_141, 0.564_018_699_314_289_9),
        (
            463,
            10_000,
            0.05,
            0.045_736_494_733_468_94,
            0.958_601_621_238_527_2,
        ),
        (50, 1_000, 0.05, 0.537_529_040_801_427_3, 0.520_258_942_912_679_5),
        (
            49_700,
            1_000_000,
            0.05,
            0.084_594_522_037_577_06,
            0.916_116_007_244_338_3,
        ),
        (
            50_600,
            1_000_000,
            0.05,
            0.997_027_241_719_024_3,
            0.003_014_499_124_620_433_7,
        ),
        (99_900_000, 1_000_000_000, 0.1, 2.753_140_740_186_207e-26, 1.0),
        (0, 299, 0.01, 0.049_536_256_637_662_465, 1.0),
        (
            3,
            1_000_000,
            1e-6,
            0.981_011_904_437_096_6,
            0.080_301_305_101_449_62,
        ),
        (700, 1_000, 0.5, 1.0, 8.832_839_003_974_784e-38),
        (299, 300, 0.99, 0.950_959_105_928_714_2, 0.197_649_663_984_272_9),
    ];
    for (k, n, p, cdf, sf) in cases {
        near(at_most(k, n, p), cdf, 1e-9);
        near(at_least(k, n, p), sf, 1e-9);
    }
}

#[test]
fn tails_and_probabilities_agree_with_plain_sums() {
    for n in [1_u64, 2, 7, 20, 40] {
        for p in [1e-9, 0.01, 0.3, 0.5, 0.97] {
            let mut sum = 0.0;
            for k in 0..=n {
                sum += probability(k, n, p, 1.0 - p);
                near(at_most(k, n, p), sum, 1e-12);
            }
            near(sum, 1.0, 1e-13);
        }
    }
}

#[test]
fn the_edges_of_a_tail_are_exact() {
    assert_eq!(at_least(0, 10, 0.3), 1.0);
    assert_eq!(at_least(11, 10, 0.3), 0.0);
    assert_eq!(at_most(10, 10, 0.3), 1.0);
    assert_eq!(at_most(0, 10, 0.0), 1.0);
    assert_eq!(at_least(1, 10, 0.0), 0.0);
    assert_eq!(at_least(10, 10, 1.0), 1.0);
    assert_eq!(at_most(9, 10, 1.0), 0.0);
}

#[test]
fn clopper_pearson_bounds_equal_scipy() {
    let cases = [
        (0, 100, 0.95, 0.0, 0.029_513_049_607_039_925),
        (0, 299, 0.95, 0.0, 0.009_969_146_792_899_269),
        (
            1,
            100,
            0.95,
            0.000_512_801_416_262_292_6,
            0.046_559_811_453_538_935,
        ),
        (5, 100, 0.95, 0.019_905_563_662_171_843, 0.102_253_377_643_274_5),
        (5, 100, 0.99, 0.012_968_921_327_023_257, 0.125_851_730_697_678_63),
        (99, 100, 0.95, 0.953_440_188_546_461_1, 0.999_487_198_583_737_7),
        (
            50,
            1_000,
            0.95,
            0.039_163_535_925_589_354,
            0.062_863_403_512_379_73,
        ),
        (
            50_000,
            1_000_000,
            0.95,
            0.049_641_975_356_742_37,
            0.050_359_951_362_176_09,
        ),
        (
            3,
            1_000_000,
            0.95,
            8.176_919_305_463_179e-7,
            7.753_638_098_840_06e-6,
        ),
        (0, 100, 0.99, 0.0, 0.045_007_413_978_564_045),
    ];
    for (k, n, confidence, lower, upper) in cases {
        near(lower_bound(k, n, confidence), lower, 1e-9);
        near(upper_bound(k, n, confidence), upper, 1e-9);
    }
    assert_eq!(upper_bound(0, 0, 0.95), 1.0);
    assert_eq!(lower_bound(0, 0, 0.95), 0.0);
    assert_eq!(upper_bound(7, 7, 0.95), 1.0);
    near(lower_bound(100, 100, 0.95), 0.05_f64.powf(0.01), 1e-12);
}

/// "p95 < L": n, then (shown up to, refuted from) at 95 % and at 99 %.
#[test]
fn the_table_of_p95_limits() {
    let table = [
        (59, (Some(0), 7), (None, 8)),
        (100, (Some(1), 10), (Some(0), 12)),
        (130, (Some(2), 12), (Some(1), 14)),
        (200, (Some(4), 16), (Some(3), 19)),
        (300, (Some(8), 22), (Some(6), 25)),
        (500, (Some(16), 34), (Some(13), 38)),
        (1_000, (Some(38), 63), (Some(34), 68)),
        (10_000, (Some(463), 537), (Some(449), 552)),
    ];
    for (n, at95, at99) in table {
        for (confidence, (shown, refuted)) in [(0.95, at95), (0.99, at99)] {
            assert_eq!(shown_up_to(n, 0.05, confidence), shown, "n = {n} at {confidence}");
            assert_eq!(
                refuted_from(n, 0.05, confidence),
                Some(refuted),
                "n = {n} at {confidence}"
            );
        }
    }
}

/// Wilks: the smallest sample without a slow member, at 95 % and 99 %; and the sample sizes for "error rate < 1 %"
/// with 0, 1, 2, 3, 5 and 10 errors.
#[test]
fn the_smallest_samples() {
    for (share, at95, at99) in [
        (0.1, 29, 44),
        (0.05, 59, 90),
        (0.01, 299, 459),
        (0.001, 2_995, 4_603),
    ] {
        assert_eq!(smallest_sample(0, share, 0.95), Some(at95));
        assert_eq!(smallest_sample(0, share, 0.99), Some(at99));
    }
    let errors = [0, 1, 2, 3, 5, 10];
    for (confidence, sizes) in [
        (0.95, [299, 473, 628, 773, 1_049, 1_693]),
        (0.99, [459, 662, 838, 1_001, 1_307, 2_010]),
    ] {
        for (k, n) in errors.into_iter().zip(sizes) {
            assert_eq!(smallest_sample(k, 0.01, confidence), Some(n));
        }
    }
    assert_eq!(smallest_sample(0, 0.0, 0.95), None);
}

#[test]
fn a_share_is_shown_refuted_or_open() {
    let answer = |k, n, limit| share_below(k, n, limit, 0.95).answer;
    assert_eq!(answer(0, 299, 0.01), Answer::Shown);
    assert_eq!(answer(0, 298, 0.01), Answer::Open);
    assert_eq!(answer(10, 100, 0.05), Answer::Refuted);
    assert_eq!(answer(9, 100, 0.05), Answer::Open);
    assert_eq!(answer(0, 0, 0.5), Answer::Open);
    // No sample shows that nothing at all happens; one that happens refutes it.
    assert_eq!(answer(0, 1_000_000, 0.0), Answer::Open);
    assert_eq!(answer(1, 1_000_000, 0.0), Answer::Refuted);
    assert_eq!(answer(99, 100, 1.0), Answer::Shown);
    assert_eq!(answer(100, 100, 1.0), Answer::Open);
    assert_eq!(answer(5, 10, 1.5), Answer::Shown);
    assert_eq!(answer(0, 10, -0.1), Answer::Refuted);
    assert_eq!(answer(0, 10, f64::NAN), Answer::Open);
}

/// A bound and an answer are two views of one test.
#[test]
fn bounds_and_answers_agree() {
    for n in [1_u64, 10, 100, 1_000] {
        for k in (0..=n).step_by(usize::try_from(n / 10).unwrap_or(1).max(1)) {
            for limit in [0.01, 0.05, 0.5, 0.9] {
                let test = share_below(k, n, limit, 0.95);
                assert_eq!(test.answer == Answer::Shown, test.upper <= limit, "{test:?}");
                assert_eq!(test.answer == Answer::Refuted, test.lower >= limit, "{test:?}");
            }
        }
    }
}

fn sample(values: &[f64], missing: u64) -> Distribution {
    Distribution {
        quantity: "duration".to_owned(),
        buckets: values.iter().map(|v| (*v, 1)).collect(),
        missing,
        taken: None,
    }
}

/// n = 100: the two-sided interval of p95 is [x(90), x(100)]; one-sided at 95 % each the members are x(91) and x(99).
#[test]
fn quantile_bounds_are_order_statistics() {
    assert_eq!(
        quantile::bounds(100, 0.95, 0.95),
        Bounds {
            lower: Some(91),
            upper: Some(99)
        }
    );
    assert_eq!(
        quantile::bounds(100, 0.95, 0.975),
        Bounds {
            lower: Some(90),
            upper: Some(100)
        }
    );
    assert_eq!(
        quantile::bounds(1_000, 0.95, 0.975),
        Bounds {
            lower: Some(936),
            upper: Some(964)
        }
    );
    assert_eq!(quantile::bounds(50, 0.95, 0.95).upper, None);
    assert_eq!(
        quantile::bounds(0, 0.95, 0.95),
        Bounds {
            lower: None,
            upper: None
        }
    );
}

#[test]
fn members_without_a_value_are_the_largest() {
    let values: Vec<f64> = (1..=95).map(f64::from).collect();
    let d = sample(&values, 5);
    assert_eq!(quantile::at_or_above(&d, 95.0), 6);
    assert_eq!(quantile::order_statistic(&d, 0), None);
}

#[test]
fn a_correlated_series_is_worth_less() {
    near(
        effective::autocorrelation(&[1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0]),
        0.615_527_950_310_559,
        1e-12,
    );
    assert_eq!(effective::autocorrelation(&[2.0; 50]), 0.0);
    assert_eq!(effective::size(100, 0.0), 100);
    assert_eq!(effective::size(100, 0.5), 33);
    assert_eq!(effective::size(100, -0.5), 100);
    assert_eq!(effective::size(100, 1.0), 1);
    assert_eq!(effective::size(0, 0.3), 0);
    assert_eq!(effective::size(100, f64::NAN), 1);
}

#[test]
fn paired_ratios_equal_scipy() {
    let pairs = [(10.0, 4.4), (11.0, 4.9), (9.5, 4.4), (10.2, 4.5), (10.8, 5.1)];
    let r = paired::ratio(&pairs, 0.95).expect("five pairs");
    near(r.mean, 0.452_218_974_741_162_5, 1e-9);
    near(r.lower, 0.438_733_570_061_326_24, 1e-9);
    near(r.upper, 0.466_118_881_870_295_1, 1e-9);
    assert_eq!(r.below(0.5), Answer::Shown);
    assert_eq!(r.below(0.45), Answer::Open);
    assert_eq!(r.below(0.43), Answer::Refuted);
    assert_eq!(paired::ratio(&pairs[..1], 0.95), None);
    assert_eq!(paired::ratio(&[(1.0, 0.0), (1.0, 1.0)], 0.95), None);
}

/// Random samples of up to a million, many of them at the ends (recorded by benches/bounds.py).
#[test]
fn a_thousand_bounds_equal_scipy() {
    let mut cases = 0;
    for line in include_str!("bounds.txt").lines() {
        let numbers: Vec<f64> = line
            .split(' ')
            .map(|word| word.parse().expect("a number"))
            .collect();
        let &[k, n, confidence, lower, upper] = numbers.as_slice() else {
            panic!("{line}");
        };
        near(lower_bound(k as u64, n as u64, confidence), lower, 1e-9);
        near(upper_bound(k as u64, n as u64, confidence), upper, 1e-9);
        cases += 1;
    }
    assert_eq!(cases, 1000);
}

/// What the `LoadGen` of `MLPerf`, 6.0.17, itself said of `n` queries of which `t` were too slow: percentile 95,
/// confidence 99 % (recorded by benches/loadgen.py, which runs it).
#[test]
fn a_percentile_is_shown_exactly_when_mlperf_loadgen_stops_early() {
    let mut pairs = 0;
    let mut wrong = Vec::new();
    for line in include_str!("loadgen.txt").lines() {
        let mut words = line.split(' ');
        let mut number = || {
            words
                .next()
                .and_then(|w| w.parse::<u64>().ok())
                .expect("a number")
        };
        let (n, t) = (number(), number());
        let theirs = words.next() == Some("yes");
        let ours = super::limits::answer(t, n, 0.05, 0.01, 0.01) == Answer::Shown;
        pairs += 1;
        if ours != theirs {
            wrong.push(line);
        }
    }
    assert!(pairs >= 1000, "{pairs}");
    assert!(wrong.is_empty(), "{wrong:?}");
}
