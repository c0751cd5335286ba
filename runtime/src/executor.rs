//! Runs a bound program: memory in and out of the pool, kernels over blocks, library calls.

use crate::bind::{Binder, Bound, BoundBody, BoundCall, BoundLaunch, BoundStep, BoundView};
use crate::pool::{OwnedBuffer, Pool};
use crate::threads::Threads;
use crate::{RuntimeError, library};
use frit_codegen::CompiledKernel;
use frit_ir::kernel::Fault;
use frit_ir::plan::{BufferSource, Origin};
use frit_ir::{DType, Symbol};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Asks running programs to stop; looked at between blocks.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops every run that was given this token.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happens during a run, in order.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A kernel or routine begins.
    Start {
        /// The op and line.
        origin: &'a Origin,
    },
    /// It has ended.
    End {
        /// The op and line.
        origin: &'a Origin,
        /// Duration.
        nanoseconds: u64,
    },
    /// Memory was taken; bytes now in use by this run.
    Memory {
        /// Bytes.
        current: usize,
    },
}

/// A subscriber to events.
type Observer<'a> = &'a RefCell<dyn FnMut(Event<'_>) + 'a>;

/// Choices for one run.
#[derive(Clone, Default)]
pub struct Run<'a> {
    /// Stops the run when set.
    pub cancel: Option<Cancel>,
    /// Told what happens.
    pub observer: Option<Observer<'a>>,
    /// Workers to share blocks with; those of the process if not given.
    pub threads: Option<&'a Threads>,
}

/// A result: C-ordered memory of the pool.
#[derive(Debug)]
pub struct Output {
    /// Memory.
    pub buffer: OwnedBuffer,
    /// Element type.
    pub dtype: DType,
    /// Shape.
    pub shape: Vec<usize>,
}

/// Memory of one run.
struct State<'a, 'o> {
    bound: &'a Bound,
    kernels: &'a [CompiledKernel],
    run: &'a Run<'o>,
    threads: &'a Threads,
    pointers: Vec<*mut u8>,
    owned: Vec<Option<OwnedBuffer>>,
    /// Indices of the loops of the plan that are running, outermost first.
    indices: Vec<(Symbol, i64)>,
    current: usize,
    peak: usize,
}

/// Shares a raw address among workers.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);
// SAFETY: workers read the same argument block and write disjoint scratch.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

impl Bound {
    /// Runs the program. Returns its results and the peak bytes that it took from the pool.
    ///
    /// # Safety
    /// `inputs` must hold one address per plan input, of arrays with the shapes and strides given to
    /// [`crate::Program::bind`], readable for the duration of the call.
    pub unsafe fn run(
        &self,
        inputs: &[*const u8],
        run: &Run<'_>,
    ) -> Result<(Vec<Output>, usize), RuntimeError> {
        let plan = &self.program.plan;
        let mut s = State {
            bound: self,
            kernels: self.program.kernels()?,
            run,
            threads: run.threads.unwrap_or_else(|| Threads::global()),
            pointers: vec![std::ptr::null_mut(); plan.buffers.len()],
            owned: (0..plan.buffers.len()).map(|_| None).collect(),
            indices: vec![],
            current: 0,
            peak: 0,
        };
        for (i, b) in plan.buffers.iter().enumerate() {
            match &b.source {
                BufferSource::Input(k) => s.pointers[i] = inputs[*k].cast_mut(),
                BufferSource::Constant(data) => s.pointers[i] = data.bytes.as_ptr().cast_mut(),
                BufferSource::Temporary | BufferSource::Output => {}
            }
        }
        s.steps(&self.steps)?;
        let outputs = self
            .outputs
            .iter()
            .map(|o| {
                let buffer =
                    s.owned[o.buffer.0 as usize].take().expect("a verified plan allocates its results");
                Output { buffer, dtype: o.dtype, shape: o.shape.clone() }
            })
            .collect();
        Ok((outputs, s.peak))
    }
}

impl State<'_, '_> {
    fn steps(&mut self, steps: &[BoundStep]) -> Result<(), RuntimeError> {
        steps.iter().try_for_each(|s| self.step(s))
    }

    fn cancelled(&self) -> bool {
        self.run.cancel.as_ref().is_some_and(Cancel::is_set)
    }

    fn take(&mut self, bytes: usize, origin: &Origin) -> Result<OwnedBuffer, RuntimeError> {
        let buffer = Pool::global()
            .take(bytes)
            .ok_or_else(|| RuntimeError::OutOfMemory { bytes, origin: origin.clone() })?;
        self.grow(buffer.size());
        Ok(buffer)
    }

    fn grow(&mut self, bytes: usize) {
        self.current += bytes;
        self.peak = self.peak.max(self.current);
        if let (Some(observer), true) = (self.run.observer, bytes > 0) {
            (observer.borrow_mut())(Event::Memory { current: self.current });
        }
    }

