//! The table of routines, and the two questions asked of it: what will a call need, and carry it out.

use crate::dtype::DType;
use crate::error::{ErrorKind, LibraryError};
use crate::operand::{Input, Output};
use crate::scratch;
use crate::workers::{Shared, Team, Workers};
use crate::{eigen, factored, fft, matmul, orthogonal, search, select, solve, sort};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Parameters of all routines; each says which it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// `Fft` and its kin, `Sort` and its kin: the axis of the rows.
    pub axis: usize,
    /// Transforms: number of points. `Partition`: the index that comes into place. `TopK`: how many.
    pub n: usize,
    /// Transforms: factor of the result.
    pub scale: f64,
    /// `Qr`, `Svd`: square orthogonal factors rather than the thin ones.
    pub full: bool,
    /// `SolveTriangular`, `Eigh`, `Eigvalsh`: the triangle to read.
    pub lower: bool,
    /// `LuFactor`: the matrix is Hermitian, and expected to be positive definite.
    pub posdef: bool,
    /// `Sort`, `Argsort`: largest first (and then NaN first).
    pub descending: bool,
    /// `Searchsorted`: the position after equal elements rather than before.
    pub right: bool,
    /// `Gemm`: operand 2, of the shape of the result and in C order, is in its memory, and overwritten.
    pub over: bool,
    /// `Lstsq`: singular values below this part of the largest count as 0; `None` is NumPy's default.
    pub rcond: Option<f64>,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            axis: 0,
            n: 0,
            scale: 1.0,
            full: false,
            lower: true,
            posdef: false,
            descending: false,
            right: false,
            over: false,
            rcond: None,
        }
    }
}

/// What a plan is made from: everything about a call but its memory.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) params: &'a Params,
    /// Element type of operand 0.
    pub(crate) dtype: DType,
    pub(crate) shapes: &'a [&'a [usize]],
    /// False if sizes stand for all up to them, and what is needed must be enough for each.
    pub(crate) exact: bool,
}

/// Element type and shape of an array.
pub type Spec = (DType, Vec<usize>);

/// A call with everything known but its memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    routine: Routine,
    params: Params,
    dtype: DType,
    shapes: Vec<Vec<usize>>,
    /// The outputs, all C-ordered.
    pub outputs: Vec<Spec>,
    /// Bytes of workspace that [`Plan::run`] needs.
    pub workspace: usize,
    /// Bytes that the crates below may come to use on the heap during the call, beside the workspace: packing buffers,
    /// tables of twiddle factors. Most of it stays for later calls.
    pub hidden: usize,
    /// Independent pieces: matrices of a stack, rows along an axis.
    rows: usize,
    /// Pieces that a worker takes at a time, which depends on shapes alone.
    grain: usize,
    /// Bytes of workspace of one worker, if the workers share out rows.
    each: usize,
    /// Threads that share the work.
    workers: usize,
}

/// A family's answer, from which the plan follows.
pub(crate) struct Needs {
    pub(crate) outputs: Vec<Spec>,
    pub(crate) rows: usize,
    /// Rows that are worked on together.
    pub(crate) unit: usize,
    /// The routine shares its work out itself, in one call for all rows.
    pub(crate) shares: bool,
    /// Workspace: of one worker, or of the number given if the routine shares its work out itself.
    pub(crate) scratch: Box<dyn Fn(usize) -> usize>,
    /// Estimated nanoseconds for one row on one thread.
    pub(crate) work: f64,
    /// What the crates below may use on so many threads.
    pub(crate) hidden: Box<dyn Fn(usize) -> usize>,
}

/// A call under way.
pub(crate) struct Call<'a> {
    pub(crate) params: &'a Params,
    pub(crate) inputs: &'a [Input<'a>],
    pub(crate) outputs: &'a [Output<'a>],
    /// Threads of a routine that shares its work out itself.
    pub(crate) team: Team<'a>,
}

