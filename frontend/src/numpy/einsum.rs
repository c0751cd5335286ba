//! `einsum`: subscripts to products, pair by pair, each as a matrix product where it is one.

use super::{Built, bin, invalid};
use frit_ir::build::Builder;
use frit_ir::dim::product;
use frit_ir::error::TypeError;
use frit_ir::{Dim, Op, Value};

/// An operand and the label of each of its axes. Labels are letters; an ellipsis' axes are numbered from the last.
#[derive(Clone)]
struct Term {
    value: Value,
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    /// `k`-th axis from the end of the axes under `...`.
    Dots(usize),
    Letter(char),
}

/// Sums of products by Einstein's convention: `einsum("ij,jk->ik", [x, y])`.
pub fn einsum(b: &mut Builder, subscripts: &str, operands: &[Value]) -> Built {
    let text: String = subscripts.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((i, o)) => (i, Some(o)),
        None => (text.as_str(), None),
    };
    let inputs: Vec<&str> = inputs.split(',').collect();
    if inputs.len() != operands.len() {
        let why = format!("{} subscript terms for {} operands", inputs.len(), operands.len());
        return invalid(b, Op::Matmul, why);
    }
    let mut terms = Vec::with_capacity(operands.len());
    let mut dots = 0;
    for (s, v) in inputs.iter().zip(operands) {
        let labels = labels(b, s, b.ty(*v).rank())?;
        dots = dots.max(labels.iter().filter(|l| matches!(l, Label::Dots(_))).count());
        terms.push(Term { value: *v, labels });
    }
    let output = match output {
        Some(o) => {
            let rank = o.replace("...", "").chars().count() + if o.contains("...") { dots } else { 0 };
            let out = labels(b, o, rank)?;
            for (k, l) in out.iter().enumerate() {
                if out[..k].contains(l) {
                    return invalid(b, Op::Matmul, format!("output subscript {} appears twice", name(*l)));
                }
                if !terms.iter().any(|t| t.labels.contains(l)) {
                    return invalid(
                        b,
                        Op::Matmul,
                        format!(
                            "einstein sum subscripts string included output subscript '{}' which never appeared \
                                 in an input",
                            name(*l)
                        ),
                    );
                }
            }
            out
        }
        None => implicit(&terms, dots),
    };
    let values: Vec<Value> = terms.iter().map(|t| t.value).collect();
    for (t, v) in terms.iter_mut().zip(b.common(&values)?) {
        t.value = v;
    }
    check_sizes(b, &terms)?;
    let mut list = Vec::with_capacity(terms.len());
    for t in terms {
        list.push(diagonals(b, t)?);
    }
    contract_all(b, list, &output)
}

fn name(l: Label) -> String {
    match l {
        Label::Letter(c) => c.to_string(),
        Label::Dots(_) => "...".into(),
    }
}

fn labels(b: &Builder, text: &str, rank: usize) -> Result<Vec<Label>, TypeError> {
    let (before, after, dotted) = match text.split_once("...") {
        Some((x, y)) => (x, y, true),
        None => (text, "", false),
    };
    let letters = before.chars().count() + after.chars().count();
    if let Some(c) = before.chars().chain(after.chars()).find(|c| !c.is_ascii_alphabetic()) {
        return invalid(b, Op::Matmul, format!("invalid subscript '{c}' in einstein sum subscripts string"));
    }
    if letters > rank || (!dotted && letters < rank) {
        let why = format!("einstein sum subscripts '{text}' name {letters} axes of an array that has {rank}");
        return invalid(b, Op::Matmul, why);
    }
    let dots = (0..rank - letters).rev().map(Label::Dots);
    Ok(before.chars().map(Label::Letter).chain(dots).chain(after.chars().map(Label::Letter)).collect())
}

