"""The environments of `make test-clients`: locked completely, named safely, never passed over."""

import importlib
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from .sdks.environments import KINDS, SDKS

LOCKS = sorted(path for kind in KINDS for path in SDKS.glob(f"*/{kind.LOCK}"))
PYTHON_LOCKS = [path for path in LOCKS if path.suffix == ".txt"]
NODE_LOCKS = [path for path in LOCKS if path.suffix == ".json"]
PIN = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+(; python_version [<>=]+ \"3\.\d+\")?")
VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
REGISTRY = "https://registry.npmjs.org/"


def of_client(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=of_client)
def test_every_package_is_pinned(lock: Path) -> None:
    lines = [line for line in lock.read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    names = [line.partition("==")[0].lower().replace("_", "-") for line in lines]
    assert len(names) == len(set(names))
    assert "torch" not in names and "pytest" in names


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=of_client)
def test_every_package_of_node_is_pinned_by_its_content(lock: Path) -> None:
    asked = json.loads(lock.with_name("package.json").read_text("utf-8"))["dependencies"]
    assert [version for version in asked.values() if not VERSION.fullmatch(version)] == []
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    assert packages.pop("")["dependencies"] == asked
    assert packages.keys() >= {f"node_modules/{name}" for name in asked}
    for package in packages.values():
        assert VERSION.fullmatch(package["version"])
        assert package["integrity"].startswith("sha512-")
        # The lock holds on any mirror. npm install --omit-lockfile-registry-resolved
        assert package.get("resolved", REGISTRY).startswith(REGISTRY)


@pytest.mark.parametrize("lock", LOCKS, ids=of_client)
def test_no_folder_can_be_imported_in_a_package_s_place(lock: Path) -> None:
    assert not lock.parent.name.isidentifier()


@pytest.mark.parametrize(("no_skip", "status"), [("", 0), ("1", 1)])
def test_a_client_whose_language_is_missing_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, no_skip: str, status: int
) -> None:
    monkeypatch.syspath_prepend(SDKS)
    run = importlib.import_module("run")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HARK_NO_SKIP", no_skip)
    outcome = run.tested(run.clients()["deepgram-js"], {}, Console(quiet=True))
    assert outcome.summary.startswith("not run: needs node and npm")
    assert run.exit_status([outcome]) == 1
    assert run.exit_status([outcome, run.Outcome(run.Verdict.PASSED, "1 passed")]) == status
