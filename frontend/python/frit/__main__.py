"""`python -m frit`: the `frit` command."""

import sys

from ._frit import main

sys.exit(main(["frit", *sys.argv[1:]]))
