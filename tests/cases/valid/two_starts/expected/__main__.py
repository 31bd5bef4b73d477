"""Starts the app: `python .` from this folder."""

import sys

if sys.version_info < (3, 11):
    raise SystemExit("two-starts: needs Python 3.11 or later")

from two_starts.main import main

raise SystemExit(main())
