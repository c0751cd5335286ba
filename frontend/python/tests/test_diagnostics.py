"""Diagnostics: a program with the defect gets exactly its code at its line, and the fixed one gets none."""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from test_docs import ROOT, section

import frit
from frit import _frit, spec

big, square, vector = spec(20000), spec((2000, 2000)), spec(2000)
single, numbers = spec((4000, 4000), "f4"), spec(100000)
table = np.arange(1e7)


def line_of(f, mark):
    """The line of a function's source with a mark."""
    import inspect

    lines, first = inspect.getsourcelines(f)
    (k,) = [k for k, line in enumerate(lines) if mark in line]
    return first + k


def sorted_rows(a):
    d = a[:, None] - a[None, :]  # HERE
    return np.sort(d, axis=1)[:, ::3]  # frit: ignore[F001]


def sums_of_rows(a):
    d = a[:, None] - a[None, :]
    return (d * d).sum(axis=1)


def every_pair(a):
    return a[:, None] * a[None, :]  # HERE


def product_first(a, b, v):
    return (a @ b) @ v  # HERE


def vector_first(a, b, v):
    return a @ (b @ v)


def sum_of_eigenvalues(a):
    return np.linalg.eigvalsh(a).sum()  # HERE


def trace(a):
    return np.trace(a)


def by_inverse(a, b):
    return b @ np.linalg.inv(a)  # HERE


def by_solve(a, b):
    return np.linalg.solve(a.T, b)


def row_of_inverse(a):
    return np.linalg.inv(a)[0]  # HERE


def row_by_solve(a, e):
    return np.linalg.solve(a.T, e)


def shared_product(a, b, u, v):
    p = a @ b  # HERE
    return p @ u, p @ v


def shared_vectors(a, b, u, v):
    return a @ (b @ u), a @ (b @ v)


def promoted(x):
    return x * np.float64(2.5)  # HERE


def promoted_by_weights(x, w):
    return x * w  # HERE


def kept_single(x):
    return x * 2.5


def transposed(x, y):
    return x.T + y  # HERE


def in_order(x, y):
    return x + y  # HERE


def packs(x):
    return np.packbits(x > 0)  # HERE


def compiled_instead(x):
    return x > 0, np.sin(x)


def shifted(x):
    return x + table  # HERE


def shifted_by(x, t):
    return x + t


def naive_variance(x):
    return (x**2).mean() - x.mean() ** 2  # HERE


def two_passes(x):
    return ((x - x.mean()) ** 2).mean()


def growth(x):
    return np.exp(x) - 1  # HERE


def growth_fixed(x):
    return np.expm1(x)


def logarithm(x):
    return np.log(1 + x)  # HERE


def logarithm_fixed(x):
    return np.log1p(x)


def versine(x):
    return 1 - np.cos(x)  # HERE


def versine_fixed(x):
    return 2 * np.sin(x / 2) ** 2


def length(x, y):
    return np.sqrt(x * x + y**2)  # HERE


def length_fixed(x, y):
    return np.hypot(x, y)


def log_of_det(a):
    return np.log(np.linalg.det(a))  # HERE


def slogdet(a):
    return np.linalg.slogdet(a)[1]


def counted(x, k):
    return x * k  # HERE


def counted_single(x, k):
    return x * k.astype(np.float32)


def inverted(a, v):
    return np.linalg.inv(a) @ v  # HERE


def one_operation(x):
    return x + 1  # HERE


def many_operations(x):
    for _ in range(20):
        x = np.sin(x) + 1
    return x


fortran = np.asfortranarray(np.empty((3000, 3000)))
ordered = np.empty((3000, 3000))
MATRIX = spec((1000, 1000))
EXACT = {"math": "exact"}

