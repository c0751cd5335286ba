"""Options, sizes and files of the wrong kind: errors that name them."""

import json

import numpy as np
import pytest

import frit


def inc(x, n=1):
    return x + n


WRONG_NUMBERS = [(-1, ValueError), (10**30, ValueError), (1.5, TypeError), (float("nan"), TypeError), (True, TypeError), (np.True_, TypeError)]


@pytest.mark.parametrize(("value", "error"), WRONG_NUMBERS)
def test_numbers(value, error, tmp_path):
    f, x = frit.jit(inc), np.ones(3)
    f.save(tmp_path / "f.json", x)
    formula = f.memory(frit.spec("n"))
    for option in ("memory_limit", "threads"):
        with pytest.raises(error, match=f"{option} must be"):
            frit.jit(inc, **{option: value})
        with pytest.raises(error, match=f"{option} must be"):
            frit.load(tmp_path / "f.json", **{option: value})
    for option in ("memory_limit", "block_bytes", "candidates", "cores"):
        with pytest.raises(error, match=f"{option} must be"):
            f.suggest_chunks(x, **{option: value})
    with pytest.raises(error, match="memory_limit must be"):
        f.memory(x, memory_limit=value)
    with pytest.raises(error, match="memory_limit must be"):
        formula.at(n=10, memory_limit=value)
    with pytest.raises(error, match="the size n must be"):
        formula.at(n=value)
    with pytest.raises(error, match="the size n must be"):
        formula.peak_bytes.at(n=value)
    with pytest.raises(error, match="the size n must be"):
        f.warnings(frit.spec("n"), sizes={"n": value})
    with pytest.raises(TypeError, match="sizes must be a dict"):
        f.warnings(frit.spec("n"), sizes=value)
    with pytest.raises(error, match="a size must be"):
        frit.spec((2, value))


def test_text_is_a_number_of_bytes_only():
    f = frit.jit(inc, memory_limit="2GiB", threads=np.int64(2))
    assert f.memory(np.ones(3), memory_limit="1kB").peak_bytes == 64
    for option in ("threads", "candidates", "cores"):
        with pytest.raises(TypeError, match=f"{option} must be a whole number, not '4'"):
            frit.jit(inc, threads="4") if option == "threads" else f.suggest_chunks(np.ones(3), **{option: "4"})
    with pytest.raises(ValueError, match="memory_limit: `much` is no number of bytes"):
        frit.jit(inc, memory_limit="much")


def test_names_of_parameters():
    with pytest.raises(ValueError, match="static_argnames: there is no parameter 'm'; there are 'x', 'n'"):
        frit.jit(inc, static_argnames=("n", "m"))
    for names in (3, (3,), None):
        with pytest.raises(TypeError, match="static_argnames is the name of a parameter"):
            frit.jit(inc, static_argnames=names)
    assert frit.jit(lambda x, **more: x + more["k"], static_argnames="k", fallback="quiet")(1, k=2) == 3


@pytest.mark.parametrize("what", [3, "f", np.ones(3)])
def test_what_is_no_function(what):
    with pytest.raises(TypeError, match="frit.jit takes a function, not "):
        frit.jit(what)
    with pytest.raises(TypeError, match="frit.jit takes a function, not "):
        frit.jit(math="fast")(what)


def test_levels(tmp_path):
    frit.jit(inc).save(tmp_path / "f.json", np.ones(3))
    for math in ("quick", 3):
        with pytest.raises(ValueError, match="math is 'exact' or 'reassociate' or 'fast', not "):
            frit.jit(inc, math=math)
        with pytest.raises(ValueError, match="math is 'exact' or 'reassociate' or 'fast', not "):
            frit.load(tmp_path / "f.json", math=math)


def test_specs_have_no_elements(tmp_path):
    f = frit.jit(inc)
    f.save(tmp_path / "f.json", frit.spec(3))
    for call in (f, frit.load(tmp_path / "f.json")):
        with pytest.raises(TypeError, match="a spec has no elements: give it to f.memory"):
            call(frit.spec(3))
    assert frit.spec(np.int64(3)).shape == (3,) and frit.spec([2, "n"]).shape[0] == 2 and frit.spec(()).shape == ()


def test_files_that_do_not_tell_how_they_are_called(tmp_path):
    path = tmp_path / "f.json"
    frit.jit(inc).save(path, np.ones(3))
    whole = json.loads(path.read_text())
    for key in whole["python"]:
        path.write_text(json.dumps({**whole, "python": {k: v for k, v in whole["python"].items() if k != key}}))
        with pytest.raises(ValueError, match=f'the part "python" does not tell how the program is called: KeyError\\(\'{key}\'\\)'):
            frit.load(path)
    path.write_text(json.dumps({**whole, "python": [3]}))
    with pytest.raises(ValueError, match='the part "python"'):
        frit.load(path)


def test_arrays_that_a_file_does_not_take(tmp_path):
    frit.jit(inc).save(tmp_path / "f.json", np.ones(3))
    g = frit.load(tmp_path / "f.json")
    for a in (np.ones(3, ">f8"), np.array([1, "a", None], object)):
        with pytest.raises(TypeError, match="inc: an array of .* that kernels do not read"):
            g(a)
