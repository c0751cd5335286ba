//! Random programs: inputs of many types and layouts, and operations of nearly all the table on top of each other.

use crate::analysis::Analysis;
use crate::draw::{Random, Values, element};
use crate::program::{Argument, Binding, Program};
use crate::regions;
use frit_ir::build::{Builder, Operand};
use frit_ir::error::{Cause, TypeError};
use frit_ir::eval::{Array, Sizes};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, TensorType, Value};
use frit_passes::MathLevel;

/// Sizes at which loops, vectors and tiles begin and end.
const SIZES: [i64; 22] = [0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129];
const LONG: [i64; 5] = [128, 255, 257, 300, 513];
/// Elements of one array at most: the interpreters are slow.
const MOST: usize = 3000;

pub(crate) struct Generator {
    pub(crate) r: Random,
    pub(crate) b: Builder,
    pub(crate) level: MathLevel,
    pub(crate) values: Values,
    pub(crate) bindings: Vec<Analysis>,
    arguments: Vec<Vec<Argument>>,
    /// What further operations draw from.
    pub(crate) pool: Vec<Value>,
    pub(crate) dtypes: Vec<DType>,
    /// Mostly reductions of reductions.
    nests: bool,
}

pub(crate) type Built = Result<Value, TypeError>;

/// No such operation on these operands.
pub(crate) fn no() -> TypeError {
    TypeError::new(Op::Input, Cause::Value("not drawn".into()))
}

/// The program of a seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut r = Random::new(seed);
    let level = if r.one_in(2) { MathLevel::Exact } else { MathLevel::Reassociate };
    let values = match level {
        MathLevel::Exact => r.pick(&[Values::Grid, Values::Moderate, Values::Special, Values::Special]),
        _ => r.pick(&[Values::Grid, Values::Moderate]),
    };
    let mut bindings = Vec::new();
    for _ in 0..2 {
        let m = r.pick(&SIZES);
        let n = if m <= 3 && r.one_in(2) { r.pick(&LONG) } else { r.pick(&SIZES) };
        bindings.push(if r.one_in(2) { (m, n) } else { (n, m) });
    }
    let common = [DType::F64, DType::F64, DType::F32, DType::I64, DType::I32, DType::C128, DType::Bool];
    let first = if r.one_in(2) { DType::F64 } else { r.pick(&DType::ALL) };
    let dtypes = vec![first, first, r.pick(&common), r.pick(&DType::ALL)];
    let analyses = bindings.iter().map(|(m, n)| Analysis::new(Sizes::new([("m", *m), ("n", *n)]))).collect();
    let nests = r.one_in(4);
    let mut g = Generator {
        r,
        nests,
        b: Builder::new("random"),
        level,
        values,
        bindings: analyses,
        arguments: vec![vec![]; 2],
        pool: vec![],
        dtypes,
    };
    // The sizes of these name `m` and `n` for the program.
    for d in ["m", "n"] {
        let t = g.r.pick(&g.dtypes.clone());
        let v = g.input(t, &[Dim::symbol(d)]).expect("a vector is not too large");
        g.pool.push(v);
    }
    let parameters = 3 + g.r.below(3);
    while g.pool.len() < parameters {
        let shape = g.input_shape();
        let t = g.r.pick(&g.dtypes.clone());
        if let Some(v) = g.input(t, &shape) {
            g.pool.push(v);
        }
    }
    let ops = 2 + g.r.below(20);
    let mut tries = 0;
    while g.pool.len() < ops + 3 && tries < 200 {
        tries += 1;
        g.step();
    }
    let last = g.pool.len() - 1;
    let mut outputs = vec![g.pool[last]];
    for _ in 0..g.r.below(4) {
        let v = g.r.pick(&g.pool);
        if !outputs.contains(&v) {
            outputs.push(v);
        }
    }
    // Every result of a region may be asked for.
    let Generator { b, bindings, arguments, .. } = g;
    let bindings = bindings
        .into_iter()
        .zip(arguments)
        .map(|(a, arguments)| Binding { sizes: a.sizes, arguments })
        .collect();
    Program { graph: b.finish(outputs), level, bindings }
}

impl Generator {
    pub(crate) fn dim(&mut self) -> Dim {
        match self.r.below(9) {
            0 => 1.into(),
            1 => Dim::constant(self.r.pick(&[2, 3, 4, 5, 8])),
            2..=4 => Dim::symbol("m"),
            _ => Dim::symbol("n"),
        }
    }

