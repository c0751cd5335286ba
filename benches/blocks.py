"""Programs in slabs that stay in cache, beside the same without them and NumPy: python benches/blocks.py [WORD]

Each line is one program, with the three ways taking turns: milliseconds (best), projected peaks, and what the model says. With a
word, only programs whose name has it.
"""

import os
import sys
import time

import numpy as np

import frit

rng = np.random.default_rng(0)
normal = rng.standard_normal
ROUNDS = 9


def filtered(x, h):
    return np.fft.irfft(np.fft.rfft(x, axis=1) * h, axis=1)


def power(x, h):
    return (np.fft.irfft(np.fft.rfft(x, axis=1) * h, axis=1) ** 2).sum(axis=1)


def layers(x, a, b):
    return np.maximum(x @ a, 0) @ b


def deep(x, a, b, c):
    return np.tanh(np.tanh(x @ a) @ b) @ c


def spread(x):
    s = np.sort(x, axis=1)
    return np.abs(s - s.mean(axis=1, keepdims=True)).sum(axis=1)


def running(x):
    s = np.cumsum(x, axis=1)
    return np.cumsum(s / s.max(axis=1, keepdims=True), axis=1).sum(axis=1)


def solved(a, b):
    e = np.linalg.solve(a, b)
    return (e * e).sum(axis=1)


def programs():
    """Name, function, and what makes its arguments."""
    rows = lambda n, m: normal((n, m))  # noqa: E731
    response = lambda: np.exp(1j * normal(513))  # noqa: E731
    yield "filter, 20,000 x 1024", filtered, lambda: (rows(20_000, 1024), response())
    yield "power of a filter, 20,000 x 1024", power, lambda: (rows(20_000, 1024), response())
    yield "two layers, 200,000 x 64 -> 256 -> 16", layers, lambda: (rows(200_000, 64), rows(64, 256), rows(256, 16))
    yield "two layers, 400,000 x 16 -> 256 -> 8", layers, lambda: (rows(400_000, 16), rows(16, 256), rows(256, 8))
    yield "three layers, 200,000 x 32 -> 64 -> 64 -> 8", deep, lambda: (rows(200_000, 32), rows(32, 64), rows(64, 64), rows(64, 8))
    yield "sort and spread, 20,000 x 1024", spread, lambda: (rows(20_000, 1024),)
    yield "running sums, 20,000 x 1024", running, lambda: (np.abs(rows(20_000, 1024)),)
    yield "solves, 20,000 of 16 x 16", solved, lambda: (normal((20_000, 16, 16)) + 16 * np.eye(16), normal((20_000, 16, 16)))


def jitted(f, blocks):
    os.environ["FRIT_CACHE_BLOCKS"] = "1" if blocks else "0"
    return frit.jit(f)


def main(word=""):
    print("| program | NumPy | frit, whole | frit | whole / frit | peak, whole | peak | slabs | model: whole / frit |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, f, arguments in programs():
        if word not in name:
            continue
        args = arguments()
        ways = [f, jitted(f, False), jitted(f, True)]
        # Compiled while the variable is set as it was read.
        for way, setting in zip(ways[1:], "01"):
            os.environ["FRIT_CACHE_BLOCKS"] = setting
            way(*args)
        best = [float("inf")] * 3
        for k in range(ROUNDS):
            for w, way in enumerate(ways):
                if w == 0 and k > 1:
                    continue
                start = time.perf_counter()
                way(*args)
                best[w] = min(best[w], time.perf_counter() - start)
        peaks = [way.memory(*args).peak_bytes / 2**20 for way in ways[1:]]
        considered = ways[2].explain(*args).blocks
        made = [b for b in considered if b.lost is None]
        slabs = f"{made[0].rows} rows" if made else "no"
        model = considered[0].seconds[0] / considered[0].seconds[1] if considered else 1.0
        numpy, whole, blocked = (1e3 * b for b in best)
        print(
            f"| {name} | {numpy:.1f} ms | {whole:.1f} ms | {blocked:.1f} ms | {whole / blocked:.2f} "
            f"| {peaks[0]:.1f} MiB | {peaks[1]:.1f} MiB | {slabs} | {model:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
