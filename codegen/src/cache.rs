//! The kernel cache: kernels with the same structure share code.

use crate::{Backend, CodegenError, CompiledKernel};
use frit_ir::kernel::Kernel;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

/// Counts since the cache was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheStats {
    /// Kernels compiled.
    pub compiled: u64,
    /// Requests answered without compiling.
    pub hits: u64,
}

/// Compiled kernels by structure. It grows with the number of different structures, which a program's source bounds;
/// shapes and names are no part of the key. Clones share their kernels.
#[derive(Clone)]
pub struct Cache {
    backend: Arc<dyn Backend>,
    table: Arc<Mutex<Table>>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({})", self.backend.name())
    }
}

/// Kernels with one hash: bodies are compared, so a collision cannot give wrong code.
type Slot = Vec<(Arc<Kernel>, CompiledKernel)>;

#[derive(Default)]
struct Table {
    kernels: HashMap<u64, Slot>,
    stats: CacheStats,
}

fn same(a: &Kernel, b: &Kernel) -> bool {
    a.buffers == b.buffers
        && a.sizes == b.sizes
        && a.scratch == b.scratch
        && a.vars == b.vars
        && a.vals == b.vals
        && a.body == b.body
}

fn hash(k: &Kernel) -> u64 {
    // Lowering names loops and sizes by position, so equal structures have equal text throughout. The body counts too:
    // a large program has thousands of kernels that differ in a constant only.
    let mut h = DefaultHasher::new();
    (&k.buffers, &k.sizes, &k.scratch, &k.vars, &k.vals, &k.body).hash(&mut h);
    h.finish()
}

impl Cache {
    /// An empty cache in front of a backend.
    pub fn new(backend: Arc<dyn Backend>) -> Cache {
        Cache { backend, table: Arc::default() }
    }

    /// The backend.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The code of a kernel, compiled now if no equal one was.
    pub fn get(&self, kernel: &Arc<Kernel>) -> Result<CompiledKernel, CodegenError> {
        let key = hash(kernel);
        let lock = || self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        {
            let mut table = lock();
            let hit = table.kernels.get(&key).and_then(|s| s.iter().find(|(k, _)| same(k, kernel)));
            if let Some((_, code)) = hit {
                let code = code.clone();
                table.stats.hits += 1;
                return Ok(code);
            }
        }
        // Compiled outside the lock: two threads may compile the same kernel once each.
        let code = self.backend.compile(kernel)?;
        let mut table = lock();
        table.stats.compiled += 1;
        table.kernels.entry(key).or_default().push((kernel.clone(), code.clone()));
        Ok(code)
    }

    /// Counts.
    pub fn stats(&self) -> CacheStats {
        self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner).stats
    }
}