/// Without `->`: the ellipsis, then letters that occur once, in alphabetical order.
fn implicit(terms: &[Term], dots: usize) -> Vec<Label> {
    let all: Vec<Label> = terms.iter().flat_map(|t| t.labels.iter().copied()).collect();
    let mut once: Vec<Label> = all
        .iter()
        .copied()
        .filter(|l| matches!(l, Label::Letter(_)) && all.iter().filter(|m| *m == l).count() == 1)
        .collect();
    once.sort_unstable();
    (0..dots).rev().map(Label::Dots).chain(once).collect()
}

fn check_sizes(b: &Builder, terms: &[Term]) -> Result<(), TypeError> {
    let mut seen: Vec<(Label, Dim)> = Vec::new();
    for t in terms {
        for (l, n) in t.labels.iter().zip(b.shape(t.value)) {
            match seen.iter_mut().find(|(m, _)| m == l) {
                Some((_, size)) if size.is(1) => *size = n.clone(),
                Some((_, size)) if size != n && !n.is(1) => {
                    let why = format!(
                        "operands could not be broadcast together: subscript '{}' has size {size} and {n}",
                        name(*l)
                    );
                    return invalid(b, Op::Matmul, why);
                }
                Some(_) => {}
                None => seen.push((*l, n.clone())),
            }
        }
    }
    Ok(())
}

/// A label that an operand repeats selects a diagonal.
fn diagonals(b: &mut Builder, mut t: Term) -> Result<Term, TypeError> {
    while let Some((i, j)) = repeated(&t.labels) {
        let l = t.labels[i];
        t.value = super::diagonal(b, t.value, 0, i as i64, j as i64)?;
        t.labels.remove(j);
        t.labels.remove(i);
        t.labels.push(l);
    }
    Ok(t)
}

fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|i| (i + 1..labels.len()).find(|j| labels[i] == labels[*j]).map(|j| (i, j)))
}

/// Estimated elements of labels.
fn elements(b: &Builder, terms: &[&Term], labels: &[Label]) -> f64 {
    labels
        .iter()
        .map(|l| {
            let size = |t: &&Term| {
                let k = t.labels.iter().position(|m| m == l)?;
                Some(b.shape(t.value)[k].as_const().unwrap_or(1000) as f64)
            };
            terms.iter().filter_map(size).fold(1.0, f64::max)
        })
        .product()
}

fn union(x: &Term, y: &Term) -> Vec<Label> {
    let mut all = x.labels.clone();
    all.extend(y.labels.iter().filter(|l| !x.labels.contains(l)));
    all
}

/// Operands up to which the cheapest order of all is looked for: the work grows as the cube of 3 to half their number.
const EXHAUSTIVE: usize = 8;

fn contract_all(b: &mut Builder, mut list: Vec<Term>, output: &[Label]) -> Built {
    // What one operand alone has and nobody needs is summed first.
    for k in 0..list.len() {
        let needed = |l: &Label| {
            output.contains(l) || list.iter().enumerate().any(|(o, t)| o != k && t.labels.contains(l))
        };
        let keep: Vec<Label> = list[k].labels.iter().copied().filter(needed).collect();
        if list.len() > 1 && keep.len() < list[k].labels.len() {
            list[k] = sum_out(b, list[k].clone(), &keep)?;
        }
    }
    // Greedy until few enough are left: the pair whose product is smallest compared with what it replaces, as by
    // opt_einsum (Smith and Gray, 2018).
    while list.len() > EXHAUSTIVE {
        let mut best = (f64::INFINITY, 0, 1);
        for i in 0..list.len() {
            for j in i + 1..list.len() {
                let keep = kept(&list, i, j, output);
                let (x, y) = (&list[i], &list[j]);
                let own = |t: &Term| elements(b, &[t], &t.labels);
                let gain = elements(b, &[x, y], &keep) - own(x) - own(y);
                if gain < best.0 {
                    best = (gain, i, j);
                }
            }
        }
        let (_, i, j) = best;
        let keep = kept(&list, i, j, output);
        let (y, x) = (list.remove(j), list.remove(i));
        let t = contract(b, x, y, &keep)?;
        list.insert(i, t);
    }
    if list.is_empty() {
        return invalid(b, Op::Matmul, "must provide at least an operand");
    }
    let splits = cheapest_splits(b, &list, output);
    let t = contract_set(b, &list, &splits, (1 << list.len()) - 1, output)?;
    let t = sum_out(b, t, output)?;
    let perm: Vec<i64> =
        output.iter().map(|l| t.labels.iter().position(|m| m == l).unwrap_or(0) as i64).collect();
    b.transpose(t.value, &perm)
}

