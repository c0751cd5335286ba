//! The table of routines, and the two questions asked of it: what will a call need, and carry it out.

use crate::dtype::DType;
use crate::error::{ErrorKind, LibraryError};
use crate::matmul;
use crate::operand::{Input, Output};
use crate::scratch;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Parameters of all routines; each says which it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// `Matmul`: factor of the product.
    pub alpha: f64,
    /// `Matmul`: factor of the output's previous value; 0 means that it is not read.
    pub beta: f64,
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
    /// `Sort`, `Argsort`: largest first (and then NaN first).
    pub descending: bool,
    /// `Searchsorted`: the position after equal elements rather than before.
    pub right: bool,
    /// `Lstsq`: singular values below this part of the largest count as 0; `None` is NumPy's default.
    pub rcond: Option<f64>,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            alpha: 1.0,
            beta: 0.0,
            axis: 0,
            n: 0,
            scale: 1.0,
            full: false,
            lower: true,
            descending: false,
            right: false,
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
    pub(crate) threads: usize,
}

/// Element type and shape of an array.
pub type Spec = (DType, Vec<usize>);

/// What a call needs, known before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The outputs, all C-ordered.
    pub outputs: Vec<Spec>,
    /// Independent pieces (matrices of a stack, rows along an axis), which [`run_rows`] takes ranges of.
    pub rows: usize,
    /// Bytes of workspace that one call of [`run_rows`] needs.
    pub row_workspace: usize,
    /// Bytes of workspace that [`run`] needs: one `row_workspace` for each worker.
    pub workspace: usize,
    /// Bytes that the crates below may hold on the heap during the call, beside the workspace: packing buffers, tables
    /// of twiddle factors. Most of it stays for later calls.
    pub hidden: usize,
    /// Threads among which [`run`] shares the rows out.
    pub workers: usize,
    /// Threads that one worker may use.
    pub inner: usize,
}

/// A family's answer, from which the plan follows.
pub(crate) struct Needs {
    pub(crate) outputs: Vec<Spec>,
    pub(crate) rows: usize,
    /// Workspace of one worker that may use the given number of threads.
    pub(crate) scratch: Box<dyn Fn(usize) -> usize>,
    /// Estimated nanoseconds for one row on one thread.
    pub(crate) work: f64,
    pub(crate) hidden: usize,
}

/// A call under way.
pub(crate) struct Call<'a> {
    pub(crate) params: &'a Params,
    pub(crate) inputs: &'a [Input<'a>],
    pub(crate) outputs: &'a [Output<'a>],
    /// Threads for one row.
    pub(crate) threads: usize,
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
    /// `a[.., m, k], b[.., k, n] -> c[.., m, n]`: `c = alpha a b + beta c`. All element types; integers wrap around,
    /// bools combine by or and and. Batch axes broadcast. Reads `alpha`, `beta` (integers: 1, and 0 or 1).
    Matmul "matmul" (2 -> 1) matmul::needs, matmul::run;
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
}

/// Handing work to another thread takes 15 to 20 microseconds; with less work than this (in nanoseconds), it does not pay.
const WORTH_SHARING: f64 = 60_000.0;

/// Boundaries of memory that workers write.
const ALIGN: usize = 64;

/// What a call will need. Costs about a microsecond and allocates only what it returns.
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
    let row = routine.row();
    if shapes.len() != row.inputs {
        return Err(LibraryError::invalid(format!("{} takes {} operands", row.name, row.inputs)));
    }
    let threads = threads.max(1);
    let needs = (row.needs)(&Problem { params, dtype, shapes, threads })?;
    let total = needs.work * needs.rows as f64;
    let threads = if total < WORTH_SHARING { 1 } else { threads };
    let workers = threads.min(needs.rows.max(1));
    let inner = threads / workers;
    let row_workspace = (needs.scratch)(inner).next_multiple_of(ALIGN);
    Ok(Plan {
        outputs: needs.outputs,
        rows: needs.rows,
        row_workspace,
        workspace: row_workspace * workers,
        hidden: needs.hidden,
        workers,
        inner,
    })
}

