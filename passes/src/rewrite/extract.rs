//! Choosing one e-node per class so that the whole program, shared nodes paid once, is cheap.
//!
//! First greedy, from the leaves up: each class keeps its best node with the *set* of classes that this choice needs.
//! The cost of a candidate is the sum over the union of its operands' sets, so sharing counts; what fuses does not,
//! as it depends on the users. Then local, by the model of the whole that knows fusion ([`super::cost::program`]): classes
//! go back to the form that they have in the program, one by one; classes take the form of a routine, which the greedy
//! choice rates by itself and not by the loops that it saves; what one match of a rule replaced, as a mean and the squares
//! about it, is taken as one; and all classes that can be computed from a value that no one needs so far, as several
//! systems from one factorization, do so at once. A choice that would need itself is skipped.
//! This is not optimal; the caller compares the result with the original program.

use super::analysis::{Applied, Egraph};
use super::cost::program::{Cost, Items};
use super::cost::{CostModel, Kind, Measure};
use super::language::{ENode, Head};
use egg::{Id, Language};
use frit_ir::TensorType;
use std::collections::{BTreeMap, VecDeque};

/// Marks of classes that have no position yet.
const UNSEEN: u32 = u32::MAX;
const OPEN: u32 = u32::MAX - 1;

/// Programs that each step of the local search looks at, per piece.
const TRIES: usize = 48;

/// Classes that are looked at to see what one form would need.
const DEPTH: usize = 32;

/// A set of classes.
#[derive(Clone, Default)]
struct Set(Vec<u64>);

impl Set {
    fn union(&mut self, o: &Set) {
        if self.0.len() < o.0.len() {
            self.0.resize(o.0.len(), 0);
        }
        for (a, b) in self.0.iter_mut().zip(&o.0) {
            *a |= b;
        }
    }

    fn insert(&mut self, i: usize) {
        if self.0.len() <= i / 64 {
            self.0.resize(i / 64 + 1, 0);
        }
        self.0[i / 64] |= 1 << (i % 64);
    }

    fn has(&self, i: usize) -> bool {
        self.0.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(k, w)| {
            let mut w = *w;
            std::iter::from_fn(move || {
                let bit = w.trailing_zeros();
                w &= w.wrapping_sub(1);
                (bit < 64).then_some(k * 64 + bit as usize)
            })
        })
    }
}

#[derive(Clone)]
struct Best {
    form: u32,
    own: f64,
    total: f64,
    needs: Set,
}

/// One e-node of a class.
pub(super) struct Form {
    measure: Measure,
    own: f64,
    operands: Vec<u32>,
}

/// The form of each class, by position; `None` where there is none that ends.
pub(super) type Choice = Vec<Option<u32>>;

/// The classes of an e-graph with what each of their forms costs.
pub(super) struct Table<'a> {
    egraph: &'a Egraph,
    pub(super) ids: Vec<Id>,
    /// Positions of canonical classes.
    position: Vec<u32>,
    forms: Vec<Vec<Form>>,
}

