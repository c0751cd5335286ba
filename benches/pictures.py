"""How long the page of a large program takes to open: `python benches/pictures.py [iterations]`.

Needs Chromium with its driver, and selenium. The time is from the start of loading to the first picture, as the browser counts it.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import frit


def unrolled(iterations):
    @frit.jit
    def waves(u, c):
        v = np.zeros_like(u)
        for _ in range(iterations):
            lap = u[2:] - 2.0 * u[1:-1] + u[:-2]
            v[1:-1] += c * lap
            u = u + v * 0.1
            e = (u * u).sum() + (v * v).sum()
            u = u / np.sqrt(e)
        return u

    return waves


def browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    for flag in "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync".split():
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def main():
    f = unrolled(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    specs = frit.spec((1000,), "f8"), frit.spec((998,), "f8")
    f.explain(*specs)
    start = time.perf_counter()
    picture = f.visualize(*specs)
    made = time.perf_counter()
    page = picture.render("html")
    written = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "waves.html")
        path.write_text(page, encoding="utf-8")
        driver = browser(folder)
        times = []
        for _ in range(5):
            driver.get(path.as_uri())
            times.append(driver.execute_script("return performance.timing.loadEventEnd - performance.timing.navigationStart"))
        shown = driver.find_element("css selector", "#before .totals").text
        driver.quit()
    print(f"{shown}; page of {len(page) / 1e6:.1f} MB")
    print(f"picture {made - start:.2f} s, page {written - made:.2f} s, opening {min(times)} to {max(times)} ms")


if __name__ == "__main__":
    main()