/// Runs rows with a workspace.
pub(crate) type RunRows = fn(&Call<'_>, Range<usize>, &mut [u8]) -> Result<(), LibraryError>;

/// One row of the table.
pub(crate) struct Row {
    routine: Routine,
    name: &'static str,
    inputs: usize,
    outputs: usize,
    needs: fn(&Problem<'_>) -> Result<Needs, LibraryError>,
    run: RunRows,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident $text:literal ($inputs:literal -> $outputs:literal) $needs:path, $run:path;)*) => {
        /// The routines. Leading axes are batch axes; `->` separates operands from results.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Routine { $($(#[$doc])* $name,)* }

        impl Routine {
            /// All routines.
            pub const ALL: &[Routine] = &[$(Routine::$name),*];
        }

        static ROWS: &[Row] = &[$(
            Row { routine: Routine::$name, name: $text, inputs: $inputs, outputs: $outputs, needs: $needs, run: $run },
        )*];
    };
}

table! {
    /// `a[.., m, k], b[.., k, n] -> c[.., m, n]`: `c = a b`. All element types; integers wrap around, bools combine by or
    /// and and. Batch axes broadcast.
    Matmul "matmul" (2 -> 1) matmul::needs, matmul::run;

    /// `a[.., m, k], b[.., k, n], c, alpha[], beta[] -> d[.., m, n]`: `d = alpha (a b) + beta c`, where `c` broadcasts to
    /// `d`. Each operation rounds: the result is that of the operations one by one, without their passes over memory.
    Gemm "gemm" (5 -> 1) matmul::gemm_needs, matmul::run;

    /// `a[.., n, n] -> x[.., n, n]`: `a x = 1`. Error `Singular matrix`.
    Inv "inv" (1 -> 1) solve::inv, solve::run_inv;
    /// As `Inv`, for a Hermitian matrix of which the lower triangle is read, by Cholesky; one that is not positive
    /// definite is read as a whole and inverted by LU.
    InvPosdef "inv_posdef" (1 -> 1) solve::inv_posdef, solve::run_inv_posdef;
    /// `a[.., n, n], b[.., n, k] -> x[.., n, k]`: `a x = b`; batch axes broadcast. Error `Singular matrix`.
    Solve "solve" (2 -> 1) solve::solve, solve::run_solve;
    /// As `Solve`, for a Hermitian matrix of which the lower triangle is read, by Cholesky; one that is not positive
    /// definite is read as a whole and solved by LU.
    SolvePosdef "solve_posdef" (2 -> 1) solve::posdef, solve::run_posdef;
    /// As `Solve`, for the triangle of `a` that `lower` says; the other is not read. Error `Singular matrix`.
    SolveTriangular "solve_triangular" (2 -> 1) solve::triangular, solve::run_triangular;
    /// `a[.., n, n] -> l[.., n, n]`: lower, `a = l l^H`; reads the lower triangle. Error `Matrix is not positive
    /// definite`.
    Cholesky "cholesky" (1 -> 1) solve::cholesky, solve::run_cholesky;
    /// `a[.., m, n] -> p[.., m, m] (real), l[.., m, k], u[.., k, n]`: `a = p l u`.
    Lu "lu" (1 -> 3) solve::lu, solve::run_lu;
    /// `a[.., n, n] -> lu[.., n, n], exchanges[.., n] (i64)`: `lu` holds `u`, and below its diagonal `l` without its
    /// diagonal of ones; `l u` is `a` after row `k` was exchanged with row `exchanges[k]`, for each `k` in order. If
    /// `posdef`, by Cholesky where that exists: then no rows are exchanged. Singular matrices have factors, too.
    LuFactor "lu_factor" (1 -> 2) factored::factor, factored::run_factor;
    /// `lu[.., n, n], exchanges[.., n] (i64), b[.., n, k] -> x[.., n, k]`: `a x = b`, given `LuFactor` of `a`. Error
    /// `Singular matrix`.
    LuSolve "lu_solve" (3 -> 1) factored::solve, factored::run_solve;
    /// `a[.., n, n] -> d[..]`.
    Det "det" (1 -> 1) solve::det, solve::run_det;
    /// `a[.., n, n] -> sign[..], log[..] (real)`.
    Slogdet "slogdet" (1 -> 2) solve::slogdet, solve::run_slogdet;

    /// `a[.., m, n] -> q[.., m, k], r[.., k, n]`: `a = q r`, where `k` is `m` if `full`, else the smaller of `m` and `n`.
    Qr "qr" (1 -> 2) orthogonal::qr, orthogonal::run_qr;
    /// `a[.., m, n] -> u[.., m, k], s[.., min(m, n)] (real), vh[.., l, n]`: `a = u diag(s) vh`, where `k` is `m` and `l`
    /// is `n` if `full`, else both are the smaller. Error `SVD did not converge`.
    Svd "svd" (1 -> 3) orthogonal::svd, orthogonal::run_svd;
    /// `a[.., m, n] -> s[.., min(m, n)] (real)`, descending. Error as `Svd`.
    Svdvals "svdvals" (1 -> 1) orthogonal::svdvals, orthogonal::run_svdvals;
    /// `a[m, n], b[m, k] -> x[n, k], residuals[k] (real), rank[] (i64), s[min(m, n)] (real)`: least `|b - a x|`, of all
    /// such `x` the shortest. Reads `rcond`. Residuals are given for every rank. Error as `Svd`.
    Lstsq "lstsq" (2 -> 4) orthogonal::lstsq, orthogonal::run_lstsq;
    /// `a[.., n, n] -> w[.., n] (real), v[.., n, n]`: `a v = v diag(w)` of the Hermitian matrix that the triangle `lower`
    /// says holds; ascending. Error `Eigenvalues did not converge`.
    Eigh "eigh" (1 -> 2) eigen::eigh, eigen::run_eigh;
    /// `a[.., n, n] -> w[.., n] (real)`, as `Eigh`.
    Eigvalsh "eigvalsh" (1 -> 1) eigen::eigvalsh, eigen::run_eigvalsh;
    /// `a[.., n, n] -> w[.., n], v[.., n, n]` (both complex): `a v = v diag(w)`. Errors `Array must not contain infs or
    /// NaNs`, `Eigenvalues did not converge`.
    Eig "eig" (1 -> 2) eigen::eig, eigen::run_eig;
    /// `a[.., n, n] -> w[.., n]` (complex), as `Eig`.
    Eigvals "eigvals" (1 -> 1) eigen::eigvals, eigen::run_eigvals;

    /// `x -> y`, complex: `y[k] = scale sum_j x[j] exp(-2 pi i j k / n)` along `axis`, of which `x` is cut or padded with
    /// zeros to `n`. Error for `n` of 0.
    Fft "fft" (1 -> 1) fft::fft, fft::run_fft;
    /// As `Fft`, with a positive exponent; not divided by `n` but for `scale`.
    Ifft "ifft" (1 -> 1) fft::ifft, fft::run_ifft;
    /// Real `x` -> the first `n / 2 + 1` points of its transform.
    Rfft "rfft" (1 -> 1) fft::rfft, fft::run_rfft;
    /// `n / 2 + 1` points of the transform of a real signal -> its `n` points; not divided by `n` but for `scale`.
    Irfft "irfft" (1 -> 1) fft::irfft, fft::run_irfft;

    /// `x -> y`, sorted along `axis`; stable; NaN last. Reads `descending`.
    Sort "sort" (1 -> 1) sort::sort, sort::run_sort;
    /// `x -> i (i64)`, the positions that sort along `axis`; stable. Reads `descending`.
    Argsort "argsort" (1 -> 1) sort::argsort, sort::run_argsort;
    /// `x -> y`: along `axis`, element `n` is where sorting would put it, and no element after it is smaller.
    Partition "partition" (1 -> 1) sort::partition, sort::run_partition;
    /// `x -> values, i (i64)`: along `axis`, the first `n` of `Sort` and `Argsort`. Reads `descending`.
    TopK "top_k" (1 -> 2) sort::top_k, sort::run_top_k;
    /// `x, kth (i64) -> y`: along `axis`, the elements of `Sort` at the positions `kth`, clipped to the axis. `kth` is a
    /// vector for all rows, or has the shape of `x` but for the axis. By quickselect (Musser, "Introspective sorting and
    /// selection algorithms", 1997), at once for all positions. Error for positions in an empty row.
    OrderStatistics "order_statistics" (2 -> 1) select::order_statistics, select::run_order_statistics;
    /// As `OrderStatistics`, of `Argsort`: `x, kth (i64) -> i (i64)`.
    ArgOrderStatistics "arg_order_statistics" (2 -> 1) select::arg_order_statistics, select::run_arg_order_statistics;
    /// `sorted[n], x[..] -> i[..] (i64)`: the first position where `x` keeps the order, or the last if `right`.
    Searchsorted "searchsorted" (2 -> 1) search::search_sorted, search::run_search_sorted;
    /// `x -> values[n], index[n], inverse[n], counts[n], size[] (all but values i64)` of the `n` elements of `x` in C
    /// order: the first `size` distinct values ascending, where each occurs first and how often, and for each element the
    /// position of its value. The rest of `values`, `index` and `counts` is 0. All NaN are one value.
    Unique "unique" (1 -> 5) search::unique, search::run_unique;
}

