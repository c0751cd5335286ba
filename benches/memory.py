"""How long a projection takes, from a function that was never seen: `python benches/memory.py`.

Each case is traced, optimized and lowered in a new `frit.jit`; nothing is compiled to machine code and nothing runs.
"""

import time

import numpy as np

import frit

CASES = {
    "300,000 x 300,000 differences, returned (671 GiB)": (lambda a: a[:, None] - a[None, :], [300_000]),
    "100,000 x 100,000 distances, returned (74.5 GiB)": (lambda a: np.sqrt((a[:, None] - a[None, :]) ** 2), [100_000]),
    "10^6 x 10^6 differences, summed": (lambda a: (a[:, None] - a[None, :]).sum(axis=1), [10**6]),
    "two products": (lambda x, y: np.tanh(x @ y) @ y.T, [(10**6, 1000), (1000, 10**5)]),
}
#: Limits under which a program is planned again.
LIMITED = {
    "two products, limit 12 GiB": (*CASES["two products"], "12GiB"),
}


def main():
    for name, (function, shapes, *limit) in {**CASES, **LIMITED}.items():
        best = float("inf")
        for _ in range(5):
            f = frit.jit(lambda *args: function(*args))  # noqa: B023
            start = time.perf_counter()
            need = f.memory(*map(frit.spec, shapes), memory_limit=limit[0] if limit else None)
            best = min(best, time.perf_counter() - start)
        print(f"{name}: {need.peak_bytes / 2**30:.3g} GiB projected in {best * 1e3:.1f} ms", *need.replanned, sep="\n  ")


if __name__ == "__main__":
    main()
