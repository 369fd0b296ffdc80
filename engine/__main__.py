"""The command line: `smart-ptz`."""

from __future__ import annotations

import sys

from engine.app.command_line import run_command


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
