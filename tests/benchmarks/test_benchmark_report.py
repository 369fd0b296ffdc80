"""What a benchmark says, to people and to machines; nothing here takes a time."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as command_line
from benchmarks import calibration
from benchmarks.machine import describe_machine
from benchmarks.registry import BENCHMARKS, Benchmark
from benchmarks.report import Better, Report, Result
from demo.processes import ProcessFailed
from demo.usage import processor_seconds

MACHINE = {"cores": 2, "cpu": "Some CPU", "memory_gib": 4.0, "python": "3.14.2", "os": "Some Linux"}
REPORT = Report(
    "example",
    MACHINE,
    [
        Result("delay", 149.98765, "ms", 150.0),
        Result("rate", 4.5, "pictures/s", 4.9, Better.HIGHER),
        Result("size", 12.0, "MB"),
    ],
)


def test_the_json_has_name_machine_and_results():
    assert json.loads(REPORT.to_json()) == {
        "name": "example",
        "machine": MACHINE,
        "results": [
            {"metric": "delay", "value": 150.0, "unit": "ms", "aim": 150.0, "better": "lower", "met": True},
            {"metric": "rate", "value": 4.5, "unit": "pictures/s", "aim": 4.9, "better": "higher", "met": False},
            {"metric": "size", "value": 12.0, "unit": "MB", "aim": None, "better": "lower", "met": None},
        ],
    }


@pytest.mark.parametrize(
    ("better", "value", "met"),
    [(Better.LOWER, 1.0, True), (Better.LOWER, 1.01, False), (Better.HIGHER, 1.0, True), (Better.HIGHER, 0.99, False)],
)
def test_an_aim_is_met_when_the_value_reaches_it(better, value, met):
    assert Result("x", value, "", 1.0, better).met is met


def test_a_report_is_met_when_no_aim_is_missed():
    assert not REPORT.met
    assert Report("example", MACHINE, [Result("x", 5.0, ""), Result("y", 1.0, "", 2.0)]).met


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_none_is_not_reported(value):
    with pytest.raises(ValueError, match="nothing was measured"):
        Result("x", value, "")


def test_the_table_shows_every_figure_with_its_aim_and_the_machine():
    console = Console(width=120, file=io.StringIO())
    console.print(REPORT.table())
    text = console.file.getvalue()
    lines = {line.split("│")[1].strip(): line for line in text.splitlines() if line.startswith("│")}
    cells = {name: [cell.strip() for cell in line.split("│")[1:-1]] for name, line in lines.items()}
    assert cells["delay"] == ["delay", "150", "ms", "≤ 150", "yes"]
    assert cells["rate"] == ["rate", "4.5", "pictures/s", "≥ 4.9", "no"]
    assert cells["size"] == ["size", "12", "MB", "", ""]
    assert "Some CPU" in text


def test_the_machine_is_described_without_telling_whose_it_is():
    machine = describe_machine()
    assert set(machine) == {"cores", "cpu", "memory_gib", "python", "os"}
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0
    assert machine["cpu"]
    assert str(Path.cwd()) not in json.dumps(machine)


def test_without_a_name_the_benchmarks_are_listed(capsys):
    assert command_line.main([]) == 0
    output = capsys.readouterr().out
    assert all(name in output for name in BENCHMARKS)


@pytest.mark.parametrize("arguments", [["nonsense"], ["--json", "x.json"]])
def test_a_wrong_command_line_is_refused(arguments):
    with pytest.raises(SystemExit) as refused:
        command_line.main(arguments)
    assert refused.value.code == 2


def test_a_benchmark_is_run_and_written_to_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(calibration, "SEEDS", 3)
    path = tmp_path / "calibration.json"
    assert command_line.main(["calibration", "--json", str(path)]) == 0
    report = json.loads(path.read_text())
    assert report["name"] == "calibration"
    assert {result["metric"] for result in report["results"]} >= {"4 pairs: error over the picture, RMS"}
    assert all(set(one) == {"metric", "value", "unit", "aim", "better", "met"} for one in report["results"])
    assert "calibration" in capsys.readouterr().out


def test_a_benchmark_that_cannot_measure_says_why_and_writes_nothing(tmp_path, monkeypatch, capsys):
    def fail(_self, _say):
        raise ProcessFailed("the camera ended with code 1")

    monkeypatch.setattr(Benchmark, "run", fail)
    path = tmp_path / "analysis.json"
    assert command_line.main(["analysis", "--json", str(path)]) == 1
    assert "the camera ended with code 1" in capsys.readouterr().err
    assert not path.exists()


def test_the_kernels_clock_of_a_process_is_its_processor_time():
    before = time.process_time()
    measured = processor_seconds(os.getpid())
    assert before <= measured <= time.process_time()


def test_a_process_that_has_ended_cannot_be_measured():
    with pytest.raises(ProcessFailed, match="has ended"):
        processor_seconds(2**22 + 1)