impl Routine {
    fn row(self) -> &'static Row {
        let row = &ROWS[self as usize];
        debug_assert_eq!(row.routine, self);
        row
    }

    /// NumPy's name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Number of operands.
    pub fn inputs(self) -> usize {
        self.row().inputs
    }

    /// Number of results.
    pub fn outputs(self) -> usize {
        self.row().outputs
    }

    /// Element type of operand `k`, where operand 0 has type `dtype`: the same, but for positions.
    pub fn operand(self, k: usize, dtype: DType) -> DType {
        let with_positions =
            matches!(self, Routine::OrderStatistics | Routine::ArgOrderStatistics | Routine::LuSolve);
        let positions = with_positions && k == 1;
        if positions { DType::I64 } else { dtype }
    }
}

/// Work that pays for its share of a dispatch to other threads, in nanoseconds.
const WORTH_SHARING: f64 = 30_000.0;

/// Boundaries of memory that workers write.
const ALIGN: usize = 64;

/// What the table's entry says.
fn needs(
    routine: Routine,
    params: &Params,
    dtype: DType,
    shapes: &[&[usize]],
    exact: bool,
) -> Result<Needs, LibraryError> {
    let row = routine.row();
    if shapes.len() != row.inputs {
        return Err(LibraryError::invalid(format!("{} takes {} operands", row.name, row.inputs)));
    }
    (row.needs)(&Problem { params, dtype, shapes, exact })
}

