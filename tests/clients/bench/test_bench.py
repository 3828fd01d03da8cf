"""`hark bench` as a user runs it, over real sockets, against a server with a fake engine.

The fake hears words of its own, so the figures mean nothing here; that they are all there, and
that nothing gets lost on the way, is what is tested.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from hark.clients.bench import runs, scenarios
from hark.clients.bench.clips import CLIPS_FOLDER, load_clips
from hark.clients.bench.fleet import ClientCrashError, Fleet
from hark.clients.bench.script import PROFILES, compose
from hark.clients.bench.speaker import Order
from hark.clients.bench.target import first_key
from hark.clients.bench.worker import Dialling
from hark.engine.types import SAMPLE_RATE
from hark.streaming import admission
from hark.streaming.cli import main
from tests.streaming.support import Running, fake_engine, serving_ready

QUICK = ["--profile", "conversation", "--ramp", "0.2", "--warmup", "0"]


@pytest.fixture(autouse=True)
def no_time_between_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SETTLE_S", 0.0)
    monkeypatch.setattr(runs, "TAIL_S", 0.1)
    monkeypatch.setattr(scenarios, "AFTER_S", 1.0)


def who_are_soon_done(streams: int) -> list[str]:
    """Streams with whichever seed lets all end an utterance first, and that long a run."""
    clips, profile = load_clips(), PROFILES["conversation"]

    def done_s(seed: int) -> float:
        scripts = [
            compose(clips, profile, seed=seed, stream=i, seconds=1.3) for i in range(streams)
        ]
        return max(script.utterances[0].end for script in scripts) / SAMPLE_RATE

    seed = min(range(40), key=done_s)
    seconds = f"{done_s(seed) + 0.5:.1f}"
    return ["--streams", str(streams), "--seed", str(seed), "--seconds", seconds]


async def bench(running: Running, out: Path, *flags: str) -> tuple[int, dict[str, Any]]:
    """Run the command on a thread, beside the server; its status and what it wrote."""
    words = ["bench", "--url", f"ws://{running.address}", "--json", str(out), *QUICK, *flags]
    status = await asyncio.to_thread(main, words)
    return status, json.loads(out.read_text())  # noqa: ASYNC240 - a small file, after the run


async def test_a_run_reports_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving_ready(fake_engine(max_streams=2)) as running:
        _, report = await bench(
            running, tmp_path / "a.json", *who_are_soon_done(2), "--processes", "2"
        )
        requests = running.engine.requests
    run = report["run"]
    assert run["ended"] == {"bye": 2}
    assert run["unanswered"] == 0
    assert run["finalize_s"]["count"] >= 1
    assert run["first_partial_s"]["count"] >= 1
    assert run["steps"] > 5
    assert run["stable_retracted"] == run["stable_words_replaced"] == 0
    assert run["words_never_held"] == run["words"] > 0  # the fake knows no real words
    assert run["finals_compared"] >= 1
    assert run["finals_changed"] == 0
    assert run["client_lag_s"]["count"] > 20
    assert report["server"]["model"] == "fake"
    assert report["load"]["profile"] == "conversation"
    assert len({request.stream for request in requests}) == 4  # two paced, two unhurried
    out = capsys.readouterr().out
    assert "finalize until answered" in out
    assert "2 streams unhurried" in out


async def test_unhurried_streams_come_back_to_a_full_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two at a time, to a server with room for one."""
    monkeypatch.setattr(admission, "CAPACITY_RETRY_S", 0.2)
    async with serving_ready(fake_engine(max_streams=1)) as running:
        dialling = Dialling(f"ws://{running.address}/v1/stream", CLIPS_FOLDER)
        orders = [Order(stream, 0.0, 20.0, paced=False, returns=True) for stream in range(3)]
        with Fleet(1) as fleet:
            report = await asyncio.to_thread(fleet.speak, dialling, orders, at_once=2)
    assert [outcome.ended for outcome in report.outcomes] == ["bye"] * 3
    assert {log.stream for log in report.logs if log.texts} == {0, 1, 2}


