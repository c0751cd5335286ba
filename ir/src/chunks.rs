//! How an array is stored in blocks, as a fact about values: set by `rechunk` nodes, inferred everywhere else, like a
//! type. A layout never changes a value: in core, where a program runs as a whole, it costs nothing and disappears
//! before lowering.
//!
//! ```
//! use frit_ir::{Graph, chunks::ChunkGrid};
//! let g = "graph @f(%x: f64[8, 6]) -> f64[6] {
//!   %0 = rechunk %x {chunks = [4, 6]} : f64[8, 6]
//!   %1 = sum %0 {axes = [0], keepdims = false} : f64[6]
//!   return %1
//! }";
//! let g: Graph = g.parse().unwrap();
//! assert_eq!(ChunkGrid::infer(&g, g.outputs[0]).unwrap().to_string(), "(6)");
//! ```

use crate::attrs::{Attr, Attrs, Key, Slice};
use crate::dim::Dim;
use crate::graph::{Graph, Value};
use crate::ops::{Class, Op};
use std::fmt;

/// A regular grid of blocks: block `k` of an axis holds the elements from `k * size` to `(k + 1) * size`, the last one
/// possibly fewer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ChunkGrid(Vec<Dim>);

impl fmt::Display for ChunkGrid {
    /// `(250, 1000)`, as NumPy-side libraries print chunks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "({})", sizes.join(", "))
    }
}

/// Values looked at to infer one layout.
const MOST: usize = 64;

impl ChunkGrid {
    /// From the block size along each axis.
    pub fn new(sizes: impl Into<Vec<Dim>>) -> ChunkGrid {
        ChunkGrid(sizes.into())
    }

    /// That of a `rechunk` node.
    pub fn of(attrs: &Attrs) -> ChunkGrid {
        ChunkGrid(attrs.dims(Key::Chunks).to_vec())
    }

    /// Block size along each axis.
    pub fn sizes(&self) -> &[Dim] {
        &self.0
    }

    /// As attributes of a `rechunk` node.
    pub fn attrs(&self) -> Attrs {
        Attrs::new([(Key::Chunks, Attr::Dims(self.0.clone()))])
    }

    /// Number of blocks along each axis; an empty axis has none.
    pub fn counts(&self, shape: &[Dim]) -> Vec<Dim> {
        shape.iter().zip(&self.0).map(|(d, c)| d.ceil_div(c)).collect()
    }

    /// Axis `k` of the result is axis `perm[k]`.
    pub fn transpose(&self, perm: &[i64]) -> ChunkGrid {
        ChunkGrid(perm.iter().map(|p| self.0[*p as usize].clone()).collect())
    }

    /// The inverse of [`ChunkGrid::transpose`].
    pub fn untranspose(&self, perm: &[i64]) -> ChunkGrid {
        let mut sizes = self.0.clone();
        for (size, p) in self.0.iter().zip(perm) {
            sizes[*p as usize] = size.clone();
        }
        ChunkGrid(sizes)
    }

    /// With axes of size 1 at these positions of the result.
    pub fn expand_dims(&self, axes: &[i64]) -> ChunkGrid {
        let mut own = self.0.iter();
        let rank = (self.0.len() + axes.len()) as i64;
        let mut size = |k| if axes.contains(&k) { Some(1.into()) } else { own.next().cloned() };
        ChunkGrid((0..rank).map_while(&mut size).collect())
    }

    /// Without these axes.
    pub fn squeeze(&self, axes: &[i64]) -> ChunkGrid {
        let kept = self.0.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
        ChunkGrid(kept.map(|(_, c)| c.clone()).collect())
    }

    /// Of a reduction's result.
    pub fn reduce(&self, axes: &[i64], keepdims: bool) -> ChunkGrid {
        if !keepdims {
            return self.squeeze(axes);
        }
        let one = |(k, c): (usize, &Dim)| if axes.contains(&(k as i64)) { 1.into() } else { c.clone() };
        ChunkGrid(self.0.iter().enumerate().map(one).collect())
    }

    /// Of a slice, where the slice's blocks are blocks of the source: slices of step 1 that begin where a block does.
    pub fn slice(&self, slices: &[Slice]) -> Option<ChunkGrid> {
        let one = |(c, s): (&Dim, &Slice)| {
            let aligned = s.step == 1 && s.start.modulo(c).is(0);
            // Never more than the axis holds.
            let size = match (c.as_const(), s.size.as_const()) {
                (Some(c), Some(n)) => c.min(n.max(1)).into(),
                _ => c.clone(),
            };
            aligned.then_some(size)
        };
        self.0.iter().zip(slices).map(one).collect::<Option<Vec<Dim>>>().map(ChunkGrid)
    }

    /// Of an operand that broadcasts to the shape of these blocks.
    pub fn of_operand(&self, shape: &[Dim]) -> ChunkGrid {
        let skip = self.0.len() - shape.len();
        let one = |(d, c): (&Dim, &Dim)| if d.is(1) { 1.into() } else { c.clone() };
        ChunkGrid(shape.iter().zip(&self.0[skip..]).map(one).collect())
    }

    /// The layout of a value, if `rechunk` nodes decide it: of operands of one shape with one layout it is that one.
    pub fn infer(graph: &Graph, v: Value) -> Option<ChunkGrid> {
        infer(graph, v, &mut 0)
    }
}

fn infer(graph: &Graph, v: Value, seen: &mut usize) -> Option<ChunkGrid> {
    *seen += 1;
    if *seen > MOST {
        return None;
    }
    let node = graph.def(v);
    let mut below = |k: usize| infer(graph, node.inputs[k], seen);
    let axes = || node.attrs.ints(Key::Axes);
    match node.op {
        Op::Rechunk => Some(ChunkGrid::of(&node.attrs)),
        Op::Transpose => Some(below(0)?.transpose(node.attrs.ints(Key::Perm))),
        Op::ExpandDims => Some(below(0)?.expand_dims(axes())),
        Op::Squeeze => Some(below(0)?.squeeze(axes())),
        Op::Slice => below(0)?.slice(node.attrs.slices()),
        op => match op.class() {
            Class::Reduce => Some(below(0)?.reduce(axes(), node.attrs.bool(Key::Keepdims))),
            Class::Cumulative => below(0),
            Class::Elementwise => {
                let mut found: Option<ChunkGrid> = None;
                for k in 0..node.inputs.len() {
                    let shape = &graph.ty(node.inputs[k]).shape;
                    if shape.iter().all(|d| d.is(1)) {
                        continue;
                    }
                    let grid = below(k)?;
                    if *shape != node.types[0].shape || found.as_ref().is_some_and(|f| *f != grid) {
                        return None;
                    }
                    found = Some(grid);
                }
                found
            }
            _ => None,
        },
    }
}
