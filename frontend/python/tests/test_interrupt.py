"""Ctrl-C while compiled code runs."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import frit


def interrupted(f, *args, after=0.15):
    """Calls and interrupts; the exception. How long it takes to come is benchmarked (`benches/functions.py`)."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as e:
            f(*args)
        return e.value
    finally:
        timer.join()


@pytest.fixture
def plain_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


pytestmark = pytest.mark.usefixtures("plain_handler")


@frit.jit(fallback="error")
def distances(x):
    x += 1
    return np.exp(-((x[:, None] - x[None, :]) ** 2)).sum(axis=1)


def test_blocks_are_cancelled_and_arguments_unchanged():
    distances(np.ones(10))
    x = np.linspace(0, 1, 200_000)
    distances.explain(x)
    before = x.copy()
    e = interrupted(distances, x)
    assert "arguments are unchanged" in str(e)
    assert (x == before).all()


def test_the_quick_path_is_interrupted():
    f = frit.jit(lambda x: np.sin(x[:, None] * x[None, :]).sum(axis=1))
    f(np.ones(3)), f(np.ones(3))
    x = np.ones(200_000)
    f.explain(x)
    e = interrupted(f, x)
    assert "arguments are unchanged" in str(e)


def test_a_library_routine_is_left_behind():
    f = frit.jit(lambda a: np.linalg.inv(a), fallback="error")
    a = np.random.default_rng(0).normal(size=(3000, 3000))
    f.explain(a)
    e = interrupted(f, a)
    assert "arguments are unchanged" in str(e)
    del a
    x = np.arange(2000.0)
    g = frit.jit(lambda x: x + 1)
    assert (g(x) == x + 1).all()


@pytest.mark.parametrize("delay", np.linspace(0.0, 0.03, 12))
def test_mutated_arguments_are_unchanged_or_fully_updated(delay):
    @frit.jit(fallback="error")
    def f(x, y, z):
        x += 1
        y *= 2
        z[::2] = x[::2] + y[::2]

    def arguments():
        return [np.linspace(0, 1, 2_000_000) for _ in range(3)]

    args, before, after = arguments(), arguments(), arguments()
    f(*after)
    with pytest.raises(KeyboardInterrupt) as e:
        timer = threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        while True:
            for a, b in zip(args, before):
                a[:] = b
            f(*args)
    timer.join()
    states = [(a == b).all() for a, b in zip(args, before)], [(a == b).all() for a, b in zip(args, after)]
    if "unchanged" in str(e.value):
        assert all(states[0])
    elif "fully updated" in str(e.value):
        assert all(states[1])
    else:
        # Between two calls.
        assert not str(e.value)


def test_other_threads_are_not_interrupted():
    f = frit.jit(lambda x: np.sin(x[:, None] * x[None, :]).sum(axis=1))
    x = np.linspace(0, 1, 6000)
    want, got = f(x), []
    thread = threading.Thread(target=lambda: got.append(f(x)))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    thread.join()
    np.testing.assert_array_equal(got[0], want)


def test_a_handler_that_does_not_raise_changes_nothing():
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    f = frit.jit(lambda x: np.sin(x[:, None] * x[None, :]).sum(axis=1))
    x = np.linspace(0, 1, 6000)
    timer = threading.Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    got = f(x)
    timer.join()
    np.testing.assert_array_equal(got, f(x))
    assert seen


def test_the_gil_is_released():
    f = frit.jit(lambda x: np.sin(x[:, None] * x[None, :]).sum(axis=1))
    x = np.linspace(0, 1, 20_000)
    f.explain(x)
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    f(x)
    end = time.perf_counter()
    stop.set()
    thread.join()
    during = [t for t in ticks if start < t < end]
    assert during
