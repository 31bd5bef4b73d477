"""Starts the app: `python .` from this folder."""

import sys

if sys.version_info < (3, 11):
    raise SystemExit("maybe-unset: needs Python 3.11 or later")

from maybe_unset.main import main

raise SystemExit(main())