CASES = [
    ("F001", sorted_rows, [big], sums_of_rows, [big], {}),
    ("F001", every_pair, [spec(1000)], sums_of_rows, [spec(1000)], {"warn": "intermediate_bytes=1MiB"}),
    ("F002", every_pair, [big], sums_of_rows, [big], {"memory_limit": "1GiB"}),
    ("F002", trace, [spec((300000, 300000))], trace, [MATRIX], {"memory_limit": "1GiB"}),
    ("F003", product_first, [square, square, vector], vector_first, [square, square, vector], EXACT),
    ("F003", inverted, [MATRIX, spec(1000)], by_solve, [MATRIX, spec(1000)], EXACT),
    ("F004", sum_of_eigenvalues, [MATRIX], trace, [MATRIX], {}),
    ("F004", by_inverse, [MATRIX, spec(1000)], by_solve, [MATRIX, spec(1000)], {"math": "exact", "warn": "-F003"}),
    ("F004", row_of_inverse, [MATRIX], row_by_solve, [MATRIX, spec(1000)], {"math": "exact", "warn": "-F003"}),
    ("F004", shared_product, [square, square, vector, vector], shared_vectors, [square, square, vector, vector], {"math": "exact", "warn": "-F003"}),
    ("F006", promoted, [single], kept_single, [single], {}),
    ("F006", promoted_by_weights, [single, spec((), "i8")], promoted_by_weights, [single, spec((), "f4")], {}),
    ("F006", counted, [single, spec(single.shape, "i4")], counted_single, [single, spec(single.shape, "i4")], {}),
    ("F007", transposed, [ordered, ordered], transposed, [fortran, ordered], {}),
    ("F007", in_order, [fortran, ordered], in_order, [ordered, ordered], {}),
    ("F008", packs, [numbers], compiled_instead, [numbers], {}),
    ("F010", shifted, [spec(10_000_000)], shifted_by, [spec(10_000_000), spec(10_000_000)], {}),
    ("F011", naive_variance, [numbers], two_passes, [numbers], {}),
    ("F012", one_operation, [spec(8)], many_operations, [spec(8)], {}),
    ("F013", growth, [numbers], growth_fixed, [numbers], EXACT),
    ("F013", logarithm, [numbers], logarithm_fixed, [numbers], EXACT),
    ("F013", versine, [numbers], versine_fixed, [numbers], {}),
    ("F014", length, [numbers, numbers], length_fixed, [numbers, numbers], {}),
    ("F014", log_of_det, [MATRIX], slogdet, [MATRIX], {}),
]


@pytest.mark.parametrize(("code", "defect", "args", "fixed", "fixed_args", "options"), CASES, ids=lambda x: getattr(x, "__name__", None))
def test_defect_and_fix(code, defect, args, fixed, fixed_args, options):
    found = frit.jit(defect, **options).warnings(*args)
    assert [d.code for d in found] == [code], found
    (d,) = found
    assert d.file == __file__
    if defect is not trace:
        assert d.line == line_of(defect, "HERE")
        assert "HERE" in d.source
    assert d.help
    assert d.quantity or code in ("F011", "F013", "F014")
    assert frit.jit(fixed, **options).warnings(*fixed_args) == []


def test_rewriting_that_fixes_a_form_leaves_nothing_to_say():
    for f in growth, logarithm:
        assert frit.jit(f, math="reassociate").warnings(numbers) == []
    assert frit.jit(product_first).warnings(square, square, vector) == []


def test_quantities():
    (d,) = frit.jit(every_pair, memory_limit="1GiB").warnings(spec(300000))
    assert (d.quantity, d.unit) == (8 * 300000**2, "bytes")
    (d,) = frit.jit(sum_of_eigenvalues).warnings(MATRIX)
    assert d.unit == "flops" and 1e9 < d.quantity < 1e11


# What only calls show.


def whiten(a, x):
    return np.linalg.cholesky(a @ a.T) @ x


def test_repeated_work():
    a = np.eye(300) + 1
    f = frit.jit(whiten)
    with pytest.warns(frit.PerformanceWarning, match="F005 repeated work") as told:
        for k in range(5):
            f(a, np.full(300, float(k)))
    assert len(told) == 1 and told[0].filename == __file__ and told[0].lineno == line_of(whiten, "cholesky")
    assert [d.code for d in f.warnings(a, np.ones(300))] == ["F005"]


