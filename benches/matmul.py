"""GFLOP/s of NumPy's matrix product: OPENBLAS_NUM_THREADS=1 python benches/matmul.py (peer of the example `routines`)."""

import time

import numpy as np

rng = np.random.default_rng(1)
print("numpy", np.__version__, "float64, float32")
for n in [64, 96, 128, 200, 256, 400, 512, 800, 1024, 1500, 2000]:
    rates = []
    for dtype in ("float64", "float32"):
        a, b = (rng.uniform(-1, 1, (n, n)).astype(dtype) for _ in range(2))
        out = np.empty((n, n), dtype)
        best, start, turn = float("inf"), time.perf_counter(), 0
        while turn < 4 or time.perf_counter() - start < 0.3:
            t = time.perf_counter()
            np.matmul(a, b, out=out)
            best = min(best, time.perf_counter() - t)
            turn += 1
        rates.append(2 * n**3 / best / 1e9)
    print(f"{n:6} {rates[0]:8.1f} {rates[1]:8.1f}")
