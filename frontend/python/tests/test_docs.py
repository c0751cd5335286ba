"""The documentation: its examples run, and its tables are those of the code."""

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import frit
from frit._frit import PICTURES

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted((ROOT / "docs").glob("*.md"))
CODES = sorted((ROOT / "docs/diagnostics").glob("*.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("path", DOCS + CODES, ids=lambda p: p.name)
def test_examples(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")
    # One file as a user would have it: tracebacks and reports name it.
    given = {"np": np, "frit": frit} if path in CODES else {}
    source = doctest.DocTestParser().get_doctest(text, given, path.name, str(path), 0)
    failed = []
    doctest.DocTestRunner(optionflags=FLAGS).run(source, out=failed.append)
    assert not failed, "".join(failed)


@pytest.mark.parametrize("thing", [frit, frit.coverage, frit.debug_nans, frit.disable_jit], ids=lambda t: t.__name__)
def test_docstrings(thing):
    test = doctest.DocTestParser().get_doctest(thing.__doc__, {}, thing.__name__, None, 0)
    failed = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=failed.append)
    assert test.examples and not failed, "".join(failed)


def section(title, page="docs/options.md"):
    """The rows of a table of a page: cells of each."""
    text = (ROOT / page).read_text(encoding="utf-8")
    body = re.split(r"^## ", text, flags=re.M)
    body = next(part for part in body if part.startswith(title))
    return [[c.strip() for c in row.strip("|").split("|")] for row in body.splitlines() if row.startswith("| `")]


@pytest.mark.parametrize(("title", "function"), [("`frit.jit`", frit.Jit.__init__), ("`frit.load`", frit.load)])
def test_options_of_functions(title, function):
    parameters = [p for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    assert [(f"`{p.name}`", f"`{p.default!r}`") for p in parameters] == [(r[0], r[1]) for r in section(title)]


def sources():
    for folder in ("ir", "passes", "codegen", "runtime", "frontend", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".rs", ".py") and "target" not in path.parts:
                yield path


def test_environment_variables():
    used, of_tests = set(), set()
    for path in sources():
        inner = path.relative_to(ROOT).parts
        # A test that sets a variable of the package does not read it.
        own = "tests" in inner and path.suffix == ".rs"
        names = re.findall(r'"(FRIT_[A-Z_]+)"', path.read_text(encoding="utf-8"))
        if own:
            of_tests.update(names)
        elif "tests" not in inner:
            used.update(names)
    told = {name for row in section("Environment variables") for name in re.findall("FRIT_[A-Z_]+", row[0])}
    assert told == used
    told = {name for row in section("Variables of frit's own tests") for name in re.findall("FRIT_[A-Z_]+", row[0])}
    assert told == of_tests - used


def test_options_of_the_command():
    help_of = lambda *command: subprocess.run([sys.executable, "-m", "frit", *command, "--help"], capture_output=True, text=True, check=True).stdout  # noqa: E731
    listed = re.search(r"^Commands:\n(.*?)\n\n", help_of(), flags=re.M | re.S)[1]
    commands = set(re.findall(r"^  (\w+)", listed, flags=re.M)) - {"help"}
    rows = [({c.strip() for c in r[1].split(",")}, re.match(r"`(--[a-z-]+)", r[0])[1]) for r in section("The command")]
    assert set().union(*(of for of, _ in rows)) - {"all"} <= commands >= {"run", "explain", "visualize", "dump"}
    text = (ROOT / "docs/options.md").read_text(encoding="utf-8")
    for command in commands:
        has = set(re.findall(r"--[a-z-]+", help_of(command))) - {"--help"}
        assert {option for of, option in rows if of & {command, "all"}} == has, command
        assert f"`{command} PROGRAM" in text


def test_formats_of_pictures():
    told = [row[0].strip("`.") for row in section("# Pictures", "docs/pictures.md")]
    assert list(told) == PICTURES
    picture = frit.jit(lambda x: x + 1).visualize(frit.spec(3))
    assert len({picture.render(name) for name in PICTURES}) == len(PICTURES)
    with pytest.raises(ValueError, match="unknown format of pictures `pdf`"):
        picture.render("pdf")


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_links_to_all_pages():
    assert all(f"(docs/{p.name})" in README for p in DOCS)


def test_readme_counts_what_there_is():
    assert re.search(r"(\d+) codes", README)[1] == str(len(frit._frit.DIAGNOSTICS)) == str(len(CODES))
    told = re.search(r"options ((?:`\w+`,?\s+)+)`?", README.replace("`.", "` ."))[1]
    options = {p.name for p in inspect.signature(frit.Jit.__init__).parameters.values() if p.default is not p.empty}
    assert set(re.findall(r"`(\w+)`", told)) == options - {"device"}
