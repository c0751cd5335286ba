"""The page that `visualize` writes, in a browser: real clicks and keys, and nothing on its console."""

import json
import re

import numpy as np
import pytest
from pictured import LOOP, S, common_factor, hostile, parts, programs, saved, small, waves

import frit


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
