"""The locked environments of official clients, and what runs in them. Knows no server.

A folder here is a client. What it locks says in whose environment its tests run:

    requirements.txt    Python's: each test_*.py, with pytest
    package-lock.json   Node's: each test_*.js, with Node's own test runner
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

SDKS = Path(__file__).parent
ROOT = SDKS.parent.parent
ENVIRONMENTS = ROOT / ".venv-sdks"
SHOULD_NOT_BE_NEEDED = "torch"


class EnvironmentFailedError(Exception):
    """An environment could not be made, or holds what no client should need."""


class Client(ABC):
    """A folder with the lock of an environment and with tests."""

    LOCK: ClassVar[str]
    TESTS: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def lock(self) -> Path:
        return self._folder / self.LOCK

    @property
    def tests(self) -> list[Path]:
        return sorted(self._folder.glob(self.TESTS))

    @property
    def environment(self) -> Path:
        return ENVIRONMENTS / self.name

    @property
    def is_made(self) -> bool:
        """Whether the environment is there as the lock asks."""
        return self._stamp.exists() and self._stamp.read_text() == self._wanted()

    def make(self) -> None:
        """Make the environment anew. Raises EnvironmentFailedError with what was said."""
        shutil.rmtree(self.environment, ignore_errors=True)
        self._install()
        self._stamp.write_text(self._wanted())

    @property
    @abstractmethod
    def versions(self) -> str:
        """The client's own packages, one a line."""

    @property
    @abstractmethod
    def missing(self) -> str:
        """What this machine lacks, and how to get it; empty if nothing."""

    @property
    @abstractmethod
    def command(self) -> list[str | Path]:
        """Runs the tests: 0 if all pass."""

    @property
    @abstractmethod
    def variables(self) -> dict[str, str]:
        """The variables by which the tests find what they import."""

    @abstractmethod
    def summary(self, output: str) -> str:
        """How many tests passed, of what `command` wrote."""

    @abstractmethod
    def _install(self) -> None: ...

    @property
    @abstractmethod
    def _language(self) -> str:
        """The version of the language, for an environment does not outlive it."""

    @property
    def _stamp(self) -> Path:
        return self.environment / "made-of"

    def _wanted(self) -> str:
        return hashlib.sha256(self._language.encode() + self.lock.read_bytes()).hexdigest()


class PythonClient(Client):
    LOCK = "requirements.txt"
    TESTS = "test_*.py"

    @property
    def versions(self) -> str:
        """The packages the requirements name first."""
        pins = self.lock.read_text("utf-8").split("\n\n")[0].splitlines()
        return "\n".join(pin.replace("==", " ") for pin in pins if not pin.startswith("#"))

    @property
    def missing(self) -> str:
        return ""

    @property
    def command(self) -> list[str | Path]:
        return [self._python, "-m", "pytest", "-c", SDKS / "pytest.ini", *self.tests]

    @property
    def variables(self) -> dict[str, str]:
        """Hark's own client is there, and `common`."""
        return {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / ".links", SDKS)))}

    def summary(self, output: str) -> str:
        return output.rstrip().rpartition("\n")[2]

    def _install(self) -> None:
        _must_run([sys.executable, "-m", "venv", self.environment])
        pip = [self._python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _must_run([*pip, "--no-deps", "--requirement", self.lock])
        if any(self.environment.glob(f"lib/*/site-packages/{SHOULD_NOT_BE_NEEDED}")):
            raise EnvironmentFailedError(f"{self.lock} installs {SHOULD_NOT_BE_NEEDED}")

    @property
    def _language(self) -> str:
        return sys.version

    @property
    def _python(self) -> Path:
        return self.environment / "bin" / "python"


class NodeClient(Client):
    """Its tests are CommonJS, which looks for packages where NODE_PATH says."""

    LOCK = "package-lock.json"
    TESTS = "test_*.js"
    PROGRAMS = ("node", "npm")

    @property
    def versions(self) -> str:
        """The packages that package.json names; the lock holds those they need, too."""
        packages = json.loads(self.lock.read_text("utf-8"))["packages"]
        pins = packages[""]["dependencies"].items()
        return "\n".join(f"{name} {version}" for name, version in pins)

    @property
    def missing(self) -> str:
        lacking = [program for program in self.PROGRAMS if shutil.which(program) is None]
        if not lacking:
            return ""
        return f"needs {' and '.join(lacking)}: apt-get install nodejs npm"

    @property
    def command(self) -> list[str | Path]:
        return ["node", "--test", "--test-reporter=spec", *self.tests]

    @property
    def variables(self) -> dict[str, str]:
        return {"NODE_PATH": str(self.environment / "node_modules")}

    def summary(self, output: str) -> str:
        """In pytest's words. Node ends with a line for each count, and milliseconds."""
        counts = dict(re.findall(r"^\S+ (pass|fail|cancelled|duration_ms) ([\d.]+)$", output, re.M))
        if not counts:
            return "no test ran"
        failed = int(counts["fail"]) + int(counts["cancelled"])
        told = [f"{failed} failed"] * bool(failed) + [f"{counts['pass']} passed"]
        return f"{', '.join(told)} in {float(counts['duration_ms']) / 1000:.2f}s"

    def _install(self) -> None:
        self.environment.mkdir(parents=True)
        for name in ("package.json", self.LOCK):
            shutil.copy(self._folder / name, self.environment)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
        _must_run(["npm", "ci", "--prefix", self.environment, *quiet])

    @property
    def _language(self) -> str:
        return _must_run(["node", "--version"])


KINDS = (PythonClient, NodeClient)


def clients() -> dict[str, Client]:
    """All there are, by their name."""
    found = [kind(lock.parent) for kind in KINDS for lock in SDKS.glob(f"*/{kind.LOCK}")]
    return {client.name: client for client in sorted(found, key=lambda client: client.name)}


def _must_run(command: Sequence[str | Path]) -> str:
    """What it wrote to its standard output. Raises EnvironmentFailedError."""
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if ran.returncode:
        raise EnvironmentFailedError(f"{' '.join(map(str, command))} failed\n{ran.stderr}")
    return ran.stdout
