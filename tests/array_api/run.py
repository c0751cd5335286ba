"""Runs the array API standard's own tests on `frit.numpy`.

    python tests/array_api/run.py CHECKOUT [pytest's arguments]

CHECKOUT is a checkout of https://github.com/data-apis/array-api-tests with its submodule. frit, pytest and the suite's
requirements must be installed. `xfails.txt` lists tests that are known to fail, each group with its reason; the exit status is
that of pytest, so a listed test that passes is no failure, and any other that fails is.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main(checkout, *more):
    env = {**os.environ, "ARRAY_API_TESTS_MODULE": "frit.numpy"}
    options = ["--max-examples", "50", "--disable-deadline", "--derandomize", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *options, "--rootdir=.", f"--xfails-file={HERE / 'xfails.txt'}", "array_api_tests", *more]
    return subprocess.run(command, cwd=checkout, env=env).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