/// Labels of the product of a set of terms that the others or the result need.
fn labels_of_set(list: &[Term], set: usize, output: &[Label]) -> Vec<Label> {
    let mut all: Vec<Label> = Vec::new();
    let member = |k: &usize| set >> k & 1 == 1;
    for t in (0..list.len()).filter(member).map(|k| &list[k]) {
        all.extend(t.labels.iter().filter(|l| !all.contains(l)).copied().collect::<Vec<_>>());
    }
    let outside: Vec<&Term> = (0..list.len()).filter(|k| !member(k)).map(|k| &list[k]).collect();
    all.retain(|l| output.contains(l) || outside.iter().any(|t| t.labels.contains(l)));
    all
}

/// For each set of terms the part of it that is multiplied by the rest last, so that all multiplications are fewest:
/// dynamic programming over subsets (Pfeifer, Haegeman and Verstraete, "Faster identification of optimal contraction
/// sequences for tensor networks", 2014). Among equally many, the smaller intermediate results.
fn cheapest_splits(b: &Builder, list: &[Term], output: &[Label]) -> Vec<usize> {
    let n = list.len();
    let terms: Vec<&Term> = list.iter().collect();
    let size = |labels: &[Label]| elements(b, &terms, labels);
    let labels: Vec<Vec<Label>> = (0..1 << n).map(|set| labels_of_set(list, set, output)).collect();
    let mut cost = vec![(0.0, 0.0); 1 << n];
    let mut split = vec![0; 1 << n];
    for set in 1..1_usize << n {
        if set.is_power_of_two() {
            continue;
        }
        let mut best = (f64::INFINITY, f64::INFINITY);
        let mut part = (set - 1) & set;
        while part > 0 {
            let rest = set ^ part;
            // Each split once.
            if part > rest {
                let mut both = labels[part].clone();
                both.extend(labels[rest].iter().filter(|l| !labels[part].contains(l)));
                let held = size(&labels[set]);
                let total = (cost[part].0 + cost[rest].0 + size(&both), cost[part].1 + cost[rest].1 + held);
                if total < best {
                    (best, split[set]) = (total, rest);
                }
            }
            part = (part - 1) & set;
        }
        cost[set] = best;
    }
    split
}

fn contract_set(
    b: &mut Builder,
    list: &[Term],
    splits: &[usize],
    set: usize,
    output: &[Label],
) -> Result<Term, TypeError> {
    if set.is_power_of_two() {
        return Ok(list[set.trailing_zeros() as usize].clone());
    }
    let part = splits[set];
    let x = contract_set(b, list, splits, part, output)?;
    let y = contract_set(b, list, splits, set ^ part, output)?;
    contract(b, x, y, &labels_of_set(list, set, output))
}

/// Labels of the product of two terms that something else still needs.
fn kept(list: &[Term], i: usize, j: usize, output: &[Label]) -> Vec<Label> {
    let needed = |l: &Label| {
        output.contains(l) || list.iter().enumerate().any(|(k, t)| k != i && k != j && t.labels.contains(l))
    };
    union(&list[i], &list[j]).into_iter().filter(needed).collect()
}

/// Sums over the axes that are not kept.
fn sum_out(b: &mut Builder, t: Term, keep: &[Label]) -> Result<Term, TypeError> {
    let axes: Vec<i64> =
        (0..t.labels.len()).filter(|k| !keep.contains(&t.labels[*k])).map(|k| k as i64).collect();
    if axes.is_empty() {
        return Ok(t);
    }
    let dtype = b.dtype(t.value);
    let op = if dtype == frit_ir::DType::Bool { Op::Any } else { Op::Sum };
    let s = b.reduce(op, t.value, Some(&axes), false)?;
    let value = b.cast(s, dtype)?;
    Ok(Term { value, labels: t.labels.into_iter().filter(|l| keep.contains(l)).collect() })
}

