"""`make test-clients`: official clients, each in its own locked environment, and a real server.

A folder here is a client: `environments.py` says what it holds. `common.py` holds what those in
Python share. Folders have a hyphen in their name, so that no client's package is ever mistaken for
one of them.

    python tests/sdks/run.py [NAME ...]

Environments are kept under .venv-sdks and made anew when their locks change. A client whose
language this machine lacks is not run, and is named as such; under HARK_NO_SKIP=1, as in CI, that
is a failure.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from environments import ROOT, Client, EnvironmentFailedError, clients
from hark.clients.server_process import free_port, running_server
from renditions import write_renditions

TESTS_TIMEOUT_S = 900.0
KEY = "hark-key-1"


class Verdict(Enum):
    """What became of a client's tests; the value is its colour."""

    PASSED = "green"
    FAILED = "red"
    NOT_RUN = "yellow"


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    summary: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the clients that are named, or all; 1 if any test fails or none is run."""
    known = clients()
    parser = argparse.ArgumentParser(description="Test official clients against a real server.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args(arguments).names or list(known)
    if unknown := set(names) - known.keys():
        parser.error(f"no client {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in names]
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers end with this process
    with (
        tempfile.TemporaryDirectory() as audio,
        running_server(free_port()) as server,
        running_server(free_port(), ["--api-keys", KEY]) as keyed,
    ):
        write_renditions(Path(audio))
        shared = {
            "HARK_URL": server.url,
            "HARK_KEYED_URL": keyed.url,
            "HARK_KEY": KEY,
            "HARK_AUDIO": audio,
            "NO_PROXY": "127.0.0.1,localhost",  # a proxy is for package registries
            "no_proxy": "127.0.0.1,localhost",
        }
        outcomes = [tested(client, shared, console) for client in chosen]
    console.print(_table(chosen, outcomes))
    return exit_status(outcomes)


def exit_status(outcomes: Sequence[Outcome]) -> int:
    """0 if tests passed and none failed; tests that were not run are neither."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return 0 if Verdict.PASSED in verdicts and Verdict.FAILED not in verdicts else 1


def tested(client: Client, shared: dict[str, str], console: Console) -> Outcome:
    """Run a client's tests; `shared` are the variables that those of every client read."""
    if client.missing:
        is_required = os.environ.get("HARK_NO_SKIP") == "1"
        verdict = Verdict.FAILED if is_required else Verdict.NOT_RUN
        return Outcome(verdict, f"not run: {client.missing}")
    try:
        if not client.is_made:
            console.print(f"{client.name}: making its environment", highlight=False)
            client.make()
    except EnvironmentFailedError as error:
        console.print(str(error), markup=False, highlight=False)
        return Outcome(Verdict.FAILED, "no environment")
    console.print(f"{client.name}: testing", highlight=False)
    began = time.monotonic()
    try:
        tests = subprocess.run(
            client.command,
            env=os.environ | shared | client.variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TESTS_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        sys.stdout.write((error.stdout or b"").decode(errors="replace"))
        return Outcome(Verdict.FAILED, f"not done after {time.monotonic() - began:.0f} s")
    if tests.returncode:
        sys.stdout.write(tests.stdout)
    verdict = Verdict.FAILED if tests.returncode else Verdict.PASSED
    return Outcome(verdict, client.summary(tests.stdout))


def _table(chosen: Sequence[Client], outcomes: Sequence[Outcome]) -> Table:
    table = Table("client", "version", "tests", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for client, outcome in zip(chosen, outcomes, strict=True):
        style = outcome.verdict.value
        table.add_row(client.name, client.versions, outcome.summary, style=style)
    return table


if __name__ == "__main__":
    sys.exit(main())
