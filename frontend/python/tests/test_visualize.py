"""Pictures: every format, and the page in a browser."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest

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


@pytest.fixture
def symbolic(tmp_path):
    return saved(SYMBOLIC, tmp_path).visualize(S((1000, 200), "f8"), S((200, 3), "f8"))


def small():
    return softmax.visualize(S((1000, 64), "f8"), S((64, 10), "f8"))


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
    assert "test_visualize.py:" in text


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


# In a browser.


def programs(*names):
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    pytest.importorskip("selenium", reason="selenium is not installed: the page is not tested")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = programs("chromium", "chromium-browser", "google-chrome"), programs("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium is not installed: the page is not tested")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
    for flag in [*flags.split(), f"user-data-dir={tmp_path_factory.mktemp('chromium')}", "window-size=1500,950"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    # Away from the page that a browser begins with, which is one of its own with requests of its own.
    found.get("data:text/html,")
    yield found
    found.quit()


class Page:
    """A picture in the browser."""

    def __init__(self, browser, path, picture):
        path.write_text(picture.render("html"), encoding="utf-8")
        self.browser = browser
        browser.get_log("performance")
        browser.get(path.as_uri())
        self.url = path.as_uri()
        assert self.js("return document.documentElement.dataset.ready") is not None, self.errors()

    def js(self, script, *args):
        return self.browser.execute_script(script, *args)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        return self.browser.find_element("css selector", selector)

    def text(self, selector):
        return self.one(selector).text

    def card(self, side, begins):
        """The first card of a pane whose text begins so."""
        for card in self.all(f"#{side} .card"):
            if card.get_attribute("aria-label").startswith(begins):
                return card
        raise AssertionError(f"no {begins}: {[c.get_attribute('aria-label') for c in self.all(f'#{side} .card')]}")

    def click(self, element):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).move_to_element(element).click().perform()

    def keys(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def errors(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self):
        found = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if url != self.url and not url.startswith("data:")]

    def chosen(self):
        return [c.get_attribute("aria-label") for c in self.all(".card.chosen")]


@pytest.fixture
def open_page(browser, tmp_path):
    pages = []

    def show(picture):
        pages.append(Page(browser, tmp_path / "picture.html", picture))
        return pages[-1]

    yield show
    for page in pages:
        assert page.errors() == [] and page.requests() == []


def test_clicks_choose_nodes_lines_and_partners(open_page):
    page = open_page(small())
    page.click(page.card("before", "exp"))
    (chosen,) = page.chosen()
    assert chosen.startswith("exp") and page.text("#detail h2") == "exp"
    assert "np.exp" in page.text("#source .chosen")
    assert any(c.get_attribute("aria-label").startswith("exp") for c in page.all("#after .card.match"))
    # A line chooses the nodes that come from it, in both graphs.
    page.click(next(line for line in page.all("#source li.used") if "e.sum" in line.text))
    names = {c.get_attribute("aria-label").split(",")[0] for c in page.all("#before .card.match")}
    assert {"divide", "sum"} <= names and page.all("#after .card.match")
    # A click beside everything chooses nothing.
    page.js("document.querySelector('#before > svg').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert page.chosen() == []


def test_pointing_at_a_node_marks_its_line(open_page):
    from selenium.webdriver import ActionChains

    page = open_page(small())
    ActionChains(page.browser).move_to_element(page.card("after", "exp")).perform()
    assert "np.exp" in page.text("#source .hover")
    ActionChains(page.browser).move_to_element(next(x for x in page.all("#source li.used") if "x @ w" in x.text)).perform()
    assert any(c.get_attribute("aria-label").startswith("matmul") for c in page.all("#after .card.hover"))


def test_keyboard(open_page):
    from selenium.webdriver.common.keys import Keys

    page = open_page(small())
    page.js("document.querySelector('#before > svg').focus()")
    page.keys(Keys.ARROW_DOWN)
    assert page.chosen()[0].startswith("input")
    page.keys(Keys.ARROW_DOWN)
    assert page.chosen()[0].startswith("matmul")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert page.chosen()[0].startswith("matmul")
    assert page.one("#before > svg").get_attribute("aria-activedescendant") == page.one(".card.chosen").get_attribute("id")
    scale = lambda: float(re.search(r"scale\(([\d.]+)", page.one("#before > svg > g").get_attribute("transform"))[1])  # noqa: E731
    before = scale()
    page.keys("+")
    assert scale() > before
    page.keys("0")
    page.keys("-")
    assert scale() < before * 1.3
    page.keys(Keys.ESCAPE)
    assert page.chosen() == []
    page.keys("?")
    assert page.one("#help").is_displayed()
    page.keys(Keys.ESCAPE)
    assert not page.one("#help").is_displayed()


def test_search(open_page):
    from selenium.webdriver.common.keys import Keys

    page = open_page(waves(60))
    page.keys("/")
    page.keys("sqrt")
    hits = int(page.text("#search-count").split()[0])
    assert hits >= 120
    # The hit is in a closed box, which opens.
    assert page.all(".card.closed.hit")
    before = len(page.all("#after .card"))
    page.keys(Keys.ENTER, Keys.ENTER, Keys.ENTER)
    assert page.chosen()[0].startswith("sqrt") and page.text("#search-count") == f"3 of {hits}"
    assert len(page.all("#after .card")) > before
    page.keys(Keys.ESCAPE)
    assert page.text("#search-count") == "" and not page.all(".card.hit")


@frit.jit
def common_factor(x, y, z):
    return np.sqrt(x @ y + x @ z), np.exp(x)[:5].sum(axis=1), x[:, ::-1][:, ::-1]


def test_every_step_of_rewriting_is_a_move(open_page):
    specs = [S((500, 500), "f8")] * 3
    page = open_page(common_factor.visualize(*specs))
    moves = int(re.match(r"(\d+) steps", page.text("#history-text"))[1])
    history = common_factor.explain(*specs).history
    assert moves >= len(history) >= 2
    page.click(page.one("#history-on"))
    seen = []
    for k in range(1, moves + 1):
        at, title = re.match(rf"step (\d+) of {moves} · (.+)", page.text("#history-text")).groups()
        assert int(at) == k and page.text("#detail h2") == title
        sides = [[c.get_attribute("aria-label").split(",")[0] for c in page.all(f"#{side} .card.touched")] for side in ("before", "after")]
        seen.append((title, page.text("#detail"), *sides))
        page.keys("]")
    # At the end it stays.
    assert page.text("#history-text").startswith(f"step {moves} of")
    fired = [title for title, *_ in seen]
    assert [s.rule for s in history] == [t for t in fired if t in {s.rule for s in history}]
    _, detail, before, after = seen[fired.index("matmul-add-left")]
    step = next(s for s in history if s.rule == "matmul-add-left")
    assert before.count("matmul") == 2 and "add" in before and sorted(after) == ["add", "matmul"]
    assert step.before in detail and step.after in detail and "reassociate" in detail and "saves" in detail
    assert page.one("#history-on").get_attribute("disabled")
    # Back by keys, to a step by its name in the list, and out again.
    page.keys("[")
    assert page.text("#history-text").startswith(f"step {moves - 1} of")
    page.click(page.all("#detail .moves button")[0])
    assert page.text("#history-text").startswith("step 1 of")
    page.click(page.one("#history-all"))
    assert not page.all(".card.touched") and page.text("#history-text") == f"{moves} steps of rewriting"
    # A rule that fired leads to its first step.
    page.click(next(b for b in page.all("#detail button") if b.text == "matmul-add-left"))
    assert page.text("#history-text").endswith("· matmul-add-left")


def test_stages_can_be_chosen(open_page):
    page = open_page(common_factor.visualize(*[S((500, 500), "f8")] * 3))
    stages = [o.text for o in page.all("#before select option")]
    assert stages[0] == "as traced" and stages[-1] == "fused" and len(stages) > 2
    # What rules made unnecessary is gone, and smaller nodes are new.
    assert page.all("#before .card .mark.gone") and page.all("#after .card .mark.new") and page.all("#after .card .mark.same")
    page.js("const s = document.querySelector('#before select'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", str(len(stages) - 1))
    assert {m.text for m in page.all(".card .mark")} == {"="}


def test_heat(open_page):
    page = open_page(small())
    assert not page.all(".card[class*=heat]")
    for by in ("bytes", "flops", "lifetime"):
        page.js("const s = document.getElementById('heat'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", by)
        steps = {c for card in page.all("#after .card") for c in card.get_attribute("class").split() if c.startswith("heat")}
        assert len(steps) >= 2, by
    assert page.card("after", "matmul, f64[1000, 10]").get_attribute("class")


def test_sizes_change_numbers(open_page, symbolic):
    page = open_page(symbolic)
    assert "1.53 MiB" in page.card("before", "square").get_attribute("aria-label")
    assert "projected peak" in page.text("#memory .totals")
    page.js("const i = document.getElementById('size-n'); i.value = '1000000000000'; i.dispatchEvent(new Event('input'))")
    assert "1.42 PiB" in page.card("before", "square").get_attribute("aria-label")
    assert "buffers at the peak" in page.text("#memory .totals") and "TiB" in page.text("#memory .totals")
    page.click(page.card("before", "matmul"))
    assert "1.2 PFLOP = 6*m*n" in page.text("#detail")


def test_what_if_of_named_sizes(open_page):
    from selenium.webdriver.common.keys import Keys

    @frit.jit
    def distances(x, y):
        d = x[:, None] - y[None, :]
        return d.max(axis=1), d

    page = open_page(distances.visualize(S("n", "f8"), S("m", "f8")))
    assert "8*m*n" in page.text("#memory .totals") and {"n", "m"} == {e.get_attribute("id")[5:] for e in page.all("#sizes input.size")}
    page.js("const s = document.getElementById('heat'); s.value = 'bytes'; s.dispatchEvent(new Event('change'))")

    def type_size(name, digits):
        page.click(page.one(f"#size-{name}"))
        page.keys(Keys.END, *[Keys.BACKSPACE] * 12, *digits)

    def shown():
        card = page.card("after", "subtract").get_attribute("aria-label")
        return card, page.text("#scale"), page.text("#memory .held"), page.one("#memory .area").get_attribute("d")

    type_size("n", "10")
    type_size("m", "3")
    card, scale, held, area = shown()
    assert "240 B" in card and "30 FLOP" in card and "results 320 B" in page.text("#memory .totals")
    type_size("m", "1000000")
    card2, scale2, held2, area2 = shown()
    assert "76.3 MiB" in card2 and "10 MFLOP" in card2 and "76.3 MiB" in page.text("#memory .totals")
    assert scale2 != scale and "76.3 MiB" in scale2 and held2 != held and area2 != area
    # Each key counts, and what is no number changes nothing: of 10, the 1 is the last.
    type_size("n", "")
    assert "7.63 MiB" in page.card("after", "subtract").get_attribute("aria-label")


def test_memory_chart(open_page):
    from selenium.webdriver import ActionChains

    page = open_page(waves(10))
    assert "at the projected peak" in page.text("#memory .held")
    chart = page.one("#memory svg")
    ActionChains(page.browser).move_to_element_with_offset(chart, -chart.size["width"] // 2 + 5, 0).perform()
    assert page.text("#memory .held").startswith("step 1 of")
    page.click(chart)
    at = int(chart.get_attribute("aria-valuenow"))
    page.js("arguments[0].focus()", chart)
    from selenium.webdriver.common.keys import Keys

    page.keys(Keys.ARROW_RIGHT)
    assert int(chart.get_attribute("aria-valuenow")) == at + 1
    assert page.chosen() or page.all(".card.match")


def test_boxes_open_and_close(open_page):
    page = open_page(waves(60))
    (box,) = [c for c in page.all("#before .card.repeat")]
    before = len(page.all("#before .card"))
    page.click(box.find_element("css selector", ".toggle"))
    assert len(page.all("#before .card")) > before
    page.click(page.one("#before .card.repeat .toggle"))
    assert len(page.all("#before .card")) == before


def test_regions(open_page, tmp_path):
    page = open_page(saved(LOOP, tmp_path).visualize(S((50, 50), "f8"), S((), "f8")))
    assert page.all("#after .card.region.open")
    names = [c.get_attribute("aria-label").split(",")[0] for c in page.all("#after .card")]
    assert {"for", "square", "add"} <= set(names), names


def test_parts_have_a_selector(open_page):
    parts(np.ones(8))
    page = open_page(parts.visualize(np.ones(8)))
    assert [o.text for o in page.all("#part option")] == ["parts, part 1", "parts, part 2"]
    assert page.card("before", "sin")
    page.js("const s = document.getElementById('part'); s.value = '1'; s.dispatchEvent(new Event('change'))")
    assert page.card("before", "cos")


def test_source_is_text(open_page):
    page = open_page(hostile.visualize(S((3,), "f8")))
    assert not page.all("#source b") and not page.all("img")
    assert "</script><b title=" in page.text("#source")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(open_page, scheme):
    page = open_page(small())
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        for heat in ("none", "bytes"):
            page.js("const s = document.getElementById('heat'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", heat)
            least = page.js("""
                const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
                  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
                const ratios = [];
                for (const card of document.querySelectorAll('.card')) for (const text of card.querySelectorAll('text')) {
                  const a = light(getComputedStyle(text).fill), b = light(getComputedStyle(card.querySelector('.face')).fill);
                  ratios.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), card.getAttribute('class'), text.getAttribute('class')]);
                }
                return ratios.sort((x, y) => x[0] - y[0])[0];""")
            assert least[0] >= 4.5, (heat, least)
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


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
