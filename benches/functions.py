"""Functions of installed packages, as they are, under `frit.jit` and alone; and what a call of frit itself takes.

    pip install . scipy scikit-image colour-science pvlib astropy pymap3d numpy-financial statsmodels lmfit trimesh
    python benches/functions.py

Prints a table in Markdown: median time of a warm call against NumPy's, how it ran, fallbacks, and the projected peak.
"""

import importlib
import inspect
import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np

import frit

R = np.random.default_rng(3)


def u(lo, hi, *shape):
    return R.uniform(lo, hi, shape)


#: Where the function is, and its arguments.
FUNCTIONS = {
    "skimage.color:rgb2lab": lambda: [u(0, 1, 512, 512, 3)],
    "skimage.color:rgb2gray": lambda: [u(0, 1, 512, 512, 3)],
    "skimage.exposure:adjust_sigmoid": lambda: [u(0, 1, 1024, 1024)],
    "skimage.transform:integral_image": lambda: [u(0, 1, 1024, 1024)],
    "colour:XYZ_to_Lab": lambda: [u(0.1, 0.9, 256, 256, 3)],
    "pvlib.irradiance:aoi": lambda: [20.0, 180.0, u(0, 90, 400000), u(0, 360, 400000)],
    "pvlib.irradiance:haydavies": lambda: [20.0, 180.0, u(0, 300, 300000), u(0, 900, 300000), u(1300, 1400, 300000), u(1, 80, 300000), u(0, 360, 300000)],
    "astropy.coordinates.angles:angular_separation": lambda: [u(-3, 3, 500000), u(-1.5, 1.5, 500000), u(-3, 3, 500000), u(-1.5, 1.5, 500000)],
    "astropy.stats:mad_std": lambda: [u(0, 1, 2000, 400)],
    "pymap3d:geodetic2ecef": lambda: [u(-80, 80, 300000), u(-180, 180, 300000), u(0, 9000, 300000)],
    "statsmodels.robust.norms:TukeyBiweight().rho": lambda: [u(-9, 9, 1000000)],
    "scipy.special:logsumexp": lambda: [u(-5, 5, 1000000)],
    "scipy.special:softmax": lambda: [u(-5, 5, 1000000)],
    "scipy.stats:zscore": lambda: [u(0, 9, 1000, 1000)],
    "lmfit.lineshapes:pvoigt": lambda: [u(-9, 9, 1000000)],
    "trimesh.triangles:angles": lambda: [u(-1, 1, 100000, 3, 3)],
}


def load(path):
    module, name = path.split(":")
    return eval(f"m.{name}", {"m": importlib.import_module(module)})


def median(f, arguments, repeat=9):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        f(*arguments)
        times.append(time.perf_counter() - start)
    return sorted(times)[repeat // 2] * 1e3


def ran_python(f, compiled, arguments):
    code, ran = getattr(inspect.unwrap(f), "__code__", None), []
    sys.setprofile(lambda frame, event, _: ran.append(1) if event == "call" and frame.f_code is code else None)
    try:
        compiled(*arguments)
    finally:
        sys.setprofile(None)
    return bool(ran)


def functions():
    print("| function | NumPy | frit | ratio | runs | falls back | projected peak |\n|---|---|---|---|---|---|---|")
    ratios = []
    for path, make in FUNCTIONS.items():
        f, arguments = load(path), make()
        compiled = frit.jit(f)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            np.testing.assert_allclose(compiled(*arguments), f(*arguments), rtol=1e-9, atol=1e-12)
            compiled(*arguments)
        told = sum(issubclass(w.category, frit.FallbackWarning) for w in told)
        how = "its Python, with compiled parts" if ran_python(f, compiled, arguments) else "compiled"
        alone, ours = median(f, arguments), median(compiled, arguments)
        ratios.append(alone / ours)
        try:
            peak = f"{compiled.memory(*arguments).peak_bytes / 2**20:.1f} MiB"
        except RuntimeError:
            peak = "-"
        print(f"| {path} | {alone:.2f} ms | {ours:.2f} ms | {ratios[-1]:.2f} | {how} | {told} | {peak} |", flush=True)
    print(f"\nGeometric mean over NumPy: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}\n")


def straight(n):
    """A function of `n` operations in a row."""
    steps = ["a + y", "np.sin(a)", "a * x", "np.maximum(a, y)", "a - 0.5"]
    lines = ["def f(x, y):", " a = x", *[f" a = {steps[k % 5]}" for k in range(n)], " return a"]
    space = {"np": np}
    exec("\n".join(lines), space)
    return space["f"]


def overheads():
    x = np.arange(8.0)
    print("| figure | measured |\n|---|---|")
    code = "import time, numpy; t = time.perf_counter(); import frit; print(time.perf_counter() - t)"
    seconds = sorted(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7))[3]
    print(f"| importing frit, beyond NumPy | {seconds * 1e3:.0f} ms |")
    for n in (20, 1000):
        times = []
        for _ in range(5):
            f = frit.jit(straight(n))
            start = time.perf_counter()
            f(x, x + 1)
            times.append((time.perf_counter() - start) * 1e3)
        print(f"| first call of {n} operations (the first in the process; then) | {times[0]:.1f} ms; {sorted(times)[1]:.1f} ms |")
    for name, f in {"one operation": lambda x: x * 2 + 1, "a decision of Python": lambda x: x * 2 if x.sum() > 0 else x}.items():
        f = frit.jit(f)
        f(x), f(x)
        best = min(median(lambda: [f(x) for _ in range(1000)], ()) for _ in range(5))
        print(f"| warm call on 8 elements, {name} | {best:.2f} us |")
    print(f"| Ctrl-C until the exception, within one kernel; within one LAPACK routine | {interrupts()} |")


def interrupts():
    """Milliseconds from the signal to `KeyboardInterrupt`, the worst of five."""
    worst = []
    x = np.linspace(0, 1, 200_000)
    programs = [(frit.jit(lambda x: np.abs(x[:, None] - x[None, :]).sum(axis=1)), x), (frit.jit(np.linalg.inv), np.random.default_rng(0).normal(size=(3000, 3000)))]
    for f, x in programs:
        f.explain(x)
        times = []
        for _ in range(5):
            sent = []
            timer = threading.Timer(0.15, lambda: (sent.append(time.perf_counter()), os.kill(os.getpid(), signal.SIGINT)))
            timer.start()
            try:
                f(x)
            except KeyboardInterrupt:
                times.append((time.perf_counter() - sent[0]) * 1e3)
            timer.join()
        worst.append(f"{max(times):.0f} ms")
    return "; ".join(worst)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    overheads()
    print()
    functions()
