//! The default tier: Cranelift.
//!
//! Optimization is off in Cranelift: lowering has already merged and hoisted, and the order in which interleaved
//! chains are emitted here survives only without the mid-end, which sinks pure instructions back together.

mod address;
mod emit;
mod prim;
mod simd;

use crate::{Backend, Code, CodegenError, CompiledKernel, Scratch};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, ir};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use frit_ir::kernel::Kernel;
use std::sync::{Arc, Mutex};

/// The Cranelift backend for this machine.
pub struct Cranelift {
    isa: OwnedTargetIsa,
}

impl Cranelift {
    /// Detects the machine.
    pub fn new() -> Result<Cranelift, CodegenError> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "none"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("unwind_info", "false"),
        ] {
            flags.set(name, value).map_err(|e| CodegenError::Host(e.to_string()))?;
        }
        let isa = cranelift_native::builder()
            .map_err(|e| CodegenError::Host(e.to_string()))?
            .finish(settings::Flags::new(flags))
            .map_err(|e| CodegenError::Host(e.to_string()))?;
        Ok(Cranelift { isa })
    }
}

/// Code of one kernel, with the memory it lives in.
struct JitCode {
    entry: crate::Entry,
    size: usize,
    kernel: Kernel,
    isa: OwnedTargetIsa,
    /// Emptied on drop, which frees the code. The mutex is only there to make the module shareable.
    module: Mutex<Option<JITModule>>,
}

impl Drop for JitCode {
    fn drop(&mut self) {
        let module = self.module.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(module) = module {
            // SAFETY: calls go through an `Arc` of this code, so none is running and none can follow.
            unsafe { module.free_memory() }
        }
    }
}

impl Code for JitCode {
    unsafe fn call(&self, args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64 {
        // SAFETY: passed on to the caller.
        unsafe { (self.entry)(args, scratch, lo, hi) }
    }

    fn ir_text(&self) -> String {
        function(&*self.isa, &self.kernel, &mut FunctionBuilderContext::new()).display().to_string()
    }

    fn asm_text(&self) -> String {
        let mut context =
            Context::for_function(function(&*self.isa, &self.kernel, &mut FunctionBuilderContext::new()));
        context.set_disasm(true);
        match context.compile(&*self.isa, &mut Default::default()) {
            Ok(code) => code.vcode.clone().unwrap_or_default(),
            Err(e) => format!("{:?}", e.inner),
        }
    }

    fn size(&self) -> usize {
        self.size
    }
}

fn function(isa: &dyn TargetIsa, kernel: &Kernel, builder: &mut FunctionBuilderContext) -> ir::Function {
    let mut f = ir::Function::new();
    f.signature = emit::signature(isa);
    emit::emit(isa, kernel, &mut f, builder);
    f
}

impl Backend for Cranelift {
    fn name(&self) -> &'static str {
        "cranelift"
    }

    fn compile(&self, kernel: &Kernel) -> Result<CompiledKernel, CodegenError> {
        let staged = crate::stage::stage(kernel);
        let fail = |message: String| CodegenError::Backend {
            backend: "cranelift",
            kernel: kernel.name.clone(),
            message,
        };
        let mut module = JITModule::new(JITBuilder::with_isa(self.isa.clone(), default_libcall_names()));
        let id = module
            .declare_function("kernel", Linkage::Export, &emit::signature(&*self.isa))
            .map_err(|e| fail(e.to_string()))?;
        let mut context =
            Context::for_function(function(&*self.isa, &staged, &mut FunctionBuilderContext::new()));
        module.define_function(id, &mut context).map_err(|e| fail(format!("{e:?}")))?;
        let size = context.compiled_code().map_or(0, |c| c.code_info().total_size as usize);
        module.finalize_definitions().map_err(|e| fail(e.to_string()))?;
        let address = module.get_finalized_function(id);
        // SAFETY: the function was defined with exactly this signature.
        let entry = unsafe { std::mem::transmute::<*const u8, crate::Entry>(address) };
        let code = JitCode {
            entry,
            size,
            kernel: staged.clone(),
            isa: self.isa.clone(),
            module: Mutex::new(Some(module)),
        };
        Ok(CompiledKernel::new(&staged, Arc::new(code)))
    }

    fn scratch(&self, kernel: &Kernel) -> Scratch {
        Scratch::of(&crate::stage::stage(kernel))
    }
}
