"""`python -m benchmarks [NAME] [--json FILE]`: without a name, lists the benchmarks."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.registry import BENCHMARKS
from benchmarks.report import Report
from demo.processes import ProcessFailed

EXIT_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Exit code 0: measured (an aim that is missed shows in the report); 1: could not measure."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures what the product promises.")
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), metavar="NAME", help="which; default: list them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    console, progress = Console(), Console(stderr=True, style="dim")
    if options.name is None:
        if options.json is not None:
            parser.error("--json needs the NAME of a benchmark")
        console.print(_list())
        return 0
    try:
        results = BENCHMARKS[options.name].run(progress.print)
    except ProcessFailed as error:
        Console(stderr=True).print(f"{options.name}: {error}", style="red", markup=False)
        return EXIT_FAILED
    report = Report(options.name, describe_machine(), results)
    console.print(report.table())
    if options.json is not None:
        options.json.write_text(report.to_json())
    return 0


def _list() -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("benchmark", "takes", "what it measures"):
        table.add_column(heading, no_wrap=heading != "what it measures")
    for benchmark in BENCHMARKS.values():
        table.add_row(benchmark.name, benchmark.duration, benchmark.summary)
    return table


if __name__ == "__main__":
    sys.exit(main())