/// Bytes of workspace that [`run`] needs.
///
/// # Errors
/// As [`plan`].
pub fn workspace(
    routine: Routine,
    params: &Params,
    dtype: DType,
    shapes: &[&[usize]],
    threads: usize,
) -> Result<usize, LibraryError> {
    Ok(plan(routine, params, dtype, shapes, threads)?.workspace)
}

fn checked_plan(
    routine: Routine,
    params: &Params,
    inputs: &[Input<'_>],
    outputs: &[Output<'_>],
    threads: usize,
) -> Result<Plan, LibraryError> {
    let mut shapes: [&[usize]; 2] = [&[]; 2];
    if inputs.is_empty() || inputs.len() > shapes.len() {
        return Err(LibraryError::invalid(format!("{} operands", inputs.len())));
    }
    let dtype = inputs[0].dtype();
    for (shape, input) in shapes.iter_mut().zip(inputs) {
        *shape = input.shape();
        if input.dtype() != dtype {
            return Err(LibraryError::invalid("operands must have one type"));
        }
    }
    let plan = plan(routine, params, dtype, &shapes[..inputs.len()], threads)?;
    let fits = plan.outputs.len() == outputs.len()
        && plan.outputs.iter().zip(outputs).all(|((d, s), o)| o.dtype() == *d && o.shape() == s.as_slice());
    if !fits {
        return Err(LibraryError::invalid(format!(
            "the results of {} are {:?}",
            routine.name(),
            plan.outputs
        )));
    }
    Ok(plan)
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

/// Carries out a call with up to `threads` threads.
///
/// The workspace needs [`Plan::workspace`] bytes, best aligned to 64.
///
/// # Errors
/// Those of [`plan`], operands or a workspace that do not fit the plan, and numerical errors (`Singular matrix`).
/// After an error the outputs hold unspecified values.
pub fn run(
    routine: Routine,
    params: &Params,
    inputs: &[Input<'_>],
    outputs: &[Output<'_>],
    workspace: &mut [u8],
    threads: usize,
) -> Result<(), LibraryError> {
    let plan = checked_plan(routine, params, inputs, outputs, threads)?;
    let workspace = scratch::at_least(workspace, plan.workspace)?;
    let call = Call { params, inputs, outputs, threads: plan.inner };
    let run = routine.row().run;
    if plan.workers == 1 {
        return guarded(|| run(&call, 0..plan.rows, workspace));
    }
    let cut = |worker: usize| worker * plan.rows / plan.workers;
    let mut results = vec![Ok(()); plan.workers];
    let mut rest = workspace;
    rayon::in_place_scope(|scope| {
        let mut own = None;
        for (worker, result) in results.iter_mut().enumerate() {
            let (mine, others) = std::mem::take(&mut rest).split_at_mut(plan.row_workspace);
            rest = others;
            let (call, range) = (&call, cut(worker)..cut(worker + 1));
            let task = move || *result = guarded(|| run(call, range, mine));
            if worker == 0 { own = Some(task) } else { scope.spawn(move |_| task()) }
        }
        // The calling thread does its share too.
        if let Some(task) = own {
            task();
        }
    });
    results.into_iter().collect()
}

/// Carries out a range of a call's rows on the calling thread, for callers that schedule rows themselves.
///
/// The workspace needs [`Plan::row_workspace`] bytes, of a plan for one thread.
///
/// # Errors
/// As [`run`].
pub fn run_rows(
    routine: Routine,
    params: &Params,
    inputs: &[Input<'_>],
    outputs: &[Output<'_>],
    workspace: &mut [u8],
    rows: Range<usize>,
) -> Result<(), LibraryError> {
    let plan = checked_plan(routine, params, inputs, outputs, 1)?;
    if rows.end > plan.rows {
        return Err(LibraryError::invalid(format!("rows {rows:?} of {}", plan.rows)));
    }
    let workspace = scratch::at_least(workspace, plan.row_workspace)?;
    let call = Call { params, inputs, outputs, threads: 1 };
    guarded(|| (routine.row().run)(&call, rows, workspace))
}
