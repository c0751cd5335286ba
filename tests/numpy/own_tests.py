"""Runs NumPy's own tests, from the installed wheel, with `numpy` bound to `frit.numpy` in their modules.

    python tests/numpy/own_tests.py [MODULE ...] [-- pytest's arguments]

Every global name of a test module that is NumPy's module, or a function of it, becomes that of `frit.numpy`; `numpy.testing`
stays, and gets NumPy's arrays. Prints how many tests pass with NumPy and with frit, for each module, and writes the names of those that pass with NumPy alone
to `own_tests_failing.txt` in the current folder. Many tests are about what a `frit.Array` is not (subclasses, object and string
elements, memory of `out=`, warnings): the counts are to be compared from version to version.
"""

import collections
import functools
import importlib
import pathlib
import subprocess
import sys

MODULES = """numpy._core.tests.test_ufunc numpy._core.tests.test_umath numpy._core.tests.test_umath_complex numpy._core.tests.test_numeric
numpy._core.tests.test_indexing numpy._core.tests.test_shape_base numpy._core.tests.test_function_base numpy._core.tests.test_einsum
numpy._core.tests.test_item_selection numpy._core.tests.test_nep50_promotions numpy.lib.tests.test_function_base
numpy.lib.tests.test_shape_base numpy.lib.tests.test_twodim_base numpy.lib.tests.test_nanfunctions numpy.lib.tests.test_arraypad
numpy.lib.tests.test_arraysetops numpy.lib.tests.test_index_tricks numpy.lib.tests.test_stride_tricks numpy.lib.tests.test_ufunclike
numpy.lib.tests.test_type_check numpy.lib.tests.test_histograms numpy.linalg.tests.test_linalg numpy.fft.tests.test_pocketfft
numpy.fft.tests.test_helper""".split()


def _replacements():
    """What of NumPy becomes what of frit, by identity."""
    import numpy

    import frit.numpy

    table = {id(numpy): frit.numpy, id(numpy.linalg): frit.numpy.linalg, id(numpy.fft): frit.numpy.fft}
    for old, new in ((numpy, frit.numpy), (numpy.linalg, frit.numpy.linalg), (numpy.fft, frit.numpy.fft)):
        for name in dir(new):
            if not name.startswith("_") and hasattr(old, name) and getattr(old, name) is not getattr(new, name):
                table.setdefault(id(getattr(old, name)), getattr(new, name))
    return table


def _told_apart(f):
    """A function of `numpy.testing` on NumPy's arrays: of others it asks for one truth value."""
    import frit

    def plain(x):
        if type(x) is frit.Array:
            return x.compute()[()]
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x

    @functools.wraps(f)
    def call(*args, **kwargs):
        return f(*map(plain, args), **kwargs)

    return call


def pytest_collectstart(collector):
    """This file is pytest's plugin too."""
    import numpy.testing
    import pytest

    if isinstance(collector, pytest.Module):
        table, names = _replacements(), vars(collector.obj)
        asserting = [f for n, f in vars(numpy.testing).items() if n.startswith("assert")]
        for name, value in list(names.items()):
            if id(value) in table:
                names[name] = table[id(value)]
            elif any(value is f for f in asserting):
                names[name] = _told_apart(value)


def outcomes(modules, plugin, more):
    """Tests by name, with `PASSED`, `FAILED` and so on."""
    here = pathlib.Path(__file__).resolve()
    files = [importlib.import_module(m).__file__ for m in modules]
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    command += ["-W", "ignore", "-m", "not slow", *(["-p", here.stem] if plugin else []), *more, *files]
    code = f"import sys; sys.path.insert(0, {str(here.parent)!r}); sys.argv = {command[3:]!r}; import pytest; sys.exit(pytest.main(sys.argv))"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        what, _, rest = line.partition(" ")
        if what in ("PASSED", "FAILED", "ERROR", "SKIPPED", "XFAIL", "XPASS") and "::" in rest:
            found[rest.split(" - ")[0]] = what
    return found


def main(arguments):
    at = arguments.index("--") if "--" in arguments else len(arguments)
    modules, more = arguments[:at] or MODULES, arguments[at + 1 :]
    rows, failing = [], []
    for m in modules:
        numpy, frit = outcomes([m], False, more), outcomes([m], True, more)
        passing = [t for t, o in numpy.items() if o == "PASSED"]
        count = collections.Counter(frit.get(t, "MISSING") for t in passing)
        failing += [t for t in passing if frit.get(t) != "PASSED"]
        rows.append((m, len(passing), count["PASSED"]))
        print(f"{m:45} NumPy {len(passing):6}   frit.numpy {count['PASSED']:6}   {100 * count['PASSED'] / max(1, len(passing)):5.1f} %", flush=True)
    total, passed = sum(r[1] for r in rows), sum(r[2] for r in rows)
    print(f"{'all':45} NumPy {total:6}   frit.numpy {passed:6}   {100 * passed / max(1, total):5.1f} %")
    pathlib.Path("own_tests_failing.txt").write_text("\n".join(failing) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