    fn input_shape(&mut self) -> Vec<Dim> {
        let (m, n) = (Dim::symbol("m"), Dim::symbol("n"));
        match self.r.below(12) {
            0 => vec![],
            1 | 2 => vec![n],
            3..=5 => vec![m, n],
            6 => vec![m, 1.into()],
            7 => vec![1.into(), n],
            8 => vec![m],
            9 => vec![n, m],
            _ => (0..1 + self.r.below(3)).map(|_| self.dim()).collect(),
        }
    }

    pub(crate) fn fits(&self, shape: &[Dim]) -> bool {
        self.bindings.iter().all(|a| {
            let sizes: Result<Vec<i64>, _> = shape.iter().map(|d| a.sizes.number(d)).collect();
            sizes.is_ok_and(|s| s.iter().all(|n| *n >= 0) && s.iter().product::<i64>() <= MOST as i64)
        })
    }

    /// The size of an axis in every binding.
    pub(crate) fn least(&self, d: &Dim) -> i64 {
        self.bindings.iter().map(|a| a.sizes.number(d).expect("known symbols")).min().expect("bindings")
    }

    /// A new parameter; `None` if it would be too large.
    pub(crate) fn input(&mut self, t: DType, shape: &[Dim]) -> Option<Value> {
        if !self.fits(shape) {
            return None;
        }
        let values = self.values;
        self.input_of(t, shape, |r| element(r, t, values))
    }

    pub(crate) fn input_of(
        &mut self,
        t: DType,
        shape: &[Dim],
        f: impl Fn(&mut Random) -> Scalar,
    ) -> Option<Value> {
        let name = format!("x{}", self.b.graph().inputs.len());
        let v = self.b.input(&name, TensorType::new(t, shape));
        let strided = self.r.one_in(3);
        for k in 0..self.bindings.len() {
            let sizes = self.bindings[k].sizes.shape(shape).expect("known symbols");
            let argument = Argument::draw(&mut self.r, t, &sizes, strided, &f);
            self.arguments[k].push(argument);
        }
        self.evaluate().then_some(v)
    }

    /// Evaluates what was added; false if it has no value for some binding.
    pub(crate) fn evaluate(&mut self) -> bool {
        let g = self.b.graph();
        for (a, args) in self.bindings.iter_mut().zip(&self.arguments) {
            let from = a.values.len();
            for n in &g.nodes[from..] {
                let fits = n.types.iter().all(|t| {
                    let sizes: Vec<i64> = t.shape.iter().map(|d| a.sizes.number(d).unwrap_or(-1)).collect();
                    sizes.iter().all(|n| *n >= 0) && sizes.iter().product::<i64>() <= 3 * MOST as i64
                });
                if !fits {
                    return false;
                }
            }
            let inputs: Vec<Array> = args.iter().map(|a| a.array.clone()).collect();
            if a.extend(g, &inputs, self.level).is_err() {
                return false;
            }
        }
        true
    }

    /// Adds one operation to the pool, or leaves everything as it was.
    fn step(&mut self) {
        let kept = (self.b.graph().nodes.len(), self.b.graph().inputs.len());
        let pool = self.pool.len();
        let made = self.operation();
        let all = self.evaluate();
        match made {
            Ok(v) if all && self.accepts(v) => {
                for v in self.results(v) {
                    if !self.pool.contains(&v) {
                        self.pool.push(v);
                    }
                }
            }
            _ => {
                self.pool.truncate(pool);
                self.forget(kept);
            }
        }
    }

    fn results(&self, v: Value) -> Vec<Value> {
        let n = self.b.graph().def(v);
        match n.op.class() {
            Class::Region => (0..n.types.len() as u32).map(|index| Value { index, ..v }).collect(),
            _ => vec![v],
        }
    }

    /// Drops nodes added since; the builder has no way back, so the graph is built again.
    fn forget(&mut self, (nodes, inputs): (usize, usize)) {
        if self.b.graph().nodes.len() == nodes {
            return;
        }
        let old = self.b.graph().clone();
        let mut b = Builder::new("random");
        for n in &old.nodes[..nodes] {
            if n.op == Op::Input {
                let p = &old.inputs[n.attrs.int(Key::Position) as usize];
                b.input(&p.name, p.ty.clone());
            } else {
                b.node(n.op, n.attrs.clone(), &n.inputs).expect("was well-typed");
            }
        }
        self.b = b;
        for (a, args) in self.bindings.iter_mut().zip(&mut self.arguments) {
            a.values.truncate(nodes);
            a.flags.truncate(nodes);
            args.truncate(inputs);
        }
    }

