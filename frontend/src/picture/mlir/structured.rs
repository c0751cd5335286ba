//! Ops that the upstream dialects can say.

use super::scalar::{Form, element, form, type_of};
use super::{Named, Writer, list, tensor};
use frit_ir::attrs::Slice;
use frit_ir::graph::{Node, TensorType};
use frit_ir::ops::{Class, Combine};
use frit_ir::prim::{Prim, ScalarFn, ScalarInst};
use frit_ir::{DType, Dim, Key, Op, Scalar};

/// `affine_map<(d0, d1) -> (d0, 0)>`, from the number of loops and what each axis is.
fn map(loops: usize, axes: &[Option<usize>]) -> String {
    let from = list(0..loops, |k| format!("d{k}"));
    let to = list(axes, |a| a.map_or("0".into(), |k| format!("d{k}")));
    format!("affine_map<({from}) -> ({to})>")
}

/// The map of an operand that broadcasts to a shape, axes aligned at the end.
fn broadcast(shape: &[Dim], to: &[Dim]) -> String {
    let skip = to.len() - shape.len();
    let axes: Vec<Option<usize>> =
        shape.iter().enumerate().map(|(k, d)| (*d == to[k + skip]).then_some(k + skip)).collect();
    map(to.len(), &axes)
}

/// A `linalg.generic` in the making.
struct Generic<'a> {
    maps: Vec<String>,
    /// Axes that are reduced.
    reduced: &'a [i64],
    loops: usize,
    ins: Vec<Named>,
    out: Named,
}

impl Writer {
    /// The value of an op, or `None` if it has no form here.
    pub(super) fn structured(&mut self, node: &Node, inputs: &[Named]) -> Option<String> {
        let out = &node.types[0];
        match node.op.class() {
            Class::Elementwise => return Some(self.elementwise(node, inputs)),
            Class::Reduce => return self.reduce(node, &inputs[0]),
            _ => {}
        }
        Some(match node.op {
            Op::Constant => {
                let value = element(node.attrs.scalar(Key::Value));
                self.value(&format!("arith.constant dense<{value}> : {}", tensor(out)))
            }
            Op::Literal => {
                let data = node.attrs.data();
                let shape: Vec<usize> = data.ty.const_shape().unwrap_or_default();
                let text = nested(&shape, &mut 0, &|k| element(data.get(k)));
                self.value(&format!(
                    "arith.constant dense<{}> : {}",
                    if data.is_empty() { String::new() } else { text },
                    tensor(out)
                ))
            }
            Op::DimValue => {
                let v = self.size(node.attrs.dim(Key::Dim));
                let v = self.value(&format!("arith.index_cast {v} : index to i64"));
                self.value(&format!("tensor.from_elements {v} : tensor<i64>"))
            }
            Op::Iota => self.iota(node)?,
            Op::Reshape | Op::ExpandDims | Op::Squeeze => self.reshape(&inputs[0], out),
            Op::Transpose => {
                let to = self.empty(out);
                let perm = list(node.attrs.ints(Key::Perm), i64::to_string);
                let (x, t) = (&inputs[0], tensor(out));
                self.value(&format!(
                    "linalg.transpose ins({} : {}) outs({to} : {t}) permutation = [{perm}]",
                    x.name,
                    x.mlir()
                ))
            }
            Op::BroadcastTo => self.broadcast_to(&inputs[0], out),
            Op::Slice => self.slice(node, &inputs[0]),
            Op::Diagonal => self.diagonal(node, &inputs[0]),
            Op::Concatenate => self.concatenate(node, inputs)?,
            Op::Pad => self.pad(node, inputs),
            Op::UpdateSlice => self.update_slice(node, inputs)?,
            Op::Gather => self.gather(node, inputs),
            Op::Matmul => self.matmul(node, inputs)?,
            _ => return None,
        })
    }

    fn constant(&mut self, s: Scalar) -> String {
        if s.dtype().is_complex() {
            let (re, im) = s.parts();
            let t = type_of(re.dtype());
            return self.value(&format!(
                "complex.constant [{} : {t}, {} : {t}] : {}",
                element(re),
                element(im),
                type_of(s.dtype())
            ));
        }
        self.value(&format!("arith.constant {}", typed(s)))
    }

