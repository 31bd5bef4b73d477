"""`agentdc` and `python -m agentdc`. `run` with a cached app starts without loading the command line library."""

from __future__ import annotations

import atexit
import gc
import sys

from agentdc.cli import streams


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    gc.set_threshold(200_000)  # a short-lived process keeps most of what it makes
    atexit.register(gc.freeze)  # and need not search it for cycles when it ends
    streams.prepare()
    sys.exit(streams.guarded(command))


def command() -> int:
    """Run the command that the arguments name; its exit status, or SystemExit."""
    if len(sys.argv) > 1 and sys.argv[1] == "run":
        from agentdc.cli.run import main as run

        return run(sys.argv[2:])
    from agentdc.cli.app import main as app

    return app()


if __name__ == "__main__":
    main()
