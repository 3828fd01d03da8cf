"""How many pages the pool gets, how threads are asked to wait, how many files may be open."""

import subprocess
import sys

import pytest
import torch

from hark.engine.decoding.memory import free_bytes, plan_pages
from hark.engine.host import pick_threads, wait_calmly
from hark.engine.types import ConfigError

MIB = 2**20


@pytest.mark.parametrize(
    ("wanted", "free_mib", "asked_mb", "pages"),
    [
        (24, 1000, 0, 24),  # what the streams need
        (24, 20, 0, 17),  # what is free bounds it
        (None, 1000, 0, 850),  # all that fits
        (24, 1000, 100, 100),  # asked for
    ],
)
def test_pages(wanted: int | None, free_mib: int, asked_mb: int, pages: int) -> None:
    planned = plan_pages(
        wanted=wanted,
        pages_per_segment=2,
        page_bytes=MIB,
        free=free_mib * MIB,
        asked_mb=asked_mb,
    )
    assert planned == pages


@pytest.mark.parametrize(("free_mib", "asked_mb"), [(1000, 7), (8, 0)])
def test_a_pool_too_small_for_one_segment(free_mib: int, asked_mb: int) -> None:
    with pytest.raises(ConfigError, match="one segment needs 8"):
        plan_pages(
            wanted=4,
            pages_per_segment=2,
            page_bytes=4 * MIB,
            free=free_mib * MIB,
            asked_mb=asked_mb,
        )


def test_a_pool_larger_than_what_is_free() -> None:
    with pytest.raises(ConfigError, match="kv_memory_mb is 1001, free are 1000"):
        plan_pages(wanted=4, pages_per_segment=2, page_bytes=MIB, free=1000 * MIB, asked_mb=1001)


def test_there_is_memory() -> None:
    assert 16 * MIB < free_bytes(torch.device("cpu")) < 2**50


def test_threads_wait_calmly_unless_told_how() -> None:
    environment: dict[str, str] = {}
    wait_calmly(environment)
    assert environment == {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "0"}
    theirs = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_calmly(theirs)
    assert theirs == {"OMP_WAIT_POLICY": "ACTIVE"}


def test_how_many_threads() -> None:
    assert pick_threads(3, by_default=32, small_model=True) == 3
    assert pick_threads(0, by_default=32, small_model=True) == 1
    assert pick_threads(0, by_default=32, small_model=False) == 32


LIMITED = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, min(4096, hard)))
from hark.engine.host import allow_many_files
allow_many_files()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
assert soft == hard > 256, (soft, hard)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count files in their own ways")
def test_as_many_files_as_allowed() -> None:
    subprocess.run([sys.executable, "-c", LIMITED], check=True)