    /// The operation, with a body that gets names of the operands' elements and of the result's, and yields a name.
    fn generic(&mut self, g: Generic<'_>, body: impl FnOnce(&mut Writer, &[String]) -> String) -> String {
        let kinds = list(0..g.loops, |k| {
            (if g.reduced.contains(&(k as i64)) { "\"reduction\"" } else { "\"parallel\"" }).to_string()
        });
        let all: Vec<&Named> = g.ins.iter().chain([&g.out]).collect();
        let names: Vec<String> = all.iter().map(|_| self.fresh()).collect();
        let args = list(names.iter().zip(&all), |(n, v)| format!("{n}: {}", type_of(v.ty.dtype)));
        let result = self.fresh();
        let ins = if g.ins.is_empty() {
            String::new()
        } else {
            format!("ins({} : {}) ", list(&g.ins, |i| i.name.clone()), list(&g.ins, Named::mlir))
        };
        self.line(&format!(
            "{result} = linalg.generic {{indexing_maps = [{}], iterator_types = [{kinds}]}} {ins}outs({} : {}) {{",
            g.maps.join(", "),
            g.out.name,
            g.out.mlir()
        ));
        self.line(&format!("^bb0({args}):"));
        self.inside(|w| {
            let y = body(w, &names);
            w.line(&format!("linalg.yield {y} : {}", type_of(g.out.ty.dtype)));
        });
        self.line(&format!("}} -> {}", g.out.mlir()));
        result
    }

    /// A result computed at each position by itself.
    fn at_each(
        &mut self,
        out: &TensorType,
        ins: &[(Named, String)],
        body: impl FnOnce(&mut Writer, &[String]) -> String,
    ) -> String {
        let to = Named { name: self.empty(out), ty: out.clone() };
        let n = out.rank();
        let own: Vec<Option<usize>> = (0..n).map(Some).collect();
        let maps = ins.iter().map(|(_, m)| m.clone()).chain([map(n, &own)]).collect();
        let ins = ins.iter().map(|(v, _)| v.clone()).collect();
        self.generic(Generic { maps, reduced: &[], loops: n, ins, out: to }, body)
    }

    fn elementwise(&mut self, node: &Node, inputs: &[Named]) -> String {
        let out = &node.types[0];
        let types: Vec<DType> = inputs.iter().map(|i| i.ty.dtype).collect();
        let f = node.op.scalar_fn(&types, out.dtype);
        let ins: Vec<(Named, String)> =
            inputs.iter().map(|i| (i.clone(), broadcast(&i.ty.shape, &out.shape))).collect();
        self.at_each(out, &ins, |w, args| w.scalar_fn(&f, &types, out.dtype, args))
    }

    /// The instructions of a body. Complex operands and results are pairs in it.
    fn scalar_fn(&mut self, f: &ScalarFn, types: &[DType], to: DType, args: &[String]) -> String {
        let mut values = Vec::new();
        for (t, a) in types.iter().zip(args) {
            if t.is_complex() {
                for part in ["re", "im"] {
                    values.push(self.value(&format!("complex.{part} {a} : {}", type_of(*t))));
                }
            } else {
                values.push(a.clone());
            }
        }
        let mut dtypes = f.params.clone();
        for inst in &f.insts {
            let v = match inst {
                ScalarInst::Const(s) => self.constant(*s),
                ScalarInst::Prim(p, t, operands) => {
                    let from: Vec<DType> = operands.iter().map(|v| dtypes[v.0 as usize]).collect();
                    let names: Vec<String> = operands.iter().map(|v| values[v.0 as usize].clone()).collect();
                    self.prim(*p, &from, *t, &names)
                }
            };
            dtypes.push(inst.dtype());
            values.push(v);
        }
        let results: Vec<String> = f.results.iter().map(|v| values[v.0 as usize].clone()).collect();
        if to.is_complex() {
            return self.value(&format!("complex.create {} : {}", results.join(", "), type_of(to)));
        }
        results[0].clone()
    }

    fn prim(&mut self, p: Prim, from: &[DType], to: DType, args: &[String]) -> String {
        let last = from[from.len() - 1];
        match form(p, last, to) {
            Form::Op(op) => self.value(&format!("{op} {} : {}", args.join(", "), type_of(to))),
            Form::Compare(op, predicate) => {
                // A cast to bool compares with zero.
                let mut args = args.to_vec();
                if args.len() == 1 {
                    args.push(self.constant(Scalar::zero(last)));
                }
                self.value(&format!("{op} {predicate}, {} : {}", args.join(", "), type_of(last)))
            }
            Form::Convert(op) => {
                self.value(&format!("{op} {} : {} to {}", args[0], type_of(last), type_of(to)))
            }
            Form::Same => args[0].clone(),
            Form::With(op, s) => {
                let c = self.constant(s);
                self.value(&format!("{op} {c}, {} : {}", args[0], type_of(to)))
            }
            Form::Call if p == Prim::Cast => self.call_scalar(&format!("cast_{to}"), from, to, args),
            Form::Call => self.call_scalar(p.name(), from, to, args),
        }
    }

