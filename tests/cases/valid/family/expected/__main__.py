"""Starts the app: `python .` from this folder."""

import sys

if sys.version_info < (3, 11):
    raise SystemExit("family: needs Python 3.11 or later")

from family.main import main

raise SystemExit(main())
