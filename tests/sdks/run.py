"""`make test-clients`: official clients, each in its own locked environment, and real servers.

A folder here is a client: `requirements.txt` is its environment, complete and exact, and each
`test_*.py` runs inside it, with pytest. `common.py` holds what they share. Folders have a hyphen
in their name, so that no client's package is ever mistaken for one of them. There are two servers:
one lets in everybody, the other who shows its key.

    python tests/sdks/run.py [NAME ...]

Environments are kept under .venv-sdks and made anew when their requirements change.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hark.clients.server_process import ServerProcess, free_port, running_server
from renditions import write_renditions

SDKS = Path(__file__).parent
ROOT = SDKS.parent.parent
ENVIRONMENTS = ROOT / ".venv-sdks"
TESTS_TIMEOUT_S = 900.0
SHOULD_NOT_BE_NEEDED = "torch"
KEY = "a-key-for-tests"


class EnvironmentFailedError(Exception):
    """An environment could not be made, or holds what no client should need."""


@dataclass(frozen=True, slots=True)
class Client:
    """A folder with a client's requirements and tests."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def requirements(self) -> Path:
        return self.folder / "requirements.txt"

    @property
    def has_tests(self) -> bool:
        return any(self.folder.glob("test_*.py"))

    @property
    def python(self) -> Path:
        return ENVIRONMENTS / self.name / "bin" / "python"

    @property
    def versions(self) -> str:
        """The packages the requirements name first: the client itself."""
        pins = self.requirements.read_text("utf-8").split("\n\n")[0].splitlines()
        return "\n".join(pin.replace("==", " ") for pin in pins if not pin.startswith("#"))


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: bool
    summary: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the clients that are named, or all; 1 if any test fails or there is none."""
    clients = {path.parent.name: Client(path.parent) for path in SDKS.glob("*/requirements.txt")}
    parser = argparse.ArgumentParser(description="Test official clients against a real server.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(sorted(clients)))
    names = parser.parse_args(arguments).names or sorted(clients)
    if unknown := set(names) - clients.keys():
        parser.error(f"no client {', '.join(sorted(unknown))}; there are {', '.join(clients)}")
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server ends with this process
    with (
        tempfile.TemporaryDirectory() as audio,
        running_server(free_port()) as server,
        running_server(free_port(), ["--api-keys", KEY]) as keyed,
    ):
        write_renditions(Path(audio))
        environment = _environment(server, keyed, Path(audio))
        outcomes = {
            name: _test(clients[name], environment, console)
            for name in names
            if clients[name].has_tests
        }
    console.print(_table([clients[name] for name in names], outcomes))
    return 0 if outcomes and all(outcome.passed for outcome in outcomes.values()) else 1


def _test(client: Client, environment: Mapping[str, str], console: Console) -> Outcome:
    try:
        _prepare(client, console)
    except EnvironmentFailedError as error:
        console.print(str(error), markup=False, highlight=False)
        return Outcome(False, "no environment")
    console.print(f"{client.name}: testing", highlight=False)
    began = time.monotonic()
    try:
        tests = subprocess.run(
            [client.python, "-m", "pytest", "-c", SDKS / "pytest.ini", client.folder],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TESTS_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        sys.stdout.write((error.stdout or b"").decode(errors="replace"))
        return Outcome(False, f"not done after {time.monotonic() - began:.0f} s")
    if tests.returncode:
        sys.stdout.write(tests.stdout)
    return Outcome(tests.returncode == 0, tests.stdout.rstrip().rpartition("\n")[2])


def _environment(server: ServerProcess, keyed: ServerProcess, audio: Path) -> dict[str, str]:
    """This process's, and where the servers, the audio, Hark's client and `common` are."""
    paths = (ROOT / ".links", SDKS)
    return os.environ | {
        "HARK_URL": server.url,
        "HARK_KEYED_URL": keyed.url,
        "HARK_KEY": KEY,
        "HARK_AUDIO": str(audio),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "NO_PROXY": "127.0.0.1,localhost",  # a proxy is for package registries
        "no_proxy": "127.0.0.1,localhost",
    }


def _prepare(client: Client, console: Console) -> None:
    """Make the client's environment, unless it is there as its requirements ask."""
    folder = ENVIRONMENTS / client.name
    stamp = folder / "made-of"
    wanted = hashlib.sha256(sys.version.encode() + client.requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    console.print(f"{client.name}: making its environment", highlight=False)
    shutil.rmtree(folder, ignore_errors=True)
    _must_run([sys.executable, "-m", "venv", folder])
    pip = [client.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _must_run([*pip, "--no-deps", "--requirement", client.requirements])
    if any(folder.glob(f"lib/*/site-packages/{SHOULD_NOT_BE_NEEDED}")):
        raise EnvironmentFailedError(f"{client.requirements} installs {SHOULD_NOT_BE_NEEDED}")
    stamp.write_text(wanted)


def _must_run(command: Sequence[str | Path]) -> None:
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if ran.returncode:
        raise EnvironmentFailedError(f"{' '.join(map(str, command))} failed\n{ran.stderr}")


def _table(clients: Sequence[Client], outcomes: dict[str, Outcome]) -> Table:
    table = Table("client", "version", "tests", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for client in clients:
        outcome = outcomes.get(client.name)
        if outcome is None:
            table.add_row(client.name, client.versions, "none", style="dim")
        else:
            style = "green" if outcome.passed else "red"
            table.add_row(client.name, client.versions, outcome.summary, style=style)
    return table


if __name__ == "__main__":
    sys.exit(main())
