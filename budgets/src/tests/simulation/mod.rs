//! Thousands of interleaved operations, crashes, backups, restores and recoveries beside a model.
//!
//! A world is one ledger after another under one name: each is lost in some way, and another takes its
//! place. The model knows what each of them counts, when it must be locked, and, above all, what
//! anybody was ever told: every answer that left stays paid for in whatever ledger comes later.
//!
//! Everything follows from a seed. A failing one is replayed with `make simulate-ledger SEED=n`.

mod model;
mod world;

use std::collections::BTreeMap;

use super::*;
use world::World;

const SEEDS: u64 = 12;
const STEPS: u32 = 300;
/// PostgreSQL's own programs take a while for each backup.
const SEEDS_POSTGRES: u64 = 2;
const STEPS_POSTGRES: u32 = 100;

#[test]
fn whatever_happens_in_whichever_order_every_answer_stays_paid_for() {
    #[expect(clippy::disallowed_methods, reason = "one command replays one seed")]
    let chosen = std::env::var("VOILAGE_SEED").ok();
    let chosen: Option<u64> = chosen.map(|seed| seed.parse().unwrap());
    each_store(|store| {
        let (seeds, steps) = match store {
            Backend::Sqlite => (SEEDS, STEPS),
            Backend::Postgres => (SEEDS_POSTGRES, STEPS_POSTGRES),
        };
        let mut happened: BTreeMap<&str, u32> = BTreeMap::new();
        for seed in chosen.map_or(0..seeds, |seed| seed..seed + 1) {
            let replay = Replay(seed);
            let mut world = World::new(store, seed);
            for _ in 0..steps {
                world.step();
            }
            world.verify();
            for (what, times) in world.happened() {
                *happened.entry(what).or_default() += times;
            }
            drop(replay);
        }
        println!("{store:?}: {happened:?}");
        // What never happens is not simulated.
        for what in ["charged", "told", "crashed", "restored", "locked", "recovered", "presented"] {
            assert!(chosen.is_some() || happened.contains_key(what), "{store:?}: nothing {what}");
        }
    });
}

/// Says how to see a failure again.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("replay this with: make simulate-ledger SEED={}", self.0);
        }
    }
}
