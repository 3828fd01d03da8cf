"""Hour ten costs what minute one cost: the work of the same audio, early and late in a stream."""

from dataclasses import asdict

from hark.engine.engine import Engine
from hark.engine.limits import EngineLimits
from hark.engine.types import (
    SAMPLE_RATE,
    AudioFormat,
    Encoding,
    Endpointing,
    EngineUpdate,
    Feed,
    Final,
    Finalize,
    Open,
    Partial,
    StreamOptions,
)
from tests.engine.models import bursts, small_runner, tiny_model, tiny_tokenizer
from tests.fakes import ManualClock

FRAME_S = 0.5
PHRASE_S = 5
NUM_PHRASES = 30 * 60 // PHRASE_S


def test_a_step_at_minute_30_is_the_work_of_one_at_minute_1() -> None:
    """Half an hour at the pace of speech, on a clock that is moved: each phrase is a segment."""
    tokenizer, clock = tiny_tokenizer(), ManualClock()
    runner = small_runner(tiny_model(tokenizer, end_weight=9.0), page_tokens=512, num_pages=3)
    limits = EngineLimits(2, 30, 2048, ("English",))
    engine = Engine(runner, tokenizer, limits, model_name="tiny", clock=lambda: clock.now)
    phrase = bursts(PHRASE_S, seed=3).astype("<f4").tobytes()
    options = StreamOptions(
        endpointing=Endpointing("manual"), cadence_ms=2500, final_window_s=2, language="English"
    )
    engine.handle(Open(0, AudioFormat(Encoding.PCM_F32LE), options))
    work = [speak(engine, clock, phrase) for _ in range(NUM_PHRASES)]
    minute = 60 // PHRASE_S
    assert work[1][0] == work[-1][0], "counters of one phrase"
    assert work[1:minute] == work[-minute + 1 :], "and what was said about it"
    assert all(each == work[1] for each in work[1:])
    assert sum(work[0][0].values()) > 50
    assert runner.ledger.num_leases == 0


def speak(
    engine: Engine, clock: ManualClock, phrase: bytes
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The work and the words of one more phrase."""
    before = asdict(engine.counters)
    said: list[EngineUpdate] = []
    step = int(FRAME_S * SAMPLE_RATE) * 4
    for begin in range(0, len(phrase), step):
        clock.advance(FRAME_S)
        engine.handle(Feed(0, phrase[begin : begin + step]))
        said += run(engine)
    engine.handle(Finalize(0, "next"))
    said += run(engine)
    after = asdict(engine.counters)
    return {name: after[name] - before[name] for name in after}, words(said)


def run(engine: Engine) -> list[EngineUpdate]:
    said: list[EngineUpdate] = []
    while True:
        said += [update for _, update in engine.tick()]
        if engine.idle:
            return said


def words(said: list[EngineUpdate]) -> list[tuple[str, str]]:
    partials = [(u.stable, u.unstable) for u in said if isinstance(u, Partial)]
    return [*partials, *(("final", u.text) for u in said if isinstance(u, Final))]