/// The most bytes of workspace, and of what the crates below allocate, of any call with sizes up to these.
///
/// # Errors
/// As [`plan`].
pub fn bound(
    routine: Routine,
    params: &Params,
    dtype: DType,
    shapes: &[&[usize]],
    threads: usize,
) -> Result<(usize, usize), LibraryError> {
    let needs = needs(routine, params, dtype, shapes, false)?;
    let threads = threads.max(1);
    let workspace = if needs.shares {
        (needs.scratch)(threads).next_multiple_of(ALIGN)
    } else {
        (needs.scratch)(1).next_multiple_of(ALIGN) * threads
    };
    Ok((workspace, (needs.hidden)(threads)))
}

/// What a call will need, on at most `threads` threads.
///
/// # Errors
/// Shapes, types or parameters that the routine does not take.
pub fn plan(
    routine: Routine,
    params: &Params,
    dtype: DType,
    shapes: &[&[usize]],
    threads: usize,
) -> Result<Plan, LibraryError> {
    let needs = needs(routine, params, dtype, shapes, true)?;
    let grain = (WORTH_SHARING / needs.work).ceil().clamp(1.0, needs.rows.max(1) as f64) as usize;
    let grain = grain.next_multiple_of(needs.unit);
    let blocks = if needs.shares {
        (needs.work / WORTH_SHARING).clamp(1.0, 1e9) as usize
    } else {
        needs.rows.div_ceil(grain)
    };
    let workers = threads.min(blocks).max(1);
    let (each, workspace) = if needs.shares {
        (0, (needs.scratch)(workers).next_multiple_of(ALIGN))
    } else {
        let each = (needs.scratch)(1).next_multiple_of(ALIGN);
        (each, each * workers)
    };
    Ok(Plan {
        routine,
        params: params.clone(),
        dtype,
        shapes: shapes.iter().map(|s| s.to_vec()).collect(),
        outputs: needs.outputs,
        workspace,
        hidden: (needs.hidden)(workers),
        rows: needs.rows,
        grain: if needs.shares { needs.rows.max(1) } else { grain },
        each,
        workers,
    })
}