@pytest.mark.parametrize("vary", ["nothing", "all", "elements"])
def test_work_that_is_not_repeated(vary):
    a, x = np.eye(300) + 1, np.ones(300)
    f = frit.jit(whiten)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(6):
            if vary == "elements":
                a += k
            f(a.copy() + k if vary == "all" else a, x if vary == "nothing" else np.full(300, float(k)))


def scale(x, n):
    return x * n


def test_retrace_storm():
    f = frit.jit(scale)
    with pytest.warns(frit.PerformanceWarning, match="F009 retrace storm: 16 signatures .*\n.* n: 15") as told:
        for n in range(30):
            f(np.ones(3), n)
    assert len(told) == 1 and told[0].filename == __file__
    assert "F009" in [d.code for d in f.warnings(np.ones(3), 1)]
    f = frit.jit(scale)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(30):
            f(np.ones(3), np.float64(n))
        g = frit.jit(scale)
        for _ in range(2):
            for n in range(30):
                g(np.ones(n % 12), 2)


# How they are told.


def test_warnings_have_the_users_line_and_come_before_the_run():
    f = frit.jit(every_pair, warn="intermediate_bytes=1MiB", memory_limit="4MiB")
    with pytest.warns(frit.PerformanceWarning) as told, pytest.raises(MemoryError):
        f(np.ones(1000))
    (w,) = told
    assert w.filename == __file__ and w.lineno == line_of(every_pair, "HERE")
    assert w.message.diagnostic.code == "F002" and str(w.message).startswith("F002 ")


def test_each_place_warns_once():
    f = frit.jit(every_pair, warn="intermediate_bytes=100kB")
    with pytest.warns(frit.PerformanceWarning) as told:
        for n in 200, 300, 200:
            f(np.ones(n))
    assert len(told) == 1


def test_as_errors():
    f = frit.jit(every_pair, warn="intermediate_bytes=100kB")
    with warnings.catch_warnings():
        warnings.simplefilter("error", frit.PerformanceWarning)
        with pytest.raises(frit.PerformanceWarning, match="F001"):
            f(np.ones(200))
    assert issubclass(frit.FallbackWarning, frit.PerformanceWarning)


def test_error_from_the_command_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import frit, numpy as np\n@frit.jit(warn='intermediate_bytes=100kB')\ndef f(a):\n    return a[:, None] * a\nf(np.ones(200))\n")
    done = subprocess.run([sys.executable, "-W", "error", str(script)], capture_output=True, text=True)
    assert done.returncode == 1 and "PerformanceWarning: F001" in done.stderr
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0 and f"{script}:4: PerformanceWarning: F001" in done.stderr


def ignored(a):
    return a[:, None] * a  # frit: ignore[F001]


def ignored_otherwise(a):
    return a[:, None] * a  # frit: ignore[F007]


def test_comments():
    assert frit.jit(ignored, warn="intermediate_bytes=1MiB").warnings(spec(1000)) == []
    assert len(frit.jit(ignored_otherwise, warn="intermediate_bytes=1MiB").warnings(spec(1000))) == 1


@pytest.mark.parametrize("warn", [False, "off", "-F001", "intermediate_bytes=1TiB"])
def test_options(warn):
    assert frit.jit(every_pair, warn=warn).warnings(spec(10000)) == []


def test_wrong_options():
    for warn in "-F999", "intermediate=3", "intermediate_bytes=3 parsecs":
        with pytest.raises(ValueError):
            frit.jit(every_pair, warn=warn)
    with pytest.raises(TypeError):
        frit.jit(every_pair, warn=3)


def test_environment():
    code = "import frit; print(frit.jit(lambda a: a[:, None] * a).warnings(frit.spec(1000)))"
    for text, want in [("", "no diagnostics"), ("intermediate_bytes=1MiB", "F001")]:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"FRIT_WARN": text, "PYTHONPATH": ":".join(sys.path)})
        assert want in done.stdout, done.stderr


