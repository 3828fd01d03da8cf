"""The locked environments of `make test-clients`: complete, and named safely."""

import re
from pathlib import Path

import pytest

SDKS = Path(__file__).parent / "sdks"
LOCKS = sorted(SDKS.glob("*/requirements.txt"))
PIN = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+(; python_version [<>=]+ \"3\.\d+\")?")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_every_package_is_pinned(lock: Path) -> None:
    lines = [line for line in lock.read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    names = [line.partition("==")[0].lower().replace("_", "-") for line in lines]
    assert len(names) == len(set(names))
    assert "torch" not in names and "pytest" in names


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_no_folder_can_be_imported_in_a_package_s_place(lock: Path) -> None:
    assert not lock.parent.name.isidentifier()