/// Runs and turns panics into errors: none may cross into generated code.
fn guarded(f: impl FnOnce() -> Result<(), LibraryError>) -> Result<(), LibraryError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(LibraryError(format!("a library routine failed: {text}"), ErrorKind::Internal))
    })
}

impl Plan {
    /// Operands and results must be what was planned.
    fn check(&self, inputs: &[Input<'_>], outputs: &[Output<'_>]) -> Result<(), LibraryError> {
        let fits = inputs.len() == self.shapes.len()
            && inputs
                .iter()
                .zip(&self.shapes)
                .enumerate()
                .all(|(k, (i, s))| i.dtype() == self.routine.operand(k, self.dtype) && i.shape() == s);
        if !fits {
            return Err(LibraryError::invalid(format!(
                "the operands of {} are planned as {:?} {:?}",
                self.routine.name(),
                self.dtype,
                self.shapes
            )));
        }
        let fits = self.outputs.len() == outputs.len()
            && self.outputs.iter().zip(outputs).all(|((d, s), o)| o.dtype() == *d && o.shape() == s);
        if !fits {
            return Err(LibraryError::invalid(format!(
                "the results of {} are {:?}",
                self.routine.name(),
                self.outputs
            )));
        }
        Ok(())
    }

    /// Carries out the call. Results do not depend on the workers.
    ///
    /// The workspace needs [`Plan::workspace`] bytes, best aligned to 64.
    ///
    /// # Errors
    /// Operands or a workspace that do not fit the plan, and numerical errors (`Singular matrix`), of the first matrix
    /// that has one. After an error the outputs hold unspecified values.
    pub fn run(
        &self,
        inputs: &[Input<'_>],
        outputs: &[Output<'_>],
        workspace: &mut [u8],
        workers: &dyn Workers,
    ) -> Result<(), LibraryError> {
        self.check(inputs, outputs)?;
        let workspace = scratch::at_least(workspace, self.workspace)?;
        let run = self.routine.row().run;
        let team = Team { workers, count: self.workers };
        let blocks = self.rows.div_ceil(self.grain);
        if blocks < 2 || self.workers == 1 {
            // A routine that shares its work out has one block.
            let team = if self.each == 0 { team } else { Team::ALONE };
            let call = Call { params: &self.params, inputs, outputs, team };
            return guarded(|| run(&call, 0..self.rows, workspace));
        }
        let call = Call { params: &self.params, inputs, outputs, team: Team::ALONE };
        let area = Shared::new(workspace.as_mut_ptr());
        let failed = Mutex::new(None);
        team.run(blocks, |block, worker| {
            // SAFETY: each worker has a piece of its own.
            let mine =
                unsafe { std::slice::from_raw_parts_mut(area.get().add(worker * self.each), self.each) };
            let rows = block * self.grain..((block + 1) * self.grain).min(self.rows);
            if let Err(e) = guarded(|| run(&call, rows, mine)) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| block < *first) {
                    *failed = Some((block, e));
                }
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, e)) => Err(e),
            None => Ok(()),
        }
    }
}