    /// Rough values must stay of moderate size: tolerances mean nothing otherwise.
    fn accepts(&self, v: Value) -> bool {
        self.bindings.iter().all(|a| {
            let k = v.node.0 as usize;
            let tame = |x: &Array| {
                x.data.iter().all(|v| {
                    let c = v.as_complex();
                    // Squares of these are numbers still: the reference computes some means in `f64`.
                    let most = if x.dtype.real() == DType::F32 { 1e16 } else { 1e30 };
                    let fine = |p: f64| !p.is_finite() || p == 0.0 || (1.0 / most..most).contains(&p.abs());
                    fine(c.re) && fine(c.im)
                })
            };
            a.values[k].iter().all(|x| x.data.len() <= MOST && (!a.flags[k].rough || tame(x)))
        })
    }

    pub(crate) fn shape(&self, v: Value) -> Vec<Dim> {
        self.b.shape(v).to_vec()
    }

    pub(crate) fn is_rough(&self, v: Value) -> bool {
        self.b.dtype(v).is_inexact()
            && self.bindings.iter().any(|a| a.flags.get(v.node.0 as usize).is_none_or(|f| f.rough))
    }

    /// A zero whose sign is open must not reach an op that shows it.
    pub(crate) fn hides_zero(&self, v: Value) -> bool {
        let at = (v.node.0 as usize, v.index as usize);
        self.b.dtype(v).is_inexact()
            && self.bindings.iter().any(|a| {
                a.flags[at.0].open_zero
                    && a.values[at.0][at.1]
                        .data
                        .iter()
                        .any(|v| v.as_complex().re == 0.0 || v.as_complex().im == 0.0)
            })
    }

    pub(crate) fn any(&mut self) -> Value {
        let from = if self.r.one_in(3) { 0 } else { self.pool.len().saturating_sub(5) };
        self.pool[from + self.r.below(self.pool.len() - from)]
    }

