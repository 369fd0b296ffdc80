"""`scripts/fuzz soap [--runs N] [--seed S] [--input FILE]`: throws mutated requests at the SOAP entry.

Atheris (libFuzzer) chooses them by what they reach in `onvif_server`. They start from the right request of every
operation, which are the samples of the tests, and go from bytes to answer as any request does, without the network.
Fails on an internal error or any exception, on an answer that is not valid by the schemas or comes too late, on a
hang, and when memory grows. What made it fail is kept in `.build/fuzz/soap/`, for `--input`.

The first byte of an input chooses how its sender is judged: by the UsernameToken in it, by an Authorization header on
its first line, or not at all (the administrator, who reaches most).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / ".build" / "fuzz" / "soap"
RUNS = 200_000
MAXIMUM_BYTES = 16_384
ANSWER_S = 2.0
"""An answer may take so much processor time, with the fuzzer's counters in every branch."""
HANG_S = 120
GROWTH_BYTES = 48 * 2**20
"""Resident memory may grow so much after the warm-up; libFuzzer keeps the inputs that it found."""
WARM_UP = 0.2
"""Share of the runs after which memory should stay."""
DEVICE_RUNS = 500
"""Runs that one device serves, so that what they set stays of a size that can be told apart from a leak."""
BEGIN = 1_700_000_000.0
STEP_S = 0.01

ADMINISTRATOR, TOKEN, HEADER = range(3)


class Finding(AssertionError):  # noqa: N818 - what happened
    """What the fuzzer looks for."""


def resident_bytes() -> int:
    """The memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Judge:
    """Says what is wrong with an answer, and keeps the worst of what it saw."""

    runs: int
    growth_limit: int = GROWTH_BYTES
    count: int = 0
    slowest_s: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    warm_bytes: int = 0
    last_bytes: int = 0

    def answered(self, status: int, body: bytes, took_s: float) -> None:
        """An answer has come. Raises Finding."""
        from onvif_soap_client import checked

        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > ANSWER_S:
            raise Finding(f"the answer took {took_s:.1f} s of processor time")
        if b">internal error<" in body:
            raise Finding("an internal error")
        checked(body)

    def counted(self, memory: int) -> None:
        """A run is over, with so much memory held. Raises Finding."""
        self.count += 1
        self.last_bytes = memory
        if self.count <= self.runs * WARM_UP:
            self.warm_bytes = memory
        elif memory - self.warm_bytes > self.growth_limit:
            grown = (memory - self.warm_bytes) / 2**20
            raise Finding(f"memory has grown by {grown:.0f} MiB since run {int(self.runs * WARM_UP)}")

    def summary(self) -> dict[str, object]:
        """What there is to report."""
        return {
            "runs": self.count,
            "slowest answer, CPU ms": round(1000 * self.slowest_s, 1),
            "answers by status": dict(sorted(self.statuses.items())),
            "memory after the warm-up, MiB": round(self.warm_bytes / 2**20, 1),
            "memory at the end, MiB": round(self.last_bytes / 2**20, 1),
        }


class Entry:
    """The device under fire; a fresh one every now and then."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._loop = asyncio.new_event_loop()
        self._served = DEVICE_RUNS

    def __call__(self, data: bytes) -> None:
        """Answers one input. Raises Finding or whatever else the device let through."""
        if self._served >= DEVICE_RUNS:
            self._renew()
        self._served += 1
        self._clock.at += STEP_S
        mode, header, body = split(data)
        began = time.process_time()
        answer = self._loop.run_until_complete(self._answer(mode, header, body))
        self._judge.answered(answer.status, answer.body, time.process_time() - began)

    def _renew(self) -> None:
        from onvif_host import HandClock, Running

        self._served = 0
        self._clock = HandClock(BEGIN)
        # No consumers: they are addresses, and the fuzzer would send to whatever it makes up.
        self._running = Running(now=self._clock, maximum_pull_s=0.0, maximum_consumers=0)
        self._loop.run_until_complete(self._prepare())

    async def _prepare(self) -> None:
        """Makes what sample requests speak of, as a client would."""
        from fuzz_soap_mutations import PREPARATIONS
        from onvif_soap_client import envelope

        self._subscription = None
        for body in PREPARATIONS:
            answer = await self._answer(ADMINISTRATOR, None, envelope(body).encode())
            found = re.search(rb"/subscription/([\w-]+)<", answer.body)
            if found is not None:
                self._subscription = found.group(1).decode()

    async def _answer(self, mode: int, header: str | None, body: bytes):
        from onvif_server.backend import Caller
        from onvif_server.security.authenticator import Credentials
        from onvif_server.soap.dispatcher import Origin

        endpoint = self._running.device._endpoint

        def admit(request, access) -> Caller:
            if mode == ADMINISTRATOR:
                return Caller("admin", "192.0.2.1")
            credentials = Credentials(
                authorization=header,
                method="POST",
                target="/onvif/device_service",
                username_token=request.username_token,
                address="192.0.2.1",
            )
            return endpoint._authenticator.admit(credentials, access)

        origin = Origin(
            base_url="http://192.0.2.2",
            host="192.0.2.2",
            local_address="192.0.2.2",
            subscription=self._subscription,
            connected=lambda: True,
        )
        return await endpoint._dispatcher.answer(body, origin, admit)


