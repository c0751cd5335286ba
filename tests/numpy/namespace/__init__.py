"""Cases for the NumPy namespace, for tests/tests/namespace.

    write(OUT)

writes OUT/namespace.json: a list of {f, inputs, args, tol, expect or error}. `f` is NumPy's name and `args` NumPy's
keyword arguments; `expect` holds NumPy's results, `error` a part of its message.
"""

import json
import os

from . import arrays, numbers
from .case import CASES


def write(out):
    for group in arrays.GROUPS + numbers.GROUPS:
        group()
    with open(os.path.join(out, "namespace.json"), "w") as f:
        json.dump(CASES, f)
    print(f"{len(CASES)} cases of {len({c['f'] for c in CASES})} functions")