    fn reduce(&mut self, node: &Node, x: &Named) -> Option<String> {
        let (out, t) = (&node.types[0], node.types[0].dtype);
        let combine = node.op.def().combine?;
        let start = combine.identity(t)?;
        // Of truth values: the ops below are those of numbers.
        let op = match combine {
            Combine::And => Op::Minimum,
            Combine::Or => Op::Maximum,
            _ => combine.op()?,
        };
        if x.ty.dtype != t {
            return None;
        }
        let axes = node.attrs.ints(Key::Axes);
        let rank = x.ty.rank();
        let kept: Vec<usize> = (0..rank).filter(|k| !axes.contains(&(*k as i64))).collect();
        let dense = TensorType::new(t, kept.iter().map(|k| x.ty.shape[*k].clone()).collect::<Vec<_>>());
        let filled = self.filled(&dense, start);
        let all: Vec<Option<usize>> = (0..rank).map(Some).collect();
        let maps = vec![map(rank, &all), map(rank, &kept.into_iter().map(Some).collect::<Vec<_>>())];
        let f = op.scalar_fn(&[t, t], t);
        let g = Generic {
            maps,
            reduced: axes,
            loops: rank,
            ins: vec![x.clone()],
            out: Named { name: filled, ty: dense.clone() },
        };
        let sum = self.generic(g, |w, args| w.scalar_fn(&f, &[t, t], t, &[args[1].clone(), args[0].clone()]));
        Some(if dense == *out { sum } else { self.reshape(&Named { name: sum, ty: dense }, out) })
    }

    fn filled(&mut self, t: &TensorType, s: Scalar) -> String {
        let (value, to) = (self.constant(s), self.empty(t));
        self.value(&format!(
            "linalg.fill ins({value} : {}) outs({to} : {1}) -> {1}",
            type_of(t.dtype),
            tensor(t)
        ))
    }

    fn reshape(&mut self, x: &Named, out: &TensorType) -> String {
        if x.ty == *out {
            return x.name.clone();
        }
        let sizes: Vec<String> = out.shape.iter().map(|d| self.size(d)).collect();
        let n = out.rank();
        let shape = if n == 0 {
            self.value("arith.constant dense<> : tensor<0xindex>")
        } else {
            self.value(&format!("tensor.from_elements {} : tensor<{n}xindex>", sizes.join(", ")))
        };
        self.value(&format!(
            "tensor.reshape {}({shape}) : ({}, tensor<{n}xindex>) -> {}",
            x.name,
            x.mlir(),
            tensor(out)
        ))
    }

    fn broadcast_to(&mut self, x: &Named, out: &TensorType) -> String {
        let at = broadcast(&x.ty.shape, &out.shape);
        self.at_each(out, &[(x.clone(), at)], |_, args| args[0].clone())
    }

    fn iota(&mut self, node: &Node) -> Option<String> {
        let (out, axis) = (&node.types[0], node.attrs.int(Key::Axis));
        let t = out.dtype;
        if t.is_complex() || t == DType::Bool {
            return None;
        }
        Some(self.at_each(out, &[], |w, _| {
            let k = w.value(&format!("linalg.index {axis} : index"));
            if t.is_int() {
                return w.value(&format!("arith.index_cast {k} : index to {}", type_of(t)));
            }
            let k = w.value(&format!("arith.index_cast {k} : index to i64"));
            w.value(&format!("arith.sitofp {k} : i64 to {}", type_of(t)))
        }))
    }

    /// The element of `x` at positions computed from those of the result.
    fn element_at(&mut self, x: &Named, at: &[String]) -> String {
        self.value(&format!("tensor.extract {}[{}] : {}", x.name, at.join(", "), x.mlir()))
    }

    /// `start + step * position`
    fn stepped(&mut self, s: &Slice, axis: usize) -> String {
        let (start, step) = (self.size(&s.start), self.size(&s.step.into()));
        let k = self.value(&format!("linalg.index {axis} : index"));
        let k = self.value(&format!("arith.muli {k}, {step} : index"));
        self.value(&format!("arith.addi {start}, {k} : index"))
    }