def split(data: bytes) -> tuple[int, str | None, bytes]:
    """An input's mode, its Authorization header if it has one, and the request."""
    mode = data[0] % 3 if data else ADMINISTRATOR
    body = data[1:]
    if mode != HEADER:
        return mode, None, body
    line, _, body = body.partition(b"\n")
    return mode, line.decode("latin-1"), body


def work(runs: int, seed: int, corpus: Path) -> None:
    """Fuzzes in this process. Does not return."""
    import atheris

    with atheris.instrument_imports(include=["onvif_server"]):
        import onvif_host  # noqa: F401 - brings the whole library
    from fuzz_soap_mutations import Mutations

    logging.disable(logging.CRITICAL)
    judge, mutations = Judge(runs), Mutations()
    entry = Entry(judge)
    dictionary = corpus.with_suffix(".dict")
    mutations.write(corpus, dictionary)

    def once(data: bytes) -> None:
        entry(data)
        judge.counted(resident_bytes())
        if judge.count == runs:
            print("RESULT " + json.dumps(judge.summary()), flush=True)

    def mutate(data: bytes, maximum: int, number: int) -> bytes:
        changed = mutations.mutate(data, random.Random(number))
        return atheris.Mutate(data, maximum) if changed is None or len(changed) > maximum else changed

    options = {
        "runs": runs,
        "seed": seed,
        "max_len": MAXIMUM_BYTES,
        "len_control": 0,
        "timeout": HANG_S,
        "rss_limit_mb": 4096,
        "dict": dictionary,
        "artifact_prefix": f"{FINDINGS}/",
        "print_final_stats": 1,
    }
    arguments = [sys.argv[0], str(corpus), *(f"-{name}={value}" for name, value in options.items())]
    atheris.Setup(arguments, once, custom_mutator=mutate)
    atheris.Fuzz()


def fuzz(runs: int, seed: int) -> int:
    """Fuzzes in a process of its own; returns 0 if nothing was found."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        worker = [sys.executable, __file__, "--work", str(corpus), "--runs", str(runs), "--seed", str(seed)]
        process = subprocess.Popen(
            worker, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT
        )
        result = None
        for line in process.stdout:
            if line.startswith("RESULT "):
                result = json.loads(line.removeprefix("RESULT "))
            else:
                print(line, end="", file=sys.stderr, flush=True)
        code = process.wait()
    if code or result is None:
        print(f"found something (code {code}); the input is in {FINDINGS.relative_to(ROOT)}/", file=sys.stderr)
        return 1
    print(json.dumps({**result, "seconds": round(time.monotonic() - began), "findings": 0}, indent=2))
    return 0


def repeat(path: Path) -> int:
    """Gives one input to the device, without the fuzzer."""
    Entry(Judge(1))(path.read_bytes())
    print("answered well")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.partition("\n\n")[0])
    parser.add_argument("target", nargs="?", choices=["soap"], default="soap")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--input", type=Path, metavar="FILE", help="only this input, e.g. one that was found")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.input is not None:
        return repeat(options.input)
    if options.work is not None:
        work(options.runs, options.seed, options.work)
    return fuzz(options.runs, options.seed)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