/// An operand with its axes in the order of `labels`; absent ones get size 1.
fn arrange(b: &mut Builder, t: &Term, labels: &[Label]) -> Built {
    let present: Vec<i64> =
        labels.iter().filter_map(|l| t.labels.iter().position(|m| m == l)).map(|k| k as i64).collect();
    let x = b.transpose(t.value, &present)?;
    let absent: Vec<i64> =
        (0..labels.len()).filter(|k| !t.labels.contains(&labels[*k])).map(|k| k as i64).collect();
    b.expand_dims(x, &absent)
}

/// The product of two terms, summed over what is not kept.
fn contract(b: &mut Builder, x: Term, y: Term, keep: &[Label]) -> Result<Term, TypeError> {
    // What only one of them has and nobody needs goes first.
    let only = |t: &Term, other: &Term| -> Vec<Label> {
        t.labels.iter().copied().filter(|l| keep.contains(l) || other.labels.contains(l)).collect()
    };
    let (kx, ky) = (only(&x, &y), only(&y, &x));
    let (x, y) = (sum_out(b, x, &kx)?, sum_out(b, y, &ky)?);
    let pick =
        |f: &dyn Fn(&Label) -> bool| -> Vec<Label> { union(&x, &y).into_iter().filter(|l| f(l)).collect() };
    let both = |l: &Label| x.labels.contains(l) && y.labels.contains(l);
    let batch = pick(&|l| both(l) && keep.contains(l));
    let summed = pick(&|l| both(l) && !keep.contains(l));
    let rows = pick(&|l| !y.labels.contains(l));
    let columns = pick(&|l| !x.labels.contains(l));
    let sizes = |b: &Builder, t: &Term, ls: &[Label]| -> Vec<Dim> {
        let at = |l: &Label| t.labels.iter().position(|m| m == l).unwrap_or(0);
        ls.iter().map(|l| b.shape(t.value)[at(l)].clone()).collect()
    };
    // A vector is a matrix with one row or column.
    let matrix = !summed.is_empty()
        && (!rows.is_empty() || !columns.is_empty())
        && sizes(b, &x, &summed) == sizes(b, &y, &summed)
        && b.dtype(x.value) != frit_ir::DType::Bool;
    let labels: Vec<Label> = batch.iter().chain(&rows).chain(&columns).copied().collect();
    if !matrix {
        // A fused multiplication and sum.
        let order: Vec<Label> = labels.iter().chain(&summed).copied().collect();
        let (u, v) = (arrange(b, &x, &order)?, arrange(b, &y, &order)?);
        let axes: Vec<i64> = (labels.len()..order.len()).map(|k| k as i64).collect();
        let value = if axes.is_empty() {
            bin(b, Op::Multiply, u, v)?
        } else {
            super::products::sum_of_products(b, u, v, &axes)?
        };
        return Ok(Term { value, labels });
    }
    let (m, k, n) = (sizes(b, &x, &rows), sizes(b, &x, &summed), sizes(b, &y, &columns));
    let merge = |b: &mut Builder, t: &Term, first: &[Label], second: &[Label], tail: [Dim; 2]| -> Built {
        let order: Vec<Label> = batch.iter().chain(first).chain(second).copied().collect();
        let v = arrange(b, t, &order)?;
        let shape: Vec<Dim> = b.shape(v)[..batch.len()].iter().cloned().chain(tail).collect();
        b.reshape(v, &shape)
    };
    let u = merge(b, &x, &rows, &summed, [product(&m), product(&k)])?;
    let v = merge(b, &y, &summed, &columns, [product(&k), product(&n)])?;
    let p = b.matmul(u, v)?;
    let shape: Vec<Dim> = b.shape(p)[..batch.len()].iter().cloned().chain(m).chain(n).collect();
    Ok(Term { value: b.reshape(p, &shape)?, labels })
}
