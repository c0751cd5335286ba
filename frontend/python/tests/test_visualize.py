"""Pictures in every format; the page in a browser is in `test_page.py`."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from pictured import LOOP, S, SYMBOLIC, common_factor, hostile, parts, programs, saved, small, softmax, unrolled, waves

import frit


def nodes_of(entries):
    for e in entries:
        if isinstance(e, dict):
            yield from nodes_of(e["entries"])
        else:
            yield e


@pytest.mark.parametrize("suffix", ["html", "svg", "dot", "json", "txt", "mlir"])
def test_written_by_suffix(suffix, tmp_path):
    path = tmp_path / f"f.{suffix}"
    softmax.visualize(S((8, 4), "f8"), S((4, 3), "f8"), path=path)
    assert path.read_text(encoding="utf-8") == softmax.visualize(S((8, 4), "f8"), S((4, 3), "f8")).render(suffix)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg"):
        softmax.visualize(np.ones((8, 4)), np.ones((4, 3)), path=tmp_path / "f.png")
    with pytest.raises(ValueError, match="png"):
        small().render("png")


def test_nothing_compiled_is_an_error():
    with pytest.raises(frit.FallbackError):
        frit.jit(lambda x: x, fallback="quiet").visualize(np.array([object()]))


def test_json_is_consistent():
    picture = json.loads(waves(40).render("json"))
    assert picture["format"] == "frit-picture" and picture["version"] == 1
    (part,) = picture["parts"]
    count = len(part["nodes"])
    for stage in part["stages"]:
        numbers = list(nodes_of(stage["entries"]))
        assert len(numbers) == len(set(numbers)) and all(0 <= n < count for n in numbers)
        there, seen = set(numbers), set()
        for n in numbers:
            node = part["nodes"][n]
            inputs = [p if isinstance(p, int) else p[0] for p in node.get("inputs", [])]
            assert there.issuperset(inputs)
            # In an order in which they can be computed.
            assert seen.issuperset(inputs), node
            seen.add(n)
            assert all(0 <= t < len(part["types"]) for t in node["types"])
            assert "place" not in node or node["place"] < len(picture["places"])
    # The same numbers where nothing changed, and nodes in groups are nodes of the last graph.
    first, last = (set(nodes_of(part["stages"][k]["entries"])) for k in (0, -1))
    assert first & last
    assert all(last.issuperset(g["nodes"]) for g in part["groups"])
    assert part["memory"]["projected"]["peak"] == str(unrolled(40).memory(S((1000,), "f8"), S((998,), "f8")).peak_bytes)


@pytest.mark.parametrize("make", [lambda: common_factor.visualize(*[S((500, 500), "f8")] * 3), small])
def test_steps_lead_from_stage_to_stage(make):
    (part,) = json.loads(make().render("json"))["parts"]
    nodes = part["nodes"]
    node = lambda port: port if isinstance(port, int) else port[0]  # noqa: E731
    changing = [s for s in part["steps"] if "made" in s]
    assert changing
    for k in {s["stage"] for s in changing}:
        there, read = set(nodes_of(part["stages"][k - 1]["entries"])), {}
        outputs = part["stages"][k - 1]["outputs"]

        def follow(port):
            while str(port) in read:
                port = read[str(port)]
            return port

        for s in (s for s in changing if s["stage"] == k):
            assert there.issuperset(s["removed"]) and there.isdisjoint(s["made"])
            there = there - set(s["removed"]) | set(s["made"])
            for a, b in s["replaced"]:
                read[str(a)] = b
                read.pop(str(b), None)
            for n in there:
                assert {node(follow(p)) for p in nodes[n].get("inputs", [])} <= there, (s["rule"], n)
        after = set(nodes_of(part["stages"][k]["entries"]))
        ops = lambda all: sorted(nodes[n]["op"] for n in all if nodes[n]["op"] not in ("input", "constant"))  # noqa: E731
        # Lowering may still change the last graph.
        if k + 1 < len(part["stages"]):
            assert ops(there) == ops(after)
        assert {node(follow(p)) for p in outputs} <= there


def test_json_has_bytes_and_operations(symbolic):
    (part,) = json.loads(symbolic.render("json"))["parts"]
    assert part["sizes"] == [{"name": "n", "value": "1000"}, {"name": "m", "value": "200"}]
    work = {(n["op"], n["flops"]) for n in part["nodes"]}
    assert {("square", "m*n"), ("matmul", "6*m*n")} <= work
    square = next(n for n in part["nodes"] if n["op"] == "square")
    assert part["types"][square["types"][0]] == {"dtype": "f64", "shape": ["n", "m"], "bytes": "8*m*n"}


def test_loops_become_a_box_and_boxes_are_small():
    part = json.loads(waves(300).render("json"))["parts"][0]
    assert len(list(nodes_of(part["stages"][0]["entries"]))) > 3000

    def check(entries):
        assert len(entries) <= 40
        for e in entries:
            if isinstance(e, dict):
                check(e["entries"])

    for stage in part["stages"]:
        check(stage["entries"])
        boxes = [e for e in stage["entries"] if isinstance(e, dict)]
        assert sum(b.get("count", 0) for b in boxes) >= 290, [b["label"] for b in boxes]


def test_parts_of_a_function():
    x = np.ones(8)
    parts(x)
    pictures = json.loads(parts.visualize(x).render("json"))["parts"]
    assert [p["name"] for p in pictures] == ["parts, part 1", "parts, part 2"]


def test_pictures_are_reproducible():
    a, b = (softmax.visualize(S((9, 4), "f8"), S((4, 3), "f8")) for _ in range(2))
    for suffix in ("json", "svg", "dot", "txt"):
        assert a.render(suffix) == b.render(suffix)


@pytest.mark.parametrize("make", [small, lambda: waves(100), lambda: hostile.visualize(S((3,), "f8"))])
def test_svg_is_xml_and_cards_do_not_overlap(make):
    root = ET.fromstring(make().render("svg"))
    space = "{http://www.w3.org/2000/svg}"
    cards = [r for r in root.iter(f"{space}rect") if r.get("class") in ("n", "i", "r")]
    assert cards
    frames = [tuple(float(r.get(k)) for k in ("x", "y", "width", "height")) for r in cards]
    for k, (x, y, w, h) in enumerate(frames):
        assert x >= 0 and y >= 0 and x + w <= float(root.get("width")) and y + h <= float(root.get("height"))
        for x2, y2, w2, h2 in frames[:k]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("make", [small, lambda: waves(5), lambda: hostile.visualize(S((3,), "f8"))])
def test_dot_is_read_by_graphviz(make):
    text = make().render("dot")
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == len(re.findall(r"^\s*p[\d_]+ \[", text, re.M))


def test_views_of_results_have_a_line_of_the_function():
    f = frit.jit(lambda x: (np.exp(x) + 1.0)[:5])

    places = json.loads(f.visualize(S((9,), "f8")).render("json"))["places"]
    assert {p["function"] for p in places} == {"<lambda>"} and len({p["line"] for p in places}) == 1


def test_text_names_groups_and_reasons():
    text = small().render("txt")
    assert "is made by matmul, which is not a fused loop" in text and re.search(r"^  k0_", text, re.M)
    assert "pictured.py:" in text


def test_notebooks_show_the_page():
    html = hostile.visualize(S((3,), "f8"))._repr_html_()
    assert html.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in html
    assert "<script>throw" not in html and html.count("</iframe>") == 1


def test_page_asks_for_nothing():
    page = small().render("html")
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    # A source map would be asked for by a browser's tools.
    assert "sourceMappingURL" not in page
    assert not re.search(r"\beval\(|new Function\(", page)


# MLIR.

MLIR = """
a = np.exp(x) * 2.0 + y[:, None]
a = (x > 0.5) & ~(x < -1)
a = np.where(x > y[:, None], x, -0.0).astype(np.int32)
a = np.floor_divide(i, 3) ^ (i << 2) | np.abs(i)
a = i.astype(np.uint8) + np.uint8(7)
a = (x + 1j * x) / (2 - 1j)
a = x.sum(), x.max(axis=0), x.prod(axis=1, keepdims=True), (x > 0).any(axis=1), i.min()
a = x.argmax(axis=1), x.cumsum(axis=0), np.sort(x, axis=1)
a = x.T[::-1, 1:3] + 1.0, np.exp(x[:, ::2]), x.reshape(-1)[::-1] * 2.0
a = np.concatenate([x, x * 2], axis=1), np.stack([y, y]), np.pad(x, ((1, 2), (0, 1)), constant_values=3.0)
a = x @ x.T, (x[None] @ np.stack([x.T, x.T])).sum(axis=0), x @ x[0]
a = x[np.array([0, -1, 2])], x[i[:2, 0] % 3], np.diagonal(x), np.trace(x)
a = np.linalg.inv(x @ x.T + np.eye(4)), np.fft.fft(x), np.linalg.svd(x, compute_uv=False)
a = x.copy(); a[1:3, ::2] = 7.0; a[::-1] += y[:, None]
a = np.arange(6.0) * np.nan, np.linspace(0, np.inf, 3), np.array([True, False]) | (y[:2] > 0)
a = np.cbrt(x), np.arctan2(x, 2.0), np.hypot(x, x), np.nextafter(x, 2.0), np.rint(x), x ** 3
"""
REGIONS = """graph @f(%x: f64[n, m], %k: i64[]) -> (f64[n, m], f64[n, m], f64[n, m], f64[3, m]) {
  %z = constant {value = 0 : i64} : i64[]
  %c = less %k, %z : bool[]
  %1 = for %x {body = graph @body(%a: f64[n, m]) -> f64[n, m] {
    %r = multiply %a, %a : f64[n, m]
    return %r
  }, carries = 1, hi = n, index = "i", lo = 1} : f64[n, m]
  %2 = while %x, %k {body = graph @body(%a: f64[n, m], %j: i64[]) -> f64[n, m] {
    %r = add %a, %a : f64[n, m]
    return %r
  }, carries = 1, cond = graph @cond(%a: f64[n, m], %j: i64[]) -> bool[] {
    %s = sum %a {axes = [0, 1], keepdims = false} : f64[]
    %t = cast %j {dtype = f64} : f64[]
    %r = less %s, %t : bool[]
    return %r
  }} : f64[n, m]
  %3 = if %c, %x {body = graph @then(%a: f64[n, m]) -> f64[n, m] {
    %r = negative %a : f64[n, m]
    return %r
  }, else = graph @else(%a: f64[n, m]) -> f64[n, m] {
    return %a
  }} : f64[n, m]
  %4 = for %x {body = graph @rows(%a: f64[n, m]) -> f64[m] {
    %s = sum %a {axes = [0], keepdims = false} : f64[m]
    return %s
  }, carries = 0, hi = 3, index = "j", lo = 0} : f64[3, m]
  return %1, %2, %3, %4
}
"""


def verified(text):
    """The module as `mlir-opt` prints it."""
    opt = programs("mlir-opt", *[f"mlir-opt-{n}" for n in range(30, 17, -1)])
    if opt is None:
        pytest.skip("mlir-opt of LLVM 18 or newer is not installed")
    done = subprocess.run([opt, "--verify-each", "--canonicalize"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + text
    return done.stdout


@pytest.mark.parametrize("line", MLIR.strip().splitlines())
def test_mlir_is_valid(line):
    space = {"np": np}
    exec(compile(f"def f(x, y, i):\n  {line}\n  return a\n", line, "exec"), space)
    f = frit.jit(space["f"], fallback="error")
    verified(f.visualize(S((4, 5), "f8"), S((4,), "f8"), S((4, 5), "i8")).render("mlir"))


@pytest.mark.parametrize("text", [SYMBOLIC, LOOP, REGIONS], ids=["sizes", "for", "regions"])
def test_mlir_of_sizes_and_regions(text, tmp_path):
    program = saved(text, tmp_path)
    shapes = {"norms": [(9, 4), (4, 3)], "power": [(5, 5), ()], "f": [(5, 4), ()]}[program.name]
    specs = [S(s, d) for s, (_, d, _) in zip(shapes, program.inputs)]
    out = verified(program.visualize(*specs).render("mlir"))
    assert ("scf.for" in out) == (text is not SYMBOLIC) and ("tensor<?x" in out)


def test_mlir_says_what_it_can_in_upstream_dialects():
    text = small().render("mlir")
    assert "linalg.matmul" in text and "math.exp" in text and "frit." not in text
    text = frit.jit(lambda x: np.sort(np.linalg.inv(x))).visualize(S((4, 4), "f8")).render("mlir")
    assert {"frit.inv", "frit.sort"} <= set(re.findall(r"func.func private @([\w.]+)", text))
