"""`python -m frit`: the `frit` command."""

import signal
import sys

from ._frit import main

# The command runs outside of Python, which would notice Ctrl-C after its end only.
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(main(["frit", *sys.argv[1:]]))
