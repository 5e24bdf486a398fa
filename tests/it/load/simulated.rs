//! How often a limit that is just broken passes: simulated, because nothing else tells.
//!
//! `RUNS=100000 cargo test --test it -- --nocapture simulated` prints the table of docs/reliability.md; without `RUNS` there
//! are few, enough to see that the rule is what it is.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use specrun::stats::{Answer, effective, limits};

/// Latencies of a queue with one server and random arrivals and services; `rho` 0 gives independent ones.
fn latencies(random: &mut StdRng, rho: f64, n: usize) -> Vec<f64> {
    let mut exponential = |mean: f64| -mean * (1.0 - random.random::<f64>()).ln();
    if rho == 0.0 {
        return (0..n).map(|_| exponential(1.0)).collect();
    }
    let mut wait = 0.0;
    let mut one = || {
        let service = exponential(1.0);
        let time = wait + service;
        wait = (time - exponential(1.0 / rho)).max(0.0);
        time
    };
    // To forget the empty beginning.
    for _ in 0..200 {
        one();
    }
    (0..n).map(|_| one()).collect()
}

/// The true p95: the time in such a system is exponential with mean 1 / (1 - rho).
fn true_p95(rho: f64) -> f64 {
    20_f64.ln() / (1.0 - rho)
}

/// At most nominal when requests are independent, and never worse than the plain rule when they are not.
#[test]
fn simulated_false_passes() {
    let runs: u64 = std::env::var("RUNS").map_or(2_000, |n| n.parse().unwrap());
    // Three standard errors of a share of 5 %.
    let nominal = 5.0 + 3.0 * (5.0_f64 * 95.0 / runs as f64).sqrt();
    let mut told = String::from(
        "| requests | rho | point estimate | plain exact rule | with effective n |\n|---|---|---|---|---|\n",
    );
    for n in [100_usize, 1000] {
        for rho in [0.0, 0.5, 0.8] {
            let limit = true_p95(rho);
            let mut random = StdRng::seed_from_u64(5);
            let mut known: HashMap<(u64, u64), bool> = HashMap::new();
            let mut passes = |k: u64, n: u64| {
                *known
                    .entry((k, n))
                    .or_insert_with(|| limits::answer(k, n, 0.05, 0.05, 0.05) == Answer::Shown)
            };
            let (mut point, mut plain, mut worth) = (0_u64, 0_u64, 0_u64);
            for _ in 0..runs {
                let slow: Vec<bool> = latencies(&mut random, rho, n)
                    .iter()
                    .map(|l| *l >= limit)
                    .collect();
                let k = slow.iter().filter(|s| **s).count() as u64;
                let both = slow.windows(2).filter(|w| w[0] && w[1]).count() as u64;
                let size = n as u64;
                point += u64::from(k as f64 <= 0.05 * n as f64);
                plain += u64::from(passes(k, size));
                let r = effective::of_property(k, size, both, size - 1);
                let fewer = effective::size(size, r);
                let reduced = (k as f64 * fewer as f64 / n as f64).ceil() as u64;
                worth += u64::from(passes(reduced.min(fewer), fewer));
            }
            let share = |count: u64| count as f64 / runs as f64 * 100.0;
            let line = format!(
                "| {n} | {rho} | {:.2} % | {:.2} % | {:.2} % |",
                share(point),
                share(plain),
                share(worth)
            );
            let _ = writeln!(told, "{line}");
            assert!(worth <= plain && plain <= point, "{line}");
            if rho == 0.0 {
                assert!(share(plain) <= nominal, "{line}");
            } else if n == 1000 {
                assert!(share(worth) < 0.7 * share(plain), "{line}");
            }
        }
    }
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}
