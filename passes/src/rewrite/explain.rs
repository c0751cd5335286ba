//! Which rules explain an extracted program.

use super::analysis::{Applied, Egraph};
use super::cost::program::Cost;
use super::language::ENode;
use crate::pass::MathLevel;
use egg::{Id, Language};
use frit_ir::Loc;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// One use of a rule in the result.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    pub(crate) name: &'static str,
    pub(crate) class: MathLevel,
    pub(crate) loc: Loc,
    /// The class that it changed.
    pub(crate) root: Id,
    /// What the program would cost more if that class kept its form; nothing for a class that only rules made.
    pub(crate) saved: Cost,
    /// The node that matched and the one that was made; when, among all applications of the search.
    pub(crate) before: ENode,
    pub(crate) after: ENode,
    pub(crate) index: usize,
}

/// For each class of the result whose node was made by a rule, the chain of applications that leads from a node of
/// the original program to the chosen node; and the same for the forms of operands that these matched.
pub(crate) fn fired(
    egraph: &Egraph,
    original: &HashSet<ENode>,
    chosen: &[(Id, ENode)],
    rule: &dyn Fn(&Applied) -> (&'static str, MathLevel),
) -> Vec<Fired> {
    let canonical = |n: &ENode| n.clone().map_children(|c| egraph.find(c));
    // Applications by class, each as (made node, matched node, application).
    let mut by_class: BTreeMap<Id, Vec<(ENode, ENode, &Applied, usize)>> = BTreeMap::new();
    for (index, a) in egraph.analysis.applied.iter().enumerate() {
        let to = canonical(egraph.id_to_node(a.to));
        by_class.entry(egraph.find(a.root)).or_default().push((to, canonical(&a.from), a, index));
    }
    let mut made: HashMap<(Id, &ENode), Vec<usize>> = HashMap::new();
    for (class, list) in &by_class {
        list.iter().enumerate().for_each(|(k, (to, ..))| made.entry((*class, to)).or_default().push(k));
    }
    let mut out = Vec::new();
    let mut counted: HashSet<(usize, Id)> = HashSet::new();
    let mut open: VecDeque<(Id, ENode)> = chosen.iter().cloned().collect();
    let mut asked: HashSet<(Id, ENode)> = HashSet::new();
    while let Some((class, node)) = open.pop_front() {
        if !asked.insert((class, node.clone())) {
            continue;
        }
        let Some(list) = by_class.get(&class) else { continue };
        let mut goal = &node;
        let mut seen: HashSet<&ENode> = HashSet::new();
        let mut first = true;
        while seen.insert(goal) {
            let is_original = original.contains(goal);
            if is_original && !first {
                break;
            }
            // A node of the program is explained only if another one turned out to equal it.
            let fits = |k: &&usize| {
                let from = &list[**k].1;
                !seen.contains(from) && (!is_original || original.contains(from))
            };
            let Some(k) = made.get(&(class, goal)).and_then(|l| l.iter().find(fits)) else { break };
            let (to, from, a, index) = &list[*k];
            if counted.insert((a.rule, class)) {
                let (name, level) = rule(a);
                let loc = egraph.analysis.locs[egraph[class].data.origin.loc as usize].clone();
                out.push(Fired {
                    name,
                    class: level,
                    loc,
                    root: class,
                    saved: Cost::default(),
                    before: from.clone(),
                    after: to.clone(),
                    index: *index,
                });
            }
            if let Some((of, inner)) = &a.inner {
                let inner = canonical(inner);
                if !original.contains(&inner) {
                    open.push_back((egraph.find(*of), inner));
                }
            }
            goal = from;
            first = false;
        }
    }
    out
}
