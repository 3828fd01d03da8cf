"""Scripted engines say what the script says, whatever the batch, and count their drafts."""

from zlib import crc32

from benchmarks.drive import PacedRun, PacedStream, SetClock, SkippingClock, run_alone
from benchmarks.floors import Peak
from benchmarks.meter import KINDS, Meter
from benchmarks.scripted import ScriptedEngine
from benchmarks.speech import speech
from benchmarks.tapes import LONG_WINDOW, Script, load_tapes
from hark.engine.engine import Engine
from hark.engine.model.features import SegmentFeatures
from hark.engine.types import SAMPLE_RATE, Closed, Final, Finalized, Partial, StreamOptions

OPTIONS = StreamOptions(cadence_ms=640)
HEARD = speech(24.0)


def finals_alone(loaded: Engine) -> tuple[list[Final], ScriptedEngine]:
    clock = SetClock()
    engine = ScriptedEngine(loaded, clock=clock)
    updates = list(run_alone(engine, clock, HEARD, OPTIONS, block_ms=160))
    assert isinstance(updates[-1], Closed)
    assert sum(isinstance(update, Finalized) for update in updates) == len(HEARD.ends) > 0
    assert sum(isinstance(update, Partial) for update in updates) > 20
    return [update for update in updates if isinstance(update, Final)], engine


def test_finals_are_the_script_s(loaded: Engine) -> None:
    finals, engine = finals_alone(loaded)
    tokenizer = loaded.tokenizer
    script = Script(load_tapes(tokenizer.encode))
    assert len(finals) >= 2
    for final in finals:
        samples = HEARD.samples[final.start_sample : final.end_sample]
        begin = (samples[:8000] / 32768).astype("float32")
        seconds = len(samples) / SAMPLE_RATE
        tokens = script.tokens(seconds, LONG_WINDOW, start=crc32(begin.tobytes()))
        assert final.text == tokenizer.decode(tokens, final=True).strip()
        assert final.language == "English"
    tally = engine.tally
    assert 0.9 < tally.accepted_share < 1.0, "revisions included"
    assert tally.verify_passes >= tally.steps
    assert max(tally.gaps_samples) < 1.5 * 0.64 * SAMPLE_RATE, "no step was left out"


def test_many_say_what_each_says_alone(loaded: Engine) -> None:
    finals, _ = finals_alone(loaded)
    clock = SkippingClock()
    engine = ScriptedEngine(loaded, clock=clock)
    said: list[str] = []
    speakers = [PacedStream(HEARD, begins_at=0.1 * number) for number in range(3)]
    run = PacedRun(engine, clock, speakers, block_ms=200, warm_up_s=0.0)
    tick = engine.tick

    def listen() -> list:
        updates = tick()
        said.extend(update.text for _, update in updates if isinstance(update, Final))
        return updates

    engine.tick = listen
    lags = run.run(OPTIONS, progress=lambda seconds: None)
    assert sorted(said) == sorted(3 * [final.text for final in finals])
    assert lags.errors == 0
    assert len(lags.final) == 3 * len(HEARD.ends)
    assert all(lag >= 0.0 for lag in (*lags.partial, *lags.first_partial, *lags.final))


def test_the_meter_sees_all_work_and_goes_away(loaded: Engine) -> None:
    hear, forward = SegmentFeatures.hear, loaded.runner.forward
    clock = SetClock()
    engine = ScriptedEngine(loaded, clock=clock)
    meter = Meter(engine, Peak(ops=1e12, bytes=1e11))
    for _ in run_alone(engine, clock, speech(8.0), OPTIONS, block_ms=640):
        pass
    meter.close()
    wall_s = 1.25 * sum(meter.seconds.values())
    rows = meter.breakdown(wall_s)
    assert tuple(rows) == KINDS
    assert abs(sum(row["share"] for row in rows.values()) - 1.0) < 0.01
    assert rows["verify"]["calls"] == engine.tally.verify_passes
    assert rows["decode"]["calls"] == engine.tally.decode_passes
    assert SegmentFeatures.hear is hear
    assert loaded.runner.forward == forward