async def test_what_is_over_the_limit_is_refused_and_said_to_be(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=2)) as running:
        flags = ["--streams", "2", "--seconds", "2", "--overload", "2", "--processes", "1"]
        _, report = await bench(running, tmp_path / "a.json", *flags)
    overload = report["overload"]
    assert (overload["base"], overload["excess"], overload["refused"]) == (2, 2, 2)
    assert overload["refusal_codes"] == {"capacity": 2}
    assert overload["refused_without_retry_after"] == 0
    assert overload["during"]["streams"] == 2
    assert overload["during"]["unanswered"] == 0


async def test_a_stream_of_the_base_that_is_refused_is_no_excess(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=1)) as running:
        flags = ["--streams", "2", "--seconds", "2", "--overload", "1.5", "--processes", "1"]
        status, report = await bench(running, tmp_path / "a.json", *flags)
    overload = report["overload"]
    assert (overload["excess"], overload["refused"], status) == (1, 1, 1)
    assert "streams ended by 1 capacity" in overload["before"]["broken"]


async def test_a_flood_comes_from_a_process_of_its_own(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=3)) as running:
        flags = ["--streams", "1", "--seconds", "2", "--flood", "--processes", "1", "--no-compare"]
        _, report = await bench(running, tmp_path / "a.json", *flags)
        fed_s = running.engine.fed_bytes / 32_000
    flood = report["flood"]
    assert flood["alone"]["ended"] == {"bye": 1}
    assert sum(flood["beside_flood"]["ended"].values()) == 2
    assert fed_s > 60  # far more than two paced streams of a few seconds


async def test_visitors_come_and_go(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=20)) as running:
        flags = ["--soak", "8", "--seconds", "1", "--processes", "1"]
        status, report = await bench(running, tmp_path / "a.json", *flags)
    assert status == 0
    assert report["soak"]["ended"] == {"bye": 4, "hung up": 4}
    assert report["soak"]["streams_left"] == 0


async def test_visitors_who_are_refused_are_no_success(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=1)) as running:
        flags = ["--soak", "8", "--seconds", "1", "--processes", "1"]
        status, report = await bench(running, tmp_path / "a.json", *flags)
    assert status == 1
    assert report["soak"]["ended"]["capacity"] > 0


async def test_a_limit_of_a_full_server_is_its_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each probe is one run and nobody is refused: no more is tried than the server takes."""
    monkeypatch.setattr(scenarios, "find_limit", lambda holds, *, start, ceiling: ceiling)
    async with serving_ready(fake_engine(max_streams=3)) as running:
        status, report = await bench(running, tmp_path / "a.json", "--find-limit")
    assert (status, report["n_at_slo"], report["ceiling"]) == (0, 3, 3)


@pytest.mark.parametrize(
    ("keys", "first"), [(None, None), ("", None), ("one", "one"), (" , two,three", "two")]
)
def test_a_server_of_our_own_is_shown_a_key_of_our_own(keys: str | None, first: str | None) -> None:
    assert first_key({} if keys is None else {"HARK_API_KEYS": keys}) == first


async def test_a_process_without_a_stream_has_a_rest(tmp_path: Path) -> None:
    async with serving_ready(fake_engine(max_streams=1)) as running:
        _, report = await bench(
            running, tmp_path / "a.json", *who_are_soon_done(1), "--processes", "2"
        )
    assert report["run"]["ended"] == {"bye": 1}


def test_a_client_that_dies_is_noticed() -> None:
    with Fleet(1) as fleet:
        nowhere = Dialling("ws://127.0.0.1:1/v1/stream", Path("/nowhere"))
        with pytest.raises(ClientCrashError):
            fleet.speak(nowhere, [Order(0, 0.0, 1.0)])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--streams", "0"], "--streams is 0, allowed are 1 to 100000"),
        (["--overload", "1"], "--overload is 1"),
        (["--soak", "0"], "--soak is 0"),
        (["--server-pid", "1"], "--server-pid goes with --url"),
        (["--", "--port=8770"], "--host and --port are chosen here"),
        (["--url", "ws://h", "--server-pid", "999999999"], "no such process"),
        (["--url", "ws://h", "--", "--threads", "1"], "flags for the server go without --url"),
        (["--clips", "/nowhere"], "no clips in /nowhere"),
        (["--url", "ws://127.0.0.1:1"], "no Hark server answers"),
        (["--url", "ftp://h"], "is no server address"),
        (["--", "--no-such-flag"], "did not start"),
    ],
)
def test_faults_are_said_in_a_line(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *flags]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
