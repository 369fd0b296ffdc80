"""The fuzzer of the SOAP entry runs, and fails on what it is there to find. `scripts/fuzz` is the long run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import fuzz_soap
import pytest
from fuzz_soap import ANSWER_S, Entry, Finding, Judge
from fuzz_soap_mutations import Mutations
from onvif_host import Host
from onvif_soap_client import envelope

pytestmark = [pytest.mark.ledger("ONVIF-5"), pytest.mark.timeout(400)]

RUNS = 1500
GOOD = envelope("<tds:GetHostname/>").encode()
FOUND = {
    "an empty name among those of a list": envelope(
        "<tan:DeleteRules><tan:ConfigurationToken>yard-analytics-config</tan:ConfigurationToken><tan:RuleName/>"
        "</tan:DeleteRules>"
    ),
    "an empty name of a profile": envelope(
        "<trt:CreateProfile><trt:Name/><trt:Token>nameless</trt:Token></trt:CreateProfile>"
    ),
    "a message id that is no URI": envelope("<tds:GetHostname/>", "<wsa:MessageID>boolean(//a:b[@c])</wsa:MessageID>"),
}
"""What it found once."""


def test_a_short_run_finds_nothing() -> None:
    pytest.importorskip("atheris", reason="the fuzzer is not to be had for this machine")
    command = [sys.executable, fuzz_soap.__file__, "soap", "--runs", str(RUNS), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=360, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["runs"] == RUNS
    assert result["answers by status"]["200"] > 50
    assert result["answers by status"]["400"] > 50


def test_a_good_request_passes() -> None:
    judge = Judge(10)
    Entry(judge)(b"\x00" + GOOD)
    assert judge.statuses[200] == 1


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_mended(name: str) -> None:
    entry = Entry(Judge(10))
    entry(b"\x00" + FOUND[name].encode())
    # Nor does it stay and spoil what comes after it.
    entry(b"\x00" + envelope("<trt:GetProfiles/>").encode())


def test_the_sender_is_judged_as_the_first_byte_says() -> None:
    judge = Judge(10)
    entry = Entry(judge)
    users = envelope("<tds:GetUsers/>").encode()
    for mode, status in ((b"\x00", 200), (b"\x01", 401), (b"\x02", 401)):
        before = judge.statuses.get(status, 0)
        entry(mode + (b"Digest username=x\n" if mode == b"\x02" else b"") + users)
        assert judge.statuses[status] == before + 1


def test_an_error_of_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Host, channel: str, request: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(Host, "stream_uri", broken)
    entry = Entry(Judge(10))
    body = "<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>dome-profile</tr2:ProfileToken>"
    with pytest.raises(Finding, match="internal error"):
        entry(b"\x00" + envelope(f"{body}</tr2:GetStreamUri>").encode())


def test_a_late_answer_is_found() -> None:
    with pytest.raises(Finding, match="processor time"):
        Judge(10).answered(200, GOOD, 2 * ANSWER_S)


def test_an_answer_that_is_not_valid_is_found() -> None:
    with pytest.raises(AssertionError):
        Judge(10).answered(200, envelope("<tds:GetHostname><tds:Nonsense/></tds:GetHostname>").encode(), 0.0)


def test_memory_that_grows_is_found() -> None:
    judge = Judge(runs=100, growth_limit=1000)
    for _ in range(20):
        judge.counted(5000)
    judge.counted(6000)
    with pytest.raises(Finding, match="memory"):
        judge.counted(6001)


def test_changed_requests_differ_and_repeat(tmp_path: Path) -> None:
    mutations = Mutations()
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    mutations.write(corpus, tmp_path / "words")
    assert len(list(corpus.iterdir())) > 150
    import random

    def changed() -> list[bytes | None]:
        return [mutations.mutate(b"\x00" + GOOD, random.Random(number)) for number in range(40)]

    assert changed() == changed()
    assert len(set(changed())) > 10
    assert all(one is None or one[:1] == b"\x00" for one in changed())
