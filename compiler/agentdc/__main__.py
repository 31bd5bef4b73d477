"""`agentdc` and `python -m agentdc`. `run` with a cached app starts without loading the command line library."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    if len(sys.argv) > 1 and sys.argv[1] == "run":
        from agentdc.cli.run import main as run

        sys.exit(run(sys.argv[2:]))
    from agentdc.cli.app import app

    app(prog_name="agentdc")


if __name__ == "__main__":
    main()
