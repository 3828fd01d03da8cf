"""What is read of processes; needs a system with /proc."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hark.clients.bench.machine import Monitor, describe_machine, slope_per_hour, usage

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
_BUSY = "import time; data = bytes(200_000_000); print(flush=True)\nwhile True: pass"


@needs_proc
def test_the_use_of_a_process_includes_its_children() -> None:
    before_s, before_mb = usage(os.getpid())
    with subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while usage(child.pid)[0] < 0.3:
            time.sleep(0.05)
        own_s, own_mb = usage(child.pid)
        after_s, after_mb = usage(os.getpid())
        child.kill()
    assert own_s <= after_s - before_s + 0.05
    assert after_mb - before_mb > 0.5 * own_mb
    with pytest.raises(OSError, match=r"\d"):
        usage(child.pid)


@needs_proc
def test_a_monitor_sums_up_a_span() -> None:
    with Monitor(os.getpid()) as monitor:
        begin = time.monotonic()
        while time.monotonic() < begin + 2.5:
            pass
    summary = monitor.summary(begin - 1, begin + 10)
    assert summary is not None
    assert summary["cpu_percent"] > 10
    assert summary["rss_mb_max"] > 10
    assert summary["rss_mb_per_hour"] is None  # too short to tell
    assert monitor.summary(begin + 100, begin + 200) is None


def test_nothing_is_said_of_a_server_elsewhere() -> None:
    with Monitor(None) as monitor:
        pass
    assert monitor.summary(0, 1e12) is None


def test_memory_s_slope_begins_after_five_minutes() -> None:
    at = [float(second) for second in range(900)]
    values = [1000.0 - second if second < 300 else 500 + second / 3600 * 2 for second in at]
    slope = slope_per_hour(at, values)
    assert slope == pytest.approx(2.0)
    assert slope_per_hour(at[:350], values[:350]) is None
    assert slope_per_hour([], []) is None


def test_the_machine_is_described() -> None:
    assert set(describe_machine()) == {"processor", "cores", "system", "python"}
