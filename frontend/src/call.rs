//! Calls: programs bound to shapes, kept per signature of the arguments.

use crate::argument::Raw;
use crate::error::Error;
use crate::jit::{Config, compile};
use crate::tensor::Tensor;
use frit_ir::plan::Layout;
use frit_ir::{DType, Graph};
use frit_runtime::{Bound, Run, threads::Threads};
use std::sync::{Arc, Mutex, PoisonError};

/// What a program is bound to, and the program.
struct Entry {
    signature: Vec<(DType, Vec<usize>, Vec<isize>, Layout)>,
    bound: Arc<Bound>,
}

impl Entry {
    fn fits(&self, arguments: &[Raw<'_>]) -> bool {
        self.signature.len() == arguments.len()
            && self.signature.iter().zip(arguments).all(|((dtype, shape, strides, layout), a)| {
                *dtype == a.dtype
                    && shape == a.shape
                    && *layout == a.layout
                    && (*layout == Layout::Contiguous || strides == a.strides)
            })
    }
}

/// Signatures kept per function; the oldest is dropped.
const MOST_SIGNATURES: usize = 64;

/// The programs of one function.
pub(crate) struct Calls {
    pub(crate) config: Config,
    entries: Mutex<Vec<Arc<Entry>>>,
}

impl Calls {
    pub(crate) fn new(config: Config) -> Calls {
        Calls { config, entries: Mutex::default() }
    }

    /// Threads that runs share work among.
    pub(crate) fn threads(&self) -> usize {
        match self.config.threads {
            0 => Threads::global().count(),
            n => n.min(Threads::global().count()),
        }
    }

    /// The program for the arguments' signature; `graph` makes one for a new signature.
    pub(crate) fn bound(
        &self,
        arguments: &[Raw<'_>],
        graph: impl FnOnce() -> Result<Graph, Error>,
    ) -> Result<Arc<Bound>, Error> {
        let lock = || self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Latest first.
        if let Some(e) = lock().iter().rev().find(|e| e.fits(arguments)) {
            return Ok(e.bound.clone());
        }
        let layouts: Vec<Layout> = arguments.iter().map(|a| a.layout).collect();
        let report = compile(&graph()?, &layouts, &self.config)?;
        let shapes: Vec<(&[usize], &[isize])> = arguments.iter().map(|a| (a.shape, a.strides)).collect();
        let bound = Arc::new(report.fit(&shapes, self.threads(), self.config.memory_limit)?.bound);
        let signature =
            arguments.iter().map(|a| (a.dtype, a.shape.to_vec(), a.strides.to_vec(), a.layout)).collect();
        let mut entries = lock();
        if entries.len() >= MOST_SIGNATURES {
            entries.remove(0);
        }
        entries.push(Arc::new(Entry { signature, bound: bound.clone() }));
        Ok(bound)
    }

    /// Runs; the results and the measured peak bytes.
    pub(crate) fn run(
        &self,
        arguments: &[Raw<'_>],
        run: &Run<'_>,
        graph: impl FnOnce() -> Result<Graph, Error>,
    ) -> Result<(Vec<Tensor>, usize), Error> {
        let bound = self.bound(arguments, graph)?;
        // Few arguments are the rule: no allocation for them.
        let mut few = [std::ptr::null(); 8];
        for (slot, a) in few.iter_mut().zip(arguments) {
            *slot = a.pointer;
        }
        let many: Vec<*const u8>;
        let pointers = if arguments.len() <= few.len() {
            &few[..arguments.len()]
        } else {
            many = arguments.iter().map(|a| a.pointer).collect();
            &many
        };
        // SAFETY: the arguments are borrowed for the call, and the program is bound to their shapes and strides.
        let (outputs, peak) = unsafe { bound.run(pointers, run) }?;
        Ok((outputs.into_iter().map(Tensor).collect(), peak))
    }
}
