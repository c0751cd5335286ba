"""Chunk suggestions: for functions that work block by block, the blocks are computed from what a plan says and from
nothing else, and compared with NumPy. `passes/tests/chunk.rs` runs plans of several stages."""

import json

import numpy as np
import pytest

import frit


def check(function, arrays, apply, **options):
    """Runs all candidates of one stage; `apply` makes a block of the result from the blocks that a task reads."""
    jitted = frit.jit(function)
    found = jitted.suggest_chunks(*arrays, cores=2, candidates=12, **options)
    names = list(found.chunks)
    want = function(*arrays)
    ran = 0
    for plan in found.candidates:
        if len(plan.stages) != 1 or plan.stages[0]["contracted"] and not all(t.first and t.last for t in plan.tasks()):
            continue
        got, read = np.full(want.shape, np.nan, want.dtype), 0
        tasks = plan.tasks()
        assert len(tasks) == plan.tasks_count
        for task in tasks:
            blocks = {}
            for name, box in task.reads:
                block = arrays[names.index(name)][box]
                read += block.nbytes
                assert block.nbytes <= plan.largest_block
                blocks.setdefault(name, []).append(block)
            ((_, target),) = task.writes
            got[target] = apply(target, *[blocks[n] for n in names])
        assert read == plan.bytes_read
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
        ran += 1
    assert ran > 1, found
    return found


def rng(*shape):
    return np.random.default_rng(3).standard_normal(shape)


def test_elementwise():
    f = lambda x, y: np.exp(x) * y + 1  # noqa: E731
    check(f, [rng(30, 20), rng(20)], lambda _, x, y: f(x[0], y[0]), block_bytes=800)


def test_transform_of_rows():
    found = check(lambda x: np.abs(np.fft.rfft(x, axis=1)), [rng(24, 64)], lambda at, x: np.abs(np.fft.rfft(x[0], axis=1))[:, at[1]], block_bytes=4096)
    assert found.chunks["x"][1] == 64


def test_softmax():
    def softmax(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    found = check(softmax, [rng(32, 50)], lambda at, x: softmax(x[0])[:, at[1]], block_bytes=2000)
    assert found.chunks["x"][1] == 50


def test_moving_average():
    def average(x):
        return (x[:-2] + x[1:-1] + x[2:]) / 3

    found = check(average, [rng(300)], lambda _, x: average(x[0]), block_bytes=400)
    # Two elements more for each block.
    assert found.best.bytes_read == 8 * (298 + 2 * found.best.tasks_count)


def test_image_pipeline():
    def edges(x):
        y = np.clip(x, 0, 1) ** 2.2
        return np.sqrt((y[1:-1, 2:] - y[1:-1, :-2]) ** 2 + (y[2:, 1:-1] - y[:-2, 1:-1]) ** 2)

    found = check(edges, [np.abs(rng(66, 50))], lambda _, x: edges(x[0]), block_bytes=3000)
    assert found.best.tasks_count > 1


def test_square_blocks_of_a_symmetrized_matrix():
    found = frit.jit(lambda x: x + x.T).suggest_chunks(frit.spec((64, 64)), block_bytes=2048, cores=2)
    rows, columns = found.chunks["x"]
    assert rows == columns
    for task in found.best.tasks():
        target = task.writes[0][1]
        boxes = [box for _, box in task.reads]
        assert target in boxes and target[::-1] in boxes


def test_products():
    found = frit.jit(lambda a, b: a @ b).suggest_chunks(frit.spec((64, 64)), frit.spec((64, 64)), block_bytes=16 * 16 * 8, cores=2)
    assert found.best.bytes_read == 2 * 64**3 // 16 * 8
    assert found.chunks["a"][0] == 16


def test_two_passes_are_reported_with_the_line():
    def spectrum(x):
        rows = np.fft.fft(x, axis=1)
        return np.abs(np.fft.fft(rows, axis=0))

    found = frit.jit(spectrum).suggest_chunks(frit.spec((4096, 4096)), memory_limit="64MiB", cores=2)
    (change,) = found.best.rechunks
    assert change.op == "fft" and change.line and change.bytes == 2 * 16 * 4096 * 4096
    assert change.before[1] == 4096 and change.after[0] == 4096
    assert "rechunk fft at" in str(found) and "rechunk" in found._repr_html_()
    assert found.best.peak_bytes <= 64 << 20 and found.best.fits
    assert "rechunk" in found.best.graph()


def test_reports():
    def center(x):
        return x - x.mean(axis=0)

    found = frit.jit(center).suggest_chunks(frit.spec((1_000_000, 10_000)), memory_limit="1GiB", cores=4)
    text = str(found).splitlines()
    assert text[0] == "chunks of center for 4 cores, at most 1 GiB" and text[1].startswith("candidate")
    assert len(found.candidates) > 2 and all(c.lost for c in found.candidates[1:]) and not found.best.lost
    data = json.loads(found.to_json())
    assert data["candidates"][0]["chunks"]["x0"] == list(found.chunks["x"])
    assert "<table" in found._repr_html_()


def test_errors():
    with pytest.raises(TypeError, match="block_bytes must be a whole number, not None"):
        frit.jit(np.sqrt).suggest_chunks(frit.spec((5,), "f8"), block_bytes=None)
    f = frit.jit(lambda x: x + 1)
    with pytest.raises(ValueError, match="block_bytes must be positive, not 0"):
        f.suggest_chunks(frit.spec((3,)), block_bytes=0)
    parts = frit.jit(lambda x: x + 1 if x.sum() > 0 else x, fallback="quiet")
    with pytest.raises(frit.FallbackError):
        parts.suggest_chunks(frit.spec((3,)))


def test_indices_that_no_machine_holds():
    taken = frit.jit(lambda x, i: x[i].sum(axis=1))
    found = taken.suggest_chunks(frit.spec((10**6, 10**6), "f8"), frit.spec((10**8,), "i8"), memory_limit="16GiB")
    assert found.best.fits and found.best.tasks_count > 1
    # What NumPy says of shapes names them.
    both = frit.jit(lambda x, i, j: x[i, j])
    with pytest.raises(IndexError, match=r"shapes \(3,\) \(4,\)"):
        both(np.ones((5, 5)), np.zeros(3, int), np.zeros(4, int))


def test_rows_of_routines_are_not_cut():
    def selected(x):
        return np.median(x, axis=1)

    found = frit.jit(selected).suggest_chunks(frit.spec((10**5, 10**5), "f8"), memory_limit="1GiB")
    assert found.chunks["x"][1] == 10**5
    # Thin blocks sort no faster than thick ones.
    assert found.best.largest_block > 2**24
