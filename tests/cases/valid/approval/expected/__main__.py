"""Starts the app: `python .` from this folder."""

import sys

if sys.version_info < (3, 11):
    raise SystemExit("approval: needs Python 3.11 or later")

from approval.main import main

raise SystemExit(main())
