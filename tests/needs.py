"""What a test needs from the system it runs on; says how to get it. Knows no test."""

import os
import shutil
from typing import NoReturn

import pytest


def require_program(program: str, install: str) -> str:
    """The path of `program`; without it the test is skipped, and the reason says `install`."""
    path = shutil.which(program)
    if path is None:
        missing(f"needs {program}: {install}")
    return path


def missing(reason: str) -> NoReturn:
    """Skip the test for `reason`; under HARK_NO_SKIP=1, as in CI, fail it instead."""
    if os.environ.get("HARK_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
