//! Running without the GIL, and interrupting it.
//!
//! Python delivers signals to its main thread only, and only between its own instructions. A run that may take long is
//! therefore given to a thread of its own, while the main thread looks for signals. When one raises, the run is
//! cancelled; what does not stop at once (a library routine, one long block) is left behind: it holds
//! references to its arguments, writes only its own memory, and ends on its own.

use crate::arrays::Memory;
use crate::program::{Ready, RunError};
use frit_runtime::{Cancel, Output, Run, RuntimeError};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Runs estimated below this, in nanoseconds, are not interrupted: a thread costs about 20 microseconds, and the
/// estimate is within a factor of ten.
const SHORT: f64 = 2e6;
/// How often the main thread looks for signals.
const LOOK: Duration = Duration::from_millis(10);
/// How long a cancelled run may take to stop before it is left behind.
const GRACE: Duration = Duration::from_millis(30);

type Outcome = Result<Vec<Output>, RuntimeError>;

fn failed(e: RuntimeError) -> PyErr {
    RunError::new_err(e.to_string())
}

/// Runs a bound program on arrays that `owners` keep alive.
pub(crate) fn run(
    py: Python<'_>,
    ready: &Arc<Ready>,
    arguments: &[Memory<'_>],
    owners: impl FnOnce() -> Vec<Py<PyAny>>,
) -> PyResult<Vec<Output>> {
    let addresses: Vec<usize> = arguments.iter().map(|m| m.pointer as usize).collect();
    if ready.bound.nanoseconds() < SHORT || !is_main_thread(py)? {
        return py.detach(|| call(ready, &addresses, None)).map_err(failed);
    }
    let (cancel, ready, owners) = (Cancel::default(), ready.clone(), owners());
    // With the arguments, which the caller lets go: dropped elsewhere, they would be freed when Python next looks, and
    // take memory meanwhile.
    let (send, receive) = sync_channel::<(Outcome, Vec<Py<PyAny>>)>(1);
    let token = cancel.clone();
    let work = move || {
        let outcome = call(&ready, &addresses, Some(token));
        // Nobody waits any more for a run that was left behind.
        let _ = send.send((outcome, owners));
    };
    std::thread::Builder::new().name(String::from("frit-run")).spawn(work)?;
    let receive = std::sync::Mutex::new(receive);
    let wait = |time: Duration| {
        py.detach(|| receive.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv_timeout(time))
    };
    loop {
        match wait(LOOK) {
            Ok((outcome, _owners)) => return outcome.map_err(failed),
            Err(RecvTimeoutError::Disconnected) => return Err(RunError::new_err("the run panicked")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(e) = py.check_signals() {
            cancel.cancel();
            let _ = wait(GRACE);
            return Err(explained(py, e));
        }
    }
}

fn call(ready: &Ready, addresses: &[usize], cancel: Option<Cancel>) -> Outcome {
    let pointers: Vec<*const u8> = addresses.iter().map(|a| *a as *const u8).collect();
    let run = Run { cancel, ..Run::default() };
    // SAFETY: the caller holds references to arrays of the shapes and strides that the program is bound to.
    unsafe { ready.bound.run(&pointers, &run) }.map(|(outputs, _)| outputs)
}

/// True in the thread that Python delivers signals to.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import(pyo3::intern!(py, "threading"))?;
    let main = threading.call_method0(pyo3::intern!(py, "main_thread"))?;
    let here = threading.call_method0(pyo3::intern!(py, "get_ident"))?;
    main.getattr(pyo3::intern!(py, "ident"))?.eq(here)
}

/// Python's own `KeyboardInterrupt` has no text; this one says what became of the arguments.
fn explained(py: Python<'_>, e: PyErr) -> PyErr {
    let silent = e.value(py).getattr("args").and_then(|a| a.is_truthy()).is_ok_and(|t| !t);
    if e.get_type(py).is(py.get_type::<PyKeyboardInterrupt>()) && silent {
        return PyKeyboardInterrupt::new_err(
            "interrupted while compiled code ran: its arguments are unchanged",
        );
    }
    e
}
