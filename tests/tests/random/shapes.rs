//! Views, and arrays joined, padded and updated.

use crate::draw::element;
use crate::generate::{Built, Generator, no};
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice, Value};

impl Generator {
    /// A slice of an axis, inside it for every binding.
    fn slice_of(&mut self, d: &Dim) -> Slice {
        let n = self.least(d);
        let one = Dim::constant(1);
        match self.r.below(8) {
            0 | 1 => Slice::full(d),
            2 if n > 0 => Slice { start: 0.into(), size: one, step: 1 },
            3 if n > 0 => Slice { start: d - 1, size: one, step: 1 },
            4 => Slice { start: d - 1, size: d.clone(), step: -1 },
            5 if n > 1 => Slice { start: 1.into(), size: d - 1, step: 1 },
            6 if n > 1 => {
                let (start, step) = (self.r.below(2) as i64, 2 + self.r.below(2) as i64);
                Slice { start: start.into(), size: (d - start).ceil_div(&Dim::constant(step)), step }
            }
            _ if n > 2 => {
                let size = 1 + self.r.below(n as usize - 1) as i64;
                let start = self.r.below((n - size) as usize + 1) as i64;
                if self.r.one_in(3) {
                    Slice { start: (start + size - 1).into(), size: size.into(), step: -1 }
                } else {
                    Slice { start: start.into(), size: size.into(), step: 1 }
                }
            }
            _ => Slice::full(d),
        }
    }

    fn slices(&mut self, x: Value) -> Vec<Slice> {
        self.shape(x).iter().map(|d| self.slice_of(d)).collect()
    }

    pub(crate) fn view(&mut self) -> Built {
        let x = self.any();
        let shape = self.shape(x);
        let rank = shape.len();
        match self.r.below(9) {
            0 | 1 => {
                let s = self.slices(x);
                self.b.slice(x, &s)
            }
            2 => {
                let mut perm: Vec<i64> = (0..rank as i64).collect();
                for k in (1..rank).rev() {
                    perm.swap(k, self.r.below(k + 1));
                }
                self.b.transpose(x, &perm)
            }
            3 if rank > 1 => {
                let k = self.r.below(rank - 1);
                let mut s = shape.clone();
                let d = s.remove(k + 1);
                s[k] = &s[k] * &d;
                self.b.reshape(x, &s)
            }
            3 | 4 if rank > 0 => {
                // Flattened, or an axis split by a factor that it has.
                let k = self.r.below(rank);
                let mut s = shape.clone();
                match shape[k].as_const() {
                    Some(n) if n % 2 == 0 && n > 0 => {
                        s[k] = (n / 2).into();
                        s.insert(k, 2.into());
                    }
                    _ => s = vec![frit_ir::dim::product(&shape)],
                }
                self.b.reshape(x, &s)
            }
            5 if rank < 4 => {
                let k = self.r.below(rank + 1) as i64;
                self.b.expand_dims(x, &[k])
            }
            6 => {
                let axes: Vec<i64> = (0..rank as i64).filter(|k| shape[*k as usize].is(1)).collect();
                self.b.squeeze(x, &axes)
            }
            7 if rank < 3 => {
                let mut s: Vec<Dim> =
                    shape.iter().map(|d| if d.is(1) { self.dim() } else { d.clone() }).collect();
                if self.r.one_in(2) {
                    s.insert(0, self.dim());
                }
                self.b.broadcast_to(x, &s)
            }
            _ if rank > 1 => {
                let a = self.r.below(rank);
                let c = (a + 1 + self.r.below(rank - 1)) % rank;
                let offset = self.r.below(4) as i64 - 1;
                let attrs = [(Key::Axis, a as i64), (Key::Axis2, c as i64), (Key::Offset, offset)];
                let op = if self.r.one_in(4) { Op::Trace } else { Op::Diagonal };
                self.b.node(op, Attrs::new(attrs.map(|(k, v)| (k, Attr::Int(v)))), &[x])
            }
            _ => Err(no()),
        }
    }