    /// `[starts] [sizes] [steps]`
    fn window(&mut self, slices: &[Slice]) -> String {
        let starts: Vec<String> = slices.iter().map(|s| self.mixed(&s.start)).collect();
        let sizes: Vec<String> = slices.iter().map(|s| self.mixed(&s.size)).collect();
        format!("[{}] [{}] [{}]", starts.join(", "), sizes.join(", "), list(slices, |s| s.step.to_string()))
    }

    fn slice(&mut self, node: &Node, x: &Named) -> String {
        let (out, slices) = (&node.types[0], node.attrs.slices().to_vec());
        if slices.iter().all(|s| s.step > 0) {
            let window = self.window(&slices);
            return self.value(&format!(
                "tensor.extract_slice {}{window} : {} to {}",
                x.name,
                x.mlir(),
                tensor(out)
            ));
        }
        self.at_each(out, &[], |w, _| {
            let at: Vec<String> = slices.iter().enumerate().map(|(k, s)| w.stepped(s, k)).collect();
            w.element_at(x, &at)
        })
    }

    fn diagonal(&mut self, node: &Node, x: &Named) -> String {
        let out = &node.types[0];
        let (a, b) = (node.attrs.int(Key::Axis) as usize, node.attrs.int(Key::Axis2) as usize);
        let offset = node.attrs.int(Key::Offset);
        self.at_each(out, &[], |w, _| {
            let last = w.value(&format!("linalg.index {} : index", out.rank() - 1));
            let mut at = Vec::new();
            let mut next = 0;
            for axis in 0..x.ty.rank() {
                let shift = if axis == a { (-offset).max(0) } else { offset.max(0) };
                at.push(if axis == a || axis == b {
                    let shift = w.size(&shift.into());
                    w.value(&format!("arith.addi {last}, {shift} : index"))
                } else {
                    next += 1;
                    w.value(&format!("linalg.index {} : index", next - 1))
                });
            }
            w.element_at(x, &at)
        })
    }

    fn concatenate(&mut self, node: &Node, inputs: &[Named]) -> Option<String> {
        let (out, axis) = (&node.types[0], node.attrs.int(Key::Axis) as usize);
        let open = |i: &Named| i.ty.shape[axis].as_const().is_none();
        // The verifier wants a size that it can add up.
        if out.shape[axis].as_const().is_some() && inputs.iter().any(open) {
            return None;
        }
        let (names, types) = (list(inputs, |i| i.name.clone()), list(inputs, Named::mlir));
        Some(self.value(&format!("tensor.concat dim({axis}) {names} : ({types}) -> {}", tensor(out))))
    }

    fn pad(&mut self, node: &Node, inputs: &[Named]) -> String {
        let (x, out) = (&inputs[0], &node.types[0]);
        let t = type_of(out.dtype);
        let value = self.value(&format!("tensor.extract {}[] : tensor<{t}>", inputs[1].name));
        let low: Vec<String> = node.attrs.dims(Key::PadLow).iter().map(|d| self.mixed(d)).collect();
        let high: Vec<String> = node.attrs.dims(Key::PadHigh).iter().map(|d| self.mixed(d)).collect();
        let name = self.fresh();
        self.line(&format!(
            "{name} = tensor.pad {} low[{}] high[{}] {{",
            x.name,
            low.join(", "),
            high.join(", ")
        ));
        let args: Vec<String> = (0..out.rank()).map(|_| self.fresh()).collect();
        self.line(&format!("^bb0({}):", list(args, |a| format!("{a}: index"))));
        self.line(&format!("  tensor.yield {value} : {t}"));
        self.line(&format!("}} : {} to {}", x.mlir(), tensor(out)));
        name
    }

    fn update_slice(&mut self, node: &Node, inputs: &[Named]) -> Option<String> {
        let slices = node.attrs.slices().to_vec();
        if slices.iter().any(|s| s.step < 0) {
            return None;
        }
        let shape: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
        let want = TensorType::new(inputs[1].ty.dtype, shape);
        let mut update = inputs[1].clone();
        if update.ty != want {
            update = Named { name: self.broadcast_to(&update, &want), ty: want };
        }
        let window = self.window(&slices);
        let (x, u) = (&inputs[0], &update);
        Some(self.value(&format!(
            "tensor.insert_slice {} into {}{window} : {} into {}",
            u.name,
            x.name,
            u.mlir(),
            x.mlir()
        )))
    }

