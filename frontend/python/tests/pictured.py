"""Functions, and programs in files, whose pictures are tested."""

import shutil

import numpy as np

import frit

S = frit.spec


@frit.jit
def softmax(x, w):
    z = x @ w
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    r = (p * np.log(p)).sum(axis=1)
    return r[:5] + 0.0, p


def unrolled(steps):
    @frit.jit
    def f(u, c):
        for _ in range(steps):
            lap = u[2:] - 2.0 * u[1:-1] + u[:-2]
            u[1:-1] += c * lap
            u = u / np.sqrt((u * u).sum())
        return u

    return f


def waves(steps):
    return unrolled(steps).visualize(S((1000,), "f8"), S((998,), "f8"))


@frit.jit
def parts(x):
    y = np.sin(x) * 2.0
    if y.sum() > 0:
        y = y + 1.0
    return np.cos(y)


@frit.jit
def hostile(x):
    "</script><script>throw 'no'</script><!-- <img src=x onerror=throw> & \u2028 </title> \\"
    return x + 1.0 # </script><b title="&quot;">


@frit.jit
def common_factor(x, y, z):
    return np.sqrt(x @ y + x @ z), np.exp(x)[:5].sum(axis=1), x[:, ::-1][:, ::-1]


SYMBOLIC = """graph @norms(%x: f64[n, m], %y: f64[m, 3]) -> f64[n] {
  %1 = square %x : f64[n, m]
  %2 = matmul %1, %y : f64[n, 3]
  %3 = sum %2 {axes = [1], keepdims = false} : f64[n]
  return %3
}
"""
LOOP = """graph @power(%x: f64[n, n], %k: f64[]) -> f64[n, n] {
  %1 = for %x, %k {body = graph @body(%c: f64[n, n], %k: f64[]) -> f64[n, n] {
    %2 = multiply %c, %c : f64[n, n]
    %3 = broadcast_to %k {shape = [n, n]} : f64[n, n]
    %4 = add %2, %3 : f64[n, n]
    return %4
  }, carries = 1, hi = 10, index = "i", lo = 0} : f64[n, n]
  return %1
}
"""


def saved(text, tmp_path):
    path = tmp_path / "p.frit"
    path.write_text(text)
    return frit.load(path)


def small():
    return softmax.visualize(S((1000, 64), "f8"), S((64, 10), "f8"))


def programs(*names):
    return next(filter(None, map(shutil.which, names)), None)