    /// An operand for `x`: often of the same type and a shape that broadcasts.
    pub(crate) fn partner(&mut self, x: Value) -> Value {
        let own = self.b.ty(x).clone();
        if self.r.one_in(5) {
            let v = element(&mut self.r, own.dtype, self.values);
            return self.b.constant(v);
        }
        let fitting: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|v| {
                let shapes = [self.b.shape(*v), self.b.shape(x)];
                frit_ir::infer::broadcast_shapes(&shapes).is_some()
            })
            .collect();
        let same: Vec<Value> = fitting.iter().copied().filter(|v| self.b.dtype(*v) == own.dtype).collect();
        if fitting.is_empty() {
            return x;
        }
        if !same.is_empty() && !self.r.one_in(4) { self.r.pick(&same) } else { self.r.pick(&fitting) }
    }

    pub(crate) fn axis(&mut self, x: Value) -> Result<usize, TypeError> {
        match self.b.ty(x).rank() {
            0 => Err(no()),
            rank => Ok(self.r.below(rank)),
        }
    }

    pub(crate) fn elementwise(&mut self, op: Op, args: &[Value]) -> Built {
        if !self.evaluate() {
            return Err(no());
        }
        let rough = args.iter().any(|v| self.is_rough(*v));
        let hidden = args.iter().any(|v| self.hides_zero(*v));
        let smooth = matches!(
            op,
            Op::Positive
                | Op::ArithmeticFence
                | Op::Negative
                | Op::Add
                | Op::Subtract
                | Op::Multiply
                | Op::Square
                | Op::Maximum
                | Op::Minimum
                | Op::Fmax
                | Op::Fmin
                | Op::Clip
                | Op::Exp
                | Op::Sin
                | Op::Cos
                | Op::Tanh
                | Op::Arctan
                | Op::Erf
                | Op::Hypot
                | Op::Real
                | Op::Imag
                | Op::Conjugate
                | Op::Where
                | Op::MakeComplex
        );
        let complex = args.iter().any(|v| self.b.dtype(*v).is_complex());
        let absolute = op == Op::Absolute && !complex;
        if rough && !(smooth || absolute)
            || (rough && complex && matches!(op, Op::Maximum | Op::Minimum | Op::Fmax | Op::Fmin | Op::Clip))
        {
            return Err(no());
        }
        let blind = smooth
            && !(complex && matches!(op, Op::Exp | Op::Sin | Op::Cos | Op::Tanh | Op::Arctan | Op::Hypot));
        let blind = blind
            || absolute
            || matches!(op.def().gives, frit_ir::ops::Gives::Bool if op != Op::Signbit)
            || matches!(
                op,
                Op::Floor | Op::Ceil | Op::Trunc | Op::Rint | Op::Sign | Op::Expm1 | Op::Sinh | Op::Cosh
            );
        if hidden && !blind {
            return Err(no());
        }
        let operands: Vec<Operand> = args.iter().map(|v| Operand::Value(*v)).collect();
        self.b.elementwise(op, &operands)
    }

    fn random_elementwise(&mut self) -> Built {
        let ops: Vec<Op> =
            Op::ALL.iter().copied().filter(|o| o.class() == Class::Elementwise && *o != Op::Cast).collect();
        let common =
            [Op::Add, Op::Subtract, Op::Multiply, Op::Maximum, Op::Where, Op::Negative, Op::Less, Op::Tanh];
        let op = if self.r.one_in(2) { self.r.pick(&common) } else { self.r.pick(&ops) };
        let x = self.any();
        let mut args = vec![x];
        for _ in 1..op.def().min_inputs {
            let y = self.partner(x);
            args.push(y);
        }
        if op == Op::Where {
            let bools: Vec<Value> =
                self.pool.iter().copied().filter(|v| self.b.dtype(*v) == DType::Bool).collect();
            if bools.is_empty() {
                args[0] = self.elementwise(Op::Less, &args[1..])?;
            } else {
                args[0] = self.r.pick(&bools);
            }
        }
        self.elementwise(op, &args)
    }

    fn cast(&mut self) -> Built {
        let (x, to) = (self.any(), self.r.pick(&DType::ALL));
        let narrows = !to.is_inexact() || (self.b.dtype(x).real() != to.real());
        if self.is_rough(x) && narrows {
            return Err(no());
        }
        self.b.cast(x, to)
    }

    fn reduce(&mut self) -> Built {
        let ops: Vec<Op> = Op::ALL
            .iter()
            .copied()
            .filter(|o| {
                o.class() == Class::Reduce
                    || (o.class() == Class::Composite && o.def().attrs.iter().any(|a| a.0 == Key::Keepdims))
            })
            .collect();
        let op = if self.r.one_in(2) {
            self.r.pick(&[Op::Sum, Op::Max, Op::Min, Op::Mean])
        } else {
            self.r.pick(&ops)
        };
        let x = self.any();
        let rank = self.b.ty(x).rank() as i64;
        let axes: Vec<i64> = match self.r.below(3) {
            0 => (0..rank).collect(),
            1 if rank > 0 => vec![self.r.below(rank as usize) as i64],
            _ => (0..rank).filter(|_| self.r.one_in(2)).collect(),
        };
        let keep = self.r.one_in(2);
        self.reduce_by(op, x, &axes, keep)
    }

    /// A reduction whose result can be judged.
    pub(crate) fn reduce_by(&mut self, op: Op, x: Value, axes: &[i64], keep: bool) -> Built {
        let (rough, complex) = (self.is_rough(x), self.b.dtype(x).is_complex());
        let smooth = matches!(
            op,
            Op::Sum | Op::Mean | Op::Var | Op::Logsumexp | Op::Nansum | Op::Nanmean | Op::Nanvar
        );
        let extreme = matches!(op, Op::Max | Op::Min | Op::Nanmin | Op::Nanmax);
        if rough && !smooth && (complex || !extreme) {
            return Err(no());
        }
        let rank = self.b.ty(x).rank();
        let more = if op.def().attrs.iter().any(|a| a.0 == Key::Ddof) {
            Attrs::new([(Key::Ddof, Attr::Scalar(Scalar::from_i64(DType::F64, self.r.below(2) as i64)))])
        } else {
            Attrs::NONE
        };
        if matches!(op, Op::Argmin | Op::Argmax) && axes.len() != 1 && axes.len() != rank {
            return Err(no());
        }
        self.b.reduce_with(op, x, Some(axes), keep, more)
    }

    fn cumulative(&mut self) -> Built {
        let x = self.any();
        let axis = self.axis(x)? as i64;
        let op = self.r.pick(&[Op::Cumsum, Op::Cumsum, Op::Cumprod, Op::Cummax, Op::Cummin]);
        if op == Op::Cumprod && self.is_rough(x) {
            return Err(no());
        }
        self.b.cumulative(op, x, axis)
    }

    fn operation(&mut self) -> Built {
        if self.nests && self.r.one_in(2) {
            return self.nested();
        }
        match self.r.below(21) {
            20 => self.nested(),
            0..=6 => self.random_elementwise(),
            7 => self.cast(),
            8..=9 => self.reduce(),
            10 => self.cumulative(),
            11..=12 => self.view(),
            13..=14 => self.movement(),
            15 => self.indexed(),
            16 => self.library(),
            17 => self.chain(),
            18 => self.source(),
            _ => {
                let x = self.any();
                regions::region(self, x)
            }
        }
    }

    /// Other values of the pool, for captures.
    pub(crate) fn others(&mut self) -> Vec<Value> {
        (0..1 + self.r.below(2)).map(|_| self.any()).collect()
    }

    pub(crate) fn value(&mut self, t: DType) -> Scalar {
        element(&mut self.r, t, self.values)
    }
}
