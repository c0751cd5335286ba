//! What the checks look at: a report with numbers for its sizes.

use super::options::{DiagnosticOptions, Thresholds};
use crate::error::Error;
use crate::report::Report;
use frit_ir::graph::Graph;
use frit_ir::plan::{Layout, stride_symbol};
use frit_ir::{Dim, Key, Op, Symbol, TensorType, Value};
use frit_runtime::MemoryReport;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A program for given sizes.
pub(super) struct Situation<'a> {
    pub(super) report: &'a Report,
    pub(super) options: &'a DiagnosticOptions,
    pub(super) memory: MemoryReport,
    /// Shapes and strides of the arguments.
    arguments: Vec<(Vec<usize>, Vec<isize>)>,
    env: HashMap<Symbol, i64>,
}

impl<'a> Situation<'a> {
    pub(super) fn new(
        report: &'a Report,
        arguments: &[(&[usize], &[isize])],
        options: &'a DiagnosticOptions,
    ) -> Result<Situation<'a>, Error> {
        let memory = report.memory_of(arguments, options.threads.max(1))?;
        let mut env = HashMap::new();
        for (position, (input, (shape, strides))) in
            report.program.plan.inputs.iter().zip(arguments).enumerate()
        {
            for (axis, (size, declared)) in shape.iter().zip(&input.ty.shape).enumerate() {
                let name = declared.to_string();
                if declared == &Dim::symbol(&name) {
                    env.insert(name.as_str().into(), *size as i64);
                }
                if input.layout == Layout::Strided {
                    env.insert(stride_symbol(position, axis), strides[axis] as i64);
                }
            }
        }
        let arguments = arguments.iter().map(|(n, s)| (n.to_vec(), s.to_vec())).collect();
        Ok(Situation { report, options, memory, arguments, env })
    }

    /// True if the program is planned to fit a limit of so many bytes.
    pub(super) fn fits(&self, limit: usize) -> bool {
        let arguments: Vec<(&[usize], &[isize])> =
            self.arguments.iter().map(|(n, s)| (n.as_slice(), s.as_slice())).collect();
        self.report.fit(&arguments, self.options.threads.max(1), Some(limit)).is_ok()
    }

    pub(super) fn limits(&self) -> &Thresholds {
        &self.options.thresholds
    }

    /// The number that an expression stands for; `None` inside of loops of the plan.
    pub(super) fn number(&self, d: &Dim) -> Option<i64> {
        d.eval(&|s| self.env.get(s).copied()).ok()
    }

    /// A graph with these numbers in place of names of sizes; `None` for one that has none.
    pub(super) fn numbered(&self, g: &Graph) -> Option<Graph> {
        let has_names = |d: &Dim| d.as_const().is_none();
        if !g.inputs.iter().any(|i| i.ty.shape.iter().any(has_names)) {
            return None;
        }
        frit_passes::specialize(g, &|name| self.env.get(name).copied()).ok()
    }

    /// Elements of a type.
    pub(super) fn elements(&self, ty: &TensorType) -> f64 {
        ty.shape.iter().map(|d| self.number(d).unwrap_or(1).max(0) as f64).product()
    }

    /// Bytes of a contiguous array of a type.
    pub(super) fn bytes(&self, ty: &TensorType) -> usize {
        (self.elements(ty) * ty.dtype.size() as f64) as usize
    }

    /// A type with numbers, in NumPy's words: `float64[100, 3]`.
    pub(super) fn show(&self, ty: &TensorType) -> String {
        let sizes: Vec<String> = ty
            .shape
            .iter()
            .map(|d| self.number(d).map_or_else(|| d.to_string(), |n| n.to_string()))
            .collect();
        format!("{}[{}]", ty.dtype.numpy_name(), sizes.join(", "))
    }

    /// The memory that there is: the call's limit, or the machine's.
    pub(super) fn memory_there_is(&self) -> (usize, &'static str) {
        match (self.limits().memory_bytes, self.options.memory_limit) {
            (n, _) if n > 0.0 => (n as usize, "memory_bytes"),
            (_, Some(limit)) => (limit, "memory_limit"),
            _ => (machine_memory(), "the memory of this machine"),
        }
    }
}

/// Bytes that this process can have: the machine's, or its control group's.
fn machine_memory() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        // Where the system does not say, nothing is too large for it.
        let Ok(mut system) = sysinfo::System::new() else { return usize::MAX };
        system.refresh_memory();
        let group = system.cgroup_limits().map_or(u64::MAX, |c| c.total_memory);
        system.total_memory().min(group) as usize
    })
}

/// The value that a chain of views shows.
pub(super) fn base(g: &Graph, mut v: Value) -> Value {
    while g.def(v).op.class() == frit_ir::ops::Class::View {
        v = g.def(v).inputs[0];
    }
    v
}

/// Nodes that use each node.
pub(super) fn users(g: &Graph) -> Vec<Vec<frit_ir::graph::NodeId>> {
    let (live, mut users) = (g.live(), vec![Vec::new(); g.nodes.len()]);
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        for v in &g.node(id).inputs {
            let list: &mut Vec<_> = &mut users[v.node.0 as usize];
            if list.last() != Some(&id) {
                list.push(id);
            }
        }
    }
    users
}

/// The position of the parameter that a value is.
pub(super) fn parameter(g: &Graph, v: Value) -> Option<usize> {
    let node = g.def(v);
    (node.op == Op::Input).then(|| node.attrs.int(Key::Position) as usize)
}
