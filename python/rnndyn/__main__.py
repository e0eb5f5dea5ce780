"""``python -m rnndyn`` is the command line."""

import sys

from rnndyn.cli import main

sys.exit(main())