    pub(crate) fn movement(&mut self) -> Built {
        let x = self.any();
        let shape = self.shape(x);
        let (rank, t) = (shape.len(), self.b.dtype(x));
        match self.r.below(9) {
            0 | 1 => {
                let axis = self.axis(x)?;
                let mut parts = vec![x];
                for _ in 0..1 + self.r.below(2) {
                    let fitting: Vec<Value> = self
                        .pool
                        .iter()
                        .copied()
                        .filter(|v| {
                            let s = self.b.shape(*v);
                            s.len() == rank
                                && (0..rank).all(|k| k == axis || s[k] == shape[k])
                                && self.b.dtype(*v) == t
                        })
                        .collect();
                    let mut p = self.r.pick(&fitting);
                    if self.r.one_in(3) {
                        let d = self.shape(p)[axis].clone();
                        let s = self.slice_of(&d);
                        p = self.b.slice_axis(p, axis, s)?;
                    }
                    parts.push(p);
                }
                self.b.concatenate(&parts, axis as i64)
            }
            2 => {
                let mut widths =
                    || (0..rank).map(|_| Dim::constant(self.r.below(3) as i64)).collect::<Vec<_>>();
                let attrs = [(Key::PadLow, Attr::Dims(widths())), (Key::PadHigh, Attr::Dims(widths()))];
                let c = element(&mut self.r, t, self.values);
                let c = self.b.constant(c);
                self.b.node(Op::Pad, Attrs::new(attrs), &[x, c])
            }
            3 => {
                let axis = self.axis(x)?;
                let shift = Dim::constant(self.r.below(7) as i64 - 3);
                let attrs =
                    [(Key::Axes, Attr::Ints(vec![axis as i64])), (Key::Shift, Attr::Dims(vec![shift]))];
                self.b.node(Op::Roll, Attrs::new(attrs), &[x])
            }
            4 => {
                let op = self.r.pick(&[Op::Triu, Op::Tril]);
                let offset = self.r.below(5) as i64 - 2;
                self.b.node(op, Attrs::new([(Key::Offset, Attr::Int(offset))]), &[x])
            }
            5 => {
                let s: Vec<Value> =
                    self.pool.iter().copied().filter(|v| self.b.ty(*v) == self.b.ty(x)).collect();
                let parts = [x, self.r.pick(&s), self.r.pick(&s)];
                let axis = self.r.below(rank + 1) as i64;
                self.b.node(
                    Op::Stack,
                    Attrs::new([(Key::Axis, Attr::Int(axis))]),
                    &parts[..1 + self.r.below(3)],
                )
            }
            6 if rank > 0 => {
                if self.r.one_in(2) {
                    let reps = (0..rank).map(|_| Dim::constant(self.r.below(3) as i64)).collect();
                    return self.b.node(Op::Tile, Attrs::new([(Key::Shape, Attr::Dims(reps))]), &[x]);
                }
                let (axis, n) = (self.axis(x)? as i64, self.r.below(4) as i64);
                self.b.node(
                    Op::Repeat,
                    Attrs::new([(Key::Axis, Attr::Int(axis)), (Key::N, Attr::Dim(n.into()))]),
                    &[x],
                )
            }
            _ => {
                let s = self.slices(x);
                let window: Vec<Dim> = s.iter().map(|s| s.size.clone()).collect();
                let fitting: Vec<Value> = self
                    .pool
                    .iter()
                    .copied()
                    .filter(|v| {
                        let shapes = [self.b.shape(*v), &window];
                        frit_ir::infer::broadcast_shapes(&shapes).is_some_and(|s| s == window)
                            && self.b.dtype(*v) == t
                    })
                    .collect();
                let v = if fitting.is_empty() || self.r.one_in(4) {
                    let c = element(&mut self.r, t, self.values);
                    self.b.constant(c)
                } else {
                    self.r.pick(&fitting)
                };
                self.b.update_slice(x, v, &s)
            }
        }
    }
}