impl<'a> Table<'a> {
    /// The classes that any program of the roots may need, operands first as far as there are no cycles.
    pub(super) fn new(
        egraph: &'a Egraph,
        costs: &mut CostModel,
        roots: impl Iterator<Item = Id>,
    ) -> Table<'a> {
        let mut ids: Vec<Id> = Vec::new();
        // Positions by class; `OPEN` while operands are being visited.
        let mut position = vec![UNSEEN; egraph.nodes().len()];
        let mut stack: Vec<Id> = Vec::new();
        for root in roots {
            stack.push(egraph.find(root));
            while let Some(id) = stack.last().copied() {
                match position[usize::from(id)] {
                    UNSEEN => {
                        position[usize::from(id)] = OPEN;
                        for n in egraph[id].nodes.iter().rev() {
                            let operands = n.children().iter().rev().map(|c| egraph.find(*c));
                            stack.extend(operands.filter(|c| position[usize::from(*c)] == UNSEEN));
                        }
                    }
                    OPEN => {
                        stack.pop();
                        position[usize::from(id)] = ids.len() as u32;
                        ids.push(id);
                    }
                    _ => {
                        stack.pop();
                    }
                }
            }
        }
        let mut forms = Vec::with_capacity(ids.len());
        for id in &ids {
            let class = &egraph[*id];
            let form = |n: &ENode| {
                let operands: Vec<u32> =
                    n.children().iter().map(|c| position[usize::from(egraph.find(*c))]).collect();
                let inputs: Vec<&TensorType> =
                    operands.iter().map(|o| &egraph[ids[*o as usize]].data.types[0]).collect();
                let types = &class.data.types;
                let measure = match n.head {
                    Head::Op(op) => costs.measure(op, egraph.analysis.attrs.get(n.attrs), &inputs, types),
                    Head::Leaf(_) => Measure::outside(Kind::Leaf, types),
                    Head::Result(_) => Measure::outside(Kind::View, types),
                };
                Form { own: costs.own(&measure, &inputs), measure, operands }
            };
            forms.push(class.nodes.iter().map(form).collect());
        }
        Table { egraph, ids, position, forms }
    }

    /// The position of a class; none if no program of the roots needs it.
    pub(super) fn at(&self, id: Id) -> Option<u32> {
        self.position.get(usize::from(self.egraph.find(id))).copied().filter(|k| *k < OPEN)
    }

    /// An e-node by class and form.
    pub(super) fn node(&self, class: u32, form: u32) -> &'a ENode {
        &self.egraph[self.ids[class as usize]].nodes[form as usize]
    }

    /// The form of a class that an e-node is.
    pub(super) fn form(&self, class: u32, node: &ENode) -> Option<u32> {
        let nodes = &self.egraph[self.ids[class as usize]].nodes;
        let same = |n: &ENode| {
            n.matches(node)
                && n.children().iter().zip(node.children()).all(|(a, b)| self.at(*a) == self.at(*b))
        };
        nodes.iter().position(same).map(|k| k as u32)
    }

    /// The greedy choice.
    pub(super) fn greedy(&self) -> Choice {
        let n = self.ids.len();
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (k, forms) in self.forms.iter().enumerate() {
            for o in forms.iter().flat_map(|f| &f.operands) {
                let list = &mut users[*o as usize];
                if list.last() != Some(&(k as u32)) {
                    list.push(k as u32);
                }
            }
        }
        let mut best: Vec<Option<Best>> = vec![None; n];
        let mut queue: VecDeque<u32> = (0..n as u32).collect();
        let mut queued = vec![true; n];
        // Costs only fall, but an operand's set may change without its cost: bound the work all the same.
        let mut budget = 64 * n;
        while let Some(k) = queue.pop_front() {
            queued[k as usize] = false;
            if budget == 0 {
                break;
            }
            budget -= 1;
            let mut improved = false;
            for (i, form) in self.forms[k as usize].iter().enumerate() {
                let Some(candidate) = candidate(&best, k, i as u32, form) else { continue };
                if best[k as usize].as_ref().is_none_or(|b| candidate.total < b.total * (1.0 - 1e-12)) {
                    best[k as usize] = Some(candidate);
                    improved = true;
                }
            }
            if improved {
                for u in &users[k as usize] {
                    if !std::mem::replace(&mut queued[*u as usize], true) {
                        queue.push_back(*u);
                    }
                }
            }
        }
        best.iter().map(|b| b.as_ref().map(|b| b.form)).collect()
    }

    /// The classes that the roots need, operands first; `None` if a choice needs itself.
    pub(super) fn order(&self, choice: &Choice, roots: &[u32]) -> Option<Vec<u32>> {
        let mut order = Vec::with_capacity(roots.len() * 2);
        // 1: its operands are being ordered; 2: done.
        let mut state = vec![0u8; self.ids.len()];
        let mut stack: Vec<u32> = Vec::new();
        for root in roots {
            stack.push(*root);
            while let Some(k) = stack.last().copied() {
                match state[k as usize] {
                    2 => {
                        stack.pop();
                    }
                    1 => {
                        stack.pop();
                        state[k as usize] = 2;
                        order.push(k);
                    }
                    _ => {
                        state[k as usize] = 1;
                        for o in self.forms[k as usize][choice[k as usize]? as usize].operands.iter().rev() {
                            match state[*o as usize] {
                                1 => return None,
                                2 => {}
                                _ => stack.push(*o),
                            }
                        }
                    }
                }
            }
        }
        Some(order)
    }

    /// What the program costs that computes the roots by a choice; `None` if it needs itself.
    pub(super) fn cost(&self, choice: &Choice, roots: &[u32], items: &mut Items) -> Option<Cost> {
        let order = self.order(choice, roots)?;
        items.clear();
        let mut item = vec![u32::MAX; self.ids.len()];
        for k in &order {
            let form = &self.forms[*k as usize][choice[*k as usize]? as usize];
            let operands = form.operands.iter().map(|o| item[*o as usize]);
            item[*k as usize] = items.push(form.measure, operands);
        }
        roots.iter().for_each(|r| items.root(item[*r as usize]));
        Some(items.cost())
    }

    /// Goes back to the forms of `original` one by one, results first, where the program gets cheaper; the cost.
    pub(super) fn improve(&self, choice: &mut Choice, original: &Choice, roots: &[u32]) -> Option<Cost> {
        let mut items = Items::default();
        let mut best = self.cost(choice, roots, &mut items)?;
        let order = self.order(choice, roots)?;
        let differs =
            |k: &u32| original[*k as usize].is_some() && original[*k as usize] != choice[*k as usize];
        let candidates: Vec<u32> = order.iter().rev().copied().filter(differs).take(TRIES).collect();
        for k in candidates {
            let form = original[k as usize].expect("just tested");
            self.attempt(choice, &[(k, form)], roots, &mut items, &mut best);
        }
        Some(best)
    }

    /// Takes the forms of routines, and what several classes can share, where the program gets cheaper; the cost.
    pub(super) fn advance(&self, choice: &mut Choice, roots: &[u32]) -> Option<Cost> {
        let mut items = Items::default();
        let mut best = self.cost(choice, roots, &mut items)?;
        for changes in self.together() {
            self.attempt(choice, &changes, roots, &mut items, &mut best);
        }
        let order = self.order(choice, roots)?;
        let others = |k: &u32| {
            let (k, now) = (*k, choice[*k as usize]);
            (0..self.forms[k as usize].len() as u32).filter(move |f| Some(*f) != now).map(move |f| (k, f))
        };
        let single = |(k, f): &(u32, u32)| {
            matches!(self.forms[*k as usize][*f as usize].measure.kind, Kind::Single { .. })
        };
        let routines: Vec<(u32, u32)> =
            order.iter().rev().flat_map(others).filter(single).take(TRIES).collect();
        for change in routines {
            self.attempt(choice, &[change], roots, &mut items, &mut best);
        }
        for changes in self.shared(choice, roots)? {
            self.attempt(choice, &changes, roots, &mut items, &mut best);
        }
        Some(best)
    }

    /// What single matches replaced in several classes: their new forms.
    fn together(&self) -> Vec<Vec<(u32, u32)>> {
        let change = |a: &Applied| {
            let k = self.at(a.root)?;
            Some((k, self.form(k, self.egraph.id_to_node(a.to))?))
        };
        let mut all: Vec<Vec<(u32, u32)>> = Vec::new();
        for pair in self.egraph.analysis.applied.windows(2).filter(|pair| pair[1].together) {
            if !pair[0].together {
                all.push(change(&pair[0]).into_iter().collect());
            }
            all.last_mut().expect("begun by the first of them").extend(change(&pair[1]));
        }
        all.truncate(TRIES);
        all
    }

    /// Changes the forms of some classes if that makes the program cheaper than `best`.
    fn attempt(
        &self,
        choice: &mut Choice,
        changes: &[(u32, u32)],
        roots: &[u32],
        items: &mut Items,
        best: &mut Cost,
    ) {
        let before: Vec<Option<u32>> = changes.iter().map(|(k, _)| choice[*k as usize]).collect();
        changes.iter().for_each(|(k, form)| choice[*k as usize] = Some(*form));
        match self.cost(choice, roots, items) {
            Some(cost) if cost.beats(best) => *best = cost,
            _ => changes.iter().zip(before).for_each(|((k, _), was)| choice[*k as usize] = was),
        }
    }

    /// For each result of a routine that the program does not need: the forms, one of each of several classes that it
    /// needs, that are computed from it. Then those that are computed from one that it has.
    fn shared(&self, choice: &Choice, roots: &[u32]) -> Option<Vec<Vec<(u32, u32)>>> {
        let order = self.order(choice, roots)?;
        let mut needed = vec![false; self.ids.len()];
        order.iter().for_each(|k| needed[*k as usize] = true);
        let kind = |k: u32, form: u32| self.forms[k as usize][form as usize].measure.kind;
        let mut users: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for k in &order {
            for (form, f) in self.forms[*k as usize].iter().enumerate() {
                let form = form as u32;
                if choice[*k as usize] == Some(form) {
                    continue;
                }
                let mut seen: Vec<u32> = Vec::new();
                let mut open: Vec<u32> = f.operands.clone();
                while let Some(o) = open.pop().filter(|_| seen.len() < DEPTH) {
                    let Some(own) = choice[o as usize].filter(|_| !seen.contains(&o)) else { continue };
                    seen.push(o);
                    if matches!(kind(o, own), Kind::Single { .. }) {
                        let list = users.entry(o).or_default();
                        // The first form of a class will do.
                        if list.last().is_none_or(|(last, _)| last != k) {
                            list.push((*k, form));
                        }
                    }
                    if !needed[o as usize] {
                        open.extend(&self.forms[o as usize][own as usize].operands);
                    }
                }
            }
        }
        let (new, there): (Vec<_>, Vec<_>) = users.into_iter().partition(|(x, _)| !needed[*x as usize]);
        let several = new.into_iter().map(|(_, list)| list).filter(|list| list.len() > 1);
        let single = there.into_iter().flat_map(|(_, list)| list).map(|change| vec![change]);
        Some(several.chain(single).take(TRIES).collect())
    }
}

fn candidate(best: &[Option<Best>], class: u32, index: u32, form: &Form) -> Option<Best> {
    let (class, own) = (class as usize, form.own);
    let mut needs = Set::default();
    let mut total = own;
    match form.operands[..] {
        [] => {}
        [one] => {
            // The common case needs no sum over the set.
            let b = best[one as usize].as_ref()?;
            if b.needs.has(class) {
                return None;
            }
            needs.union(&b.needs);
            total += b.total;
        }
        _ => {
            for o in &form.operands {
                let b = best[*o as usize].as_ref()?;
                if b.needs.has(class) {
                    return None;
                }
                needs.union(&b.needs);
            }
            for c in needs.iter() {
                total += best[c].as_ref()?.own;
            }
        }
    }
    needs.insert(class);
    Some(Best { form: index, own, total, needs })
}
