//! placeholder
use crate::*;
/// The kernel interpreter.
pub struct Interpreter;
impl Backend for Interpreter {
    fn name(&self) -> &'static str {
        "interp"
    }
    fn compile(&self, kernel: &Kernel) -> Result<CompiledKernel, CodegenError> {
        Err(CodegenError::Host(kernel.name.clone()))
    }
}