    fn step(&mut self, step: &BoundStep) -> Result<(), RuntimeError> {
        if self.cancelled() {
            return Err(RuntimeError::Cancelled);
        }
        match step {
            BoundStep::Alloc(b, bytes) => {
                let buffer = self.take(*bytes, &self.bound.program.plan.buffer(*b).origin)?;
                self.pointers[b.0 as usize] = buffer.as_ptr();
                self.owned[b.0 as usize] = Some(buffer);
            }
            BoundStep::Free(b) => {
                self.current -= self.owned[b.0 as usize].take().map_or(0, |o| o.size());
            }
            BoundStep::Launch(l) => self.observed(&l.origin, |s| s.launch(l))?,
            BoundStep::Library(c) => self.observed(&c.origin, |s| s.library(c))?,
            BoundStep::Swap(a, b) => {
                self.pointers.swap(a.0 as usize, b.0 as usize);
                self.owned.swap(a.0 as usize, b.0 as usize);
            }
            BoundStep::For { lo, hi, body: BoundBody::Once(body) } => {
                (*lo..*hi).try_for_each(|_| self.steps(body))?;
            }
            BoundStep::For { lo, hi, body: BoundBody::Each(index, body) } => {
                let mut env = self.bound.env.clone();
                env.extend(self.indices.iter().cloned());
                let mut binder = Binder { program: &self.bound.program, env, threads: self.bound.threads };
                for i in *lo..*hi {
                    binder.env.insert(index.clone(), i);
                    let steps = binder.steps(body)?;
                    // Loops inside bind their bodies as they run.
                    self.indices.push((index.clone(), i));
                    let result = self.steps(&steps);
                    self.indices.pop();
                    result?;
                }
            }
            BoundStep::While { cond, test, body } => loop {
                self.steps(cond)?;
                if !self.test(test) {
                    break;
                }
                self.steps(body)?;
            },
            BoundStep::If { test, then, otherwise } => {
                let branch = if self.test(test) { then } else { otherwise };
                self.steps(branch)?;
            }
        }
        Ok(())
    }

    fn observed(
        &mut self,
        origin: &Origin,
        f: impl FnOnce(&mut Self) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let Some(observer) = self.run.observer else { return f(self) };
        (observer.borrow_mut())(Event::Start { origin });
        let start = std::time::Instant::now();
        f(self)?;
        (observer.borrow_mut())(Event::End { origin, nanoseconds: start.elapsed().as_nanos() as u64 });
        Ok(())
    }

    fn test(&self, v: &BoundView) -> bool {
        let p = self.pointers[v.buffer.0 as usize];
        // SAFETY: a verified plan fills the 0-d bool before it is tested.
        unsafe { *p.offset(v.offset as isize) != 0 }
    }

    fn launch(&mut self, l: &BoundLaunch) -> Result<(), RuntimeError> {
        let code = &self.kernels[l.kernel];
        let mut words = l.words.clone();
        for (word, (buffer, offset)) in words.iter_mut().zip(&l.addresses) {
            *word = (self.pointers[buffer.0 as usize] as i64 + offset) as u64;
        }
        for (word, zeros) in &l.zeros {
            words[*word] = zeros.as_ptr() as u64;
        }
        let scratch = if l.scratch > 0 { Some(self.take(l.scratch * l.workers, &l.origin)?) } else { None };
        let base = scratch.as_ref().map_or(std::ptr::null_mut(), OwnedBuffer::as_ptr);
        let cancel = self.run.cancel.as_ref();
        let alone = l.blocks == 1 || self.bound.threads == 1 && cancel.is_none();
        let status = if alone {
            // A parallel loop over an empty range has no iteration.
            // SAFETY: the plan was verified against its buffers' sizes; the block holds every argument.
            unsafe { code.call(words.as_ptr(), base, 0, l.parallel) }
        } else {
            let failed = AtomicU64::new(0);
            let (args, base) = (Shared(words.as_mut_ptr()), Shared(base));
            self.threads.run(l.blocks, l.workers, &|block, worker| {
                if cancel.is_some_and(Cancel::is_set) {
                    return;
                }
                let lo = block as i64 * l.grain;
                let hi = (lo + l.grain).min(l.parallel);
                let scratch = base.get().wrapping_add(worker * l.scratch);
                // SAFETY: as above; each worker has scratch of its own, and blocks write disjoint elements.
                let status = unsafe { code.call(args.get(), scratch, lo, hi) };
                failed.fetch_max(status, Ordering::Relaxed);
            });
            failed.into_inner()
        };
        if let Some(scratch) = scratch {
            self.current -= scratch.size();
        }
        if self.cancelled() {
            return Err(RuntimeError::Cancelled);
        }
        match Fault::from_status(status) {
            Some(fault) => Err(RuntimeError::Fault { fault, origin: l.origin.clone() }),
            None => Ok(()),
        }
    }

    fn library(&mut self, c: &BoundCall) -> Result<(), RuntimeError> {
        let (bytes, hidden) = c.memory();
        let workspace = if bytes > 0 { Some(self.take(bytes, &c.origin)?) } else { None };
        let _reserved = Pool::global().reserve(hidden);
        self.grow(hidden);
        let area: &mut [u8] = match &workspace {
            // SAFETY: a block of the pool that nothing else uses. Its bytes are arbitrary, and routines write what they
            // read.
            Some(w) => unsafe { std::slice::from_raw_parts_mut(w.as_ptr(), w.size()) },
            None => &mut [],
        };
        // SAFETY: a verified plan allocates what its steps use, and results share memory with what they overwrite only.
        let result = unsafe { library::run(c, &self.pointers, area, self.threads) };
        self.current -= hidden + workspace.as_ref().map_or(0, OwnedBuffer::size);
        result.map_err(|message| RuntimeError::Library { message, origin: c.origin.clone() })
    }
}