    fn gather(&mut self, node: &Node, inputs: &[Named]) -> String {
        let (out, x, indices) = (&node.types[0], &inputs[0], &inputs[1..]);
        let axes = node.attrs.ints(Key::Axes).to_vec();
        let rank = indices.iter().map(|i| i.ty.rank()).max().unwrap_or(0);
        let lead = &out.shape[..rank];
        // Indices broadcast against each other over the leading axes of the result.
        let one = |i: &Named| {
            let skip = rank - i.ty.rank();
            let at: Vec<Option<usize>> =
                i.ty.shape
                    .iter()
                    .enumerate()
                    .map(|(k, d)| (*d == lead[k + skip]).then_some(k + skip))
                    .collect();
            (i.clone(), map(out.rank(), &at))
        };
        let ins: Vec<(Named, String)> = indices.iter().map(one).collect();
        self.at_each(out, &ins, |w, args| {
            let mut at = Vec::new();
            let mut next = rank;
            for axis in 0..x.ty.rank() {
                at.push(match axes.iter().position(|a| *a as usize == axis) {
                    Some(k) => {
                        // Negative indices count from the end.
                        let v = w.value(&format!("arith.index_cast {} : i64 to index", args[k]));
                        let (zero, n) = (w.size(&0.into()), w.size(&x.ty.shape[axis]));
                        let back = w.value(&format!("arith.addi {v}, {n} : index"));
                        let negative = w.value(&format!("arith.cmpi slt, {v}, {zero} : index"));
                        w.value(&format!("arith.select {negative}, {back}, {v} : index"))
                    }
                    None => {
                        next += 1;
                        w.value(&format!("linalg.index {} : index", next - 1))
                    }
                });
            }
            w.element_at(x, &at)
        })
    }

    fn matmul(&mut self, node: &Node, inputs: &[Named]) -> Option<String> {
        let (a, b, out) = (&inputs[0], &inputs[1], &node.types[0]);
        let t = out.dtype;
        if t == DType::Bool {
            return None;
        }
        let zeros = self.filled(out, Scalar::zero(t));
        if out.rank() == 2 {
            return Some(self.value(&format!(
                "linalg.matmul ins({}, {} : {}, {}) outs({zeros} : {4}) -> {4}",
                a.name,
                b.name,
                a.mlir(),
                b.mlir(),
                tensor(out)
            )));
        }
        // Batch axes, rows, columns, and the sum.
        let n = out.rank();
        let batch = |x: &Named| -> Vec<Option<usize>> {
            let own = &x.ty.shape[..x.ty.rank() - 2];
            let skip = n - 2 - own.len();
            own.iter().enumerate().map(|(k, d)| (*d == out.shape[k + skip]).then_some(k + skip)).collect()
        };
        let (mut of_a, mut of_b) = (batch(a), batch(b));
        of_a.extend([Some(n - 2), Some(n)]);
        of_b.extend([Some(n), Some(n - 1)]);
        let own: Vec<Option<usize>> = (0..n).map(Some).collect();
        let maps = vec![map(n + 1, &of_a), map(n + 1, &of_b), map(n + 1, &own)];
        let (product, sum) = (Op::Multiply.scalar_fn(&[t, t], t), Op::Add.scalar_fn(&[t, t], t));
        let out = Named { name: zeros, ty: out.clone() };
        let g = Generic { maps, reduced: &[n as i64], loops: n + 1, ins: vec![a.clone(), b.clone()], out };
        Some(self.generic(g, |w, args| {
            let p = w.scalar_fn(&product, &[t, t], t, &args[..2]);
            w.scalar_fn(&sum, &[t, t], t, &[args[2].clone(), p])
        }))
    }
}

/// `2.0 : f64`, or `true`.
fn typed(s: Scalar) -> String {
    if s.dtype() == DType::Bool { element(s) } else { format!("{} : {}", element(s), type_of(s.dtype())) }
}

/// `[[1, 2], [3, 4]]`
fn nested(shape: &[usize], at: &mut usize, get: &dyn Fn(usize) -> String) -> String {
    let Some((n, rest)) = shape.split_first() else {
        *at += 1;
        return get(*at - 1);
    };
    let items: Vec<String> = (0..*n).map(|_| nested(rest, at, get)).collect();
    format!("[{}]", items.join(", "))
}
