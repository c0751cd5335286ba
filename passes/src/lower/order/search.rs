//! Beam search for an order of steps that holds little memory at once.
//!
//! What is held after a set of steps does not depend on their order, so of the orders of one set only the one with the
//! least peak so far is kept; of all sets of one size, the [`WIDTH`] with the least peak, the least memory held, and the
//! earliest steps. With no more sets than that, the result is an optimum of the model (dynamic programming over sets of
//! steps: Kayaaslan et al., "Scheduling series-parallel task graphs to minimize peak memory", 2018, discuss the problem).

use super::{Bytes, Steps};
use frit_ir::plan::BufferId;
use std::collections::BTreeMap;

/// Sets of steps that are kept of each size.
const WIDTH: usize = 64;

/// Steps beyond which nothing is searched: time grows with their square.
const MOST_STEPS: usize = 192;

/// A set of steps.
type Set = [u64; MOST_STEPS / 64];

fn with(mut set: Set, k: usize) -> Set {
    set[k / 64] |= 1 << (k % 64);
    set
}

fn set(steps: impl IntoIterator<Item = usize>) -> Set {
    steps.into_iter().fold([0; MOST_STEPS / 64], with)
}

fn covers(all: &Set, some: &Set) -> bool {
    all.iter().zip(some).all(|(a, s)| s & !a == 0)
}

/// Some steps, done in the best order found.
#[derive(Clone)]
struct State {
    most: Bytes,
    now: Bytes,
    order: Vec<usize>,
}

/// An order of all steps; `None` for plans of many.
pub(super) fn search(s: &Steps) -> Option<Vec<usize>> {
    let n = s.uses.len();
    if n > MOST_STEPS {
        return None;
    }
    let before: Vec<Set> = s.before.iter().map(|b| set(b.iter().copied())).collect();
    let mut users: Vec<Set> = vec![[0; MOST_STEPS / 64]; s.bytes.len()];
    for (k, uses) in s.uses.iter().enumerate() {
        for BufferId(b) in uses {
            users[*b as usize] = with(users[*b as usize], k);
        }
    }
    let start = State { most: 0, now: 0, order: vec![] };
    let mut level: Vec<(Set, State)> = vec![([0; MOST_STEPS / 64], start)];
    for _ in 0..n {
        // By set: the order of keys is that of the steps in them.
        let mut next: BTreeMap<Set, (Bytes, Bytes, usize, usize)> = BTreeMap::new();
        for (from, (done, state)) in level.iter().enumerate() {
            for k in (0..n).filter(|k| done[k / 64] >> (k % 64) & 1 == 0 && covers(done, &before[*k])) {
                let all = with(*done, k);
                let (mut taken, mut released) = (0, 0);
                for BufferId(b) in &s.uses[k] {
                    let b = *b as usize;
                    if users[b].iter().zip(done).all(|(u, d)| u & d == 0) {
                        taken += s.bytes[b];
                    }
                    if s.temporary[b] && covers(&all, &users[b]) {
                        released += s.bytes[b];
                    }
                }
                let most = state.most.max(state.now + taken);
                let made = (most, state.now + taken - released, from, k);
                let best = next.entry(all).or_insert(made);
                *best = (*best).min(made);
            }
        }
        let mut found: Vec<(Set, (Bytes, Bytes, usize, usize))> = next.into_iter().collect();
        found.sort_by_key(|(done, (most, now, ..))| (*most, *now, std::cmp::Reverse(*done)));
        found.truncate(WIDTH);
        let state = |(done, (most, now, from, k)): (Set, (Bytes, Bytes, usize, usize))| {
            let mut order = level[from].1.order.clone();
            order.push(k);
            (done, State { most, now, order })
        };
        level = found.into_iter().map(state).collect();
    }
    level.into_iter().next().map(|(_, s)| s.order)
}