def test_json(tmp_path):
    f = frit.jit(every_pair, warn="intermediate_bytes=1MiB")
    (d,) = json.loads(f.warnings(spec(1000)).to_json())
    assert d["code"] == "F001" and d["quantity"] == {"value": 8e6, "unit": "bytes"} and d["line"] == line_of(every_pair, "HERE")
    # The command's is the same.
    f.save(tmp_path / "f.json", spec(1000))
    command = [sys.executable, "-m", "frit", "explain", str(tmp_path / "f.json"), "--json", "--warn", "intermediate_bytes=1MiB"]
    (told,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    # A file knows the text of lines without what is before it, and nothing of calls in blocks.
    assert list(told) == list(d) and told.pop("source") == d.pop("source").strip() and told.pop("help") and d.pop("help")
    assert told == d


def test_parts_of_a_function():
    def parts(a):
        d = a[:, None] * a  # first
        if d.sum() > 0:
            a = a + 1
        return a[:, None] * a  # second

    f = frit.jit(parts, warn="intermediate_bytes=1MiB", fallback="quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f(np.ones(1000))
    found = f.warnings(np.ones(1000))
    assert [(d.code, d.line) for d in found if d.code == "F001"][-1] == ("F001", line_of(parts, "# second"))


def test_the_command(tmp_path):
    path = tmp_path / "saved.json"
    frit.jit(every_pair).save(path, spec(10000))
    command = [sys.executable, "-m", "frit", "explain", str(path)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    (d,) = json.loads(done.stdout)
    assert d["code"] == "F001" and d["file"] == __file__ and d["quantity"] == {"unit": "bytes", "value": 8e8}
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "warning[F001]: expensive intermediate: float64[10000, 10000], 763 MiB" in done.stdout
    done = subprocess.run([*command, "--json", "--warn=-F001"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


# Documentation.


def test_each_code_has_its_page():
    for code, name, _ in _frit.DIAGNOSTICS:
        assert (ROOT / f"docs/diagnostics/{code}.md").read_text(encoding="utf-8").startswith(f"# {code}: {name}\n")
    assert [r[0].strip("`") for r in section("Thresholds", "docs/diagnostics.md")] == [t[0] for t in _frit.THRESHOLDS]
    assert [r[2] for r in section("Thresholds", "docs/diagnostics.md")] == [", ".join(t[3]) for t in _frit.THRESHOLDS]


# Lazy arrays.


def test_lazy_arrays():
    a = frit.array(np.ones(6000))
    with pytest.warns(frit.PerformanceWarning, match=r"F001 .* float64\[6000, 6000\]") as told:
        np.asarray(a[:, None] * a)  # lazy
        np.asarray(a[:, None] * a)
    first = line_of(test_lazy_arrays, "# " + "lazy")
    assert [(w.filename, w.lineno) for w in told if "F001" in str(w.message)][0] == (__file__, first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.asarray((a[:, None] * a).sum(axis=1))


def test_a_limit_that_is_suggested_helps():
    """F001 names a limit under which the value is not made as a whole; with it the program takes no more, and nothing is said."""

    def second(a):
        return np.sort(np.abs(a[:, None] - a[None, :]), axis=1)[:, 1].mean()

    plain = frit.jit(second)
    (found,) = [d for d in plain.warnings(big) if d.code == "F001"]
    limit = re.search(r'memory_limit="(\d+MiB)"', found.text())[1]
    limited = frit.jit(second, memory_limit=limit)
    need = limited.memory(big)
    assert need.replanned and need.peak_bytes <= int(limit[:-3]) << 20 < plain.memory(big).peak_bytes
    assert not [d for d in limited.warnings(big) if d.code == "F001"]


def test_no_limit_is_suggested_where_none_helps():
    """Of a value that is needed as a whole, blocks save nothing."""
    (found,) = [d for d in frit.jit(lambda a: np.linalg.det(np.exp(a[:, None] * a)), warn="intermediate_bytes=1MiB").warnings(spec(3000)) if d.code == "F001"]
    assert "memory_limit" not in found.text()


@pytest.mark.parametrize("report", ["explain", "memory", "warnings"])
def test_a_call_tells_what_a_report_found(report):
    f, x = frit.jit(every_pair, warn="intermediate_bytes=100kB"), np.ones(200)
    getattr(f, report)(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", frit.PerformanceWarning)
        for _ in range(2):
            with pytest.raises(frit.PerformanceWarning, match="F001"):
                f(x)
    with pytest.warns(frit.PerformanceWarning, match="F001") as told:
        f(x)
        f(x)
    assert len(told) == 1

    # Of the part that a report compiles, too.
    f = frit.jit(lambda a: every_pair(a) * float(a[0]), warn="intermediate_bytes=100kB", fallback="quiet")
    getattr(f, report)(x)
    with pytest.warns(frit.PerformanceWarning, match="F001"):
        f(x)


def test_as_an_error_nothing_is_written():
    @frit.jit(warn="intermediate_bytes=1KiB,intermediate_share=0.01,intermediate_growth=0")
    def f(a, out):
        out[:] = 7
        np.random.random()
        d = np.abs(a[:, None] - a[None, :])
        return np.sort(d, axis=1)[:, 1]

    a, out, before = np.arange(100.0), np.zeros(4), np.random.get_state()[2]
    with warnings.catch_warnings():
        warnings.simplefilter("error", frit.PerformanceWarning)
        for _ in range(2):
            with pytest.raises(frit.PerformanceWarning, match="F001"):
                f(a, out)
            assert not out.any() and np.random.get_state()[2] == before
    with pytest.warns(frit.PerformanceWarning, match="F001"):
        f(a, out)
    assert (out == 7).all()


def test_the_cheaper_form_is_named():
    (d,) = frit.jit(inverted, math="exact").warnings(MATRIX, spec(1000))
    assert any("write solve(" in h and "in place of (inv(" in h for h in d.help), d.help


def test_what_is_counted_is_no_constant():
    """Large ranges of integers are computed, and not part of the program."""
    f = frit.jit(lambda x: x + np.arange(5, 20_000_005, 2))
    assert not f.warnings(frit.spec(10_000_000))
    assert "iota" in f.dump(frit.spec(10_000_000)) and len(f.dump(frit.spec(10_000_000))) < 2000
    for counted in (np.arange(10_000, 0, -1, dtype="i4"), np.arange(200, 6000, dtype="u2"), np.r_[np.arange(5000), 7]):
        want = counted[1:] * 2
        got = frit.jit(lambda x, k=counted: (k.copy() * x)[1:])(np.ones((), counted.dtype) * 2)
        np.testing.assert_array_equal(got, want)


def test_comments_silence_their_statement():
    def closed(a):
        d = (
            a[:, None]
            * a[None, :]
        )  # frit: ignore[F001]
        return np.sort(d.ravel())[::2]

    def headed(a):
        if a.ndim == 1:  # frit: ignore[F001]
            d = a[:, None] * a[None, :]
        return np.sort(d.ravel())[::2]

    assert not frit.jit(closed).warnings(big)
    assert [d.code for d in frit.jit(headed).warnings(big)] == ["F001"]


def test_breaks_of_the_graph_are_noted():
    def listed(x):
        return max((x * 2).tolist())

    def decided(x):
        total = 0.0
        for v in np.sqrt(x):
            total += float(v)
        return total

    x = np.ones(1000)
    for function, fixed, word in ((listed, lambda x: (x * 2).max(), "tolist"), (decided, lambda x: np.sqrt(x).sum(), "1000 times")):
        f, instead = frit.jit(function), frit.jit(fixed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert f(x) == instead(x)
        (d,) = [d for d in f.warnings(x) if d.code == "F015"]
        assert (d.severity, d.quantity, d.file) == ("note", 8000, __file__) and word in d.message
        assert "F015" not in [d.code for d in instead.warnings(x)]
    # A few decisions are ordinary.
    f = frit.jit(lambda x: np.sqrt(x) if x.sum() > 0 else x)
    f(x)
    assert "F015" not in [d.code for d in f.warnings(x)]
