"""From events with their times of arrival to figures; all of it on made-up streams."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.clients.bench.clips import SpokenWord
from hark.clients.bench.figures import Figures, Slo, Spread, figures_of, percentile, recovery_s
from hark.clients.bench.measure import Steps, UtteranceLog, late_steps, measure
from hark.clients.bench.script import Placed, Script, Utterance
from hark.clients.bench.speaker import Call, Order
from hark.engine.types import SAMPLE_RATE

BEGIN = 1000.0  # on the shared clock
CADENCE_MS = 320


def utterance(text: str, start_s: float = 0.0) -> Utterance:
    """Words of half a second each."""
    at = [round((start_s + i / 2) * SAMPLE_RATE) for i in range(len(text.split()) + 1)]
    words = tuple(map(SpokenWord, text.split(), at, at[1:]))
    return Utterance((Placed(0, at[0]),), at[-1], words)


def call(*utterances: Utterance, seconds: float = 60.0) -> Call:
    return Call(Order(7, BEGIN, seconds), Script(round(seconds * SAMPLE_RATE), utterances))


def heard(*events: tuple[float, dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    return [(BEGIN + at, event) for at, event in events]


def partial(end_s: float, stable: str, unstable: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "type": "partial",
        "end_ms": round(end_s * 1000),
        "stable": stable,
        "unstable": unstable,
        **fields,
    }


def final(text: str) -> dict[str, Any]:
    return {"type": "final", "text": text}


def finalized(number: int) -> dict[str, Any]:
    return {"type": "finalized", "id": str(number)}


def test_a_word_counts_from_its_end_until_it_is_stable_or_final() -> None:
    [log] = measure(
        call(utterance("turn on the light")),
        heard(
            (0.7, partial(0.6, "", "Turn")),
            (1.4, partial(1.3, "Turn", " on")),
            (1.9, partial(1.8, "Turn on", " the")),
            (2.2, final("Turn on the light.")),
            (2.25, finalized(0)),
        ),
        CADENCE_MS,
    )
    assert [round(latency or 0, 3) for _, latency in log.words] == [0.9, 0.9, 0.7, 0.2]
    assert [at - BEGIN for at, _ in log.words] == [0.5, 1.0, 1.5, 2.0]
    assert log.finalize_s == pytest.approx(0.25)
    assert log.first_partial_s == pytest.approx(0.2)
    assert (log.word_errors, log.replaced, log.retracted, log.revisions) == (0, 0, 0, 0)
    assert (log.stream, log.index, log.texts) == (7, 0, ("Turn on the light.",))


def test_words_that_never_come_and_words_that_are_replaced_are_counted_apart() -> None:
    [log] = measure(
        call(utterance("turn on the light")),
        heard(
            (1.0, partial(0.9, "Turn off", " the")),
            (1.3, partial(1.2, "Turn off the", "")),
            (2.2, final("Turn on the.")),
            (2.2, finalized(0)),
        ),
        CADENCE_MS,
    )
    assert [latency and round(latency, 3) for _, latency in log.words] == [0.5, 1.2, -0.2, None]
    assert (log.word_errors, log.stable_words, log.replaced) == (1, 3, 1)


def test_stable_text_that_is_taken_back_is_counted_and_forgotten() -> None:
    [log] = measure(
        call(utterance("turn on the light")),
        heard(
            (1.0, partial(0.9, "Turn on", " a")),
            (1.3, partial(1.2, "Turn", " off the light")),
            (1.6, partial(1.5, "Turn on", "")),
            (2.2, final("Turn on the light.")),
            (2.2, finalized(0)),
        ),
        CADENCE_MS,
    )
    assert log.retracted == 1
    assert log.words[1][1] == pytest.approx(0.6)  # the "on" of the third partial
    assert log.revisions == 2 + 3  # "on", "a"; then "off", "the", "light"


def test_a_word_is_not_held_before_it_was_begun() -> None:
    [log] = measure(
        call(utterance("one two one")),
        heard(
            (0.4, partial(0.4, "one two one")), (1.7, final("One two one.")), (1.7, finalized(0))
        ),
        CADENCE_MS,
    )
    assert [round(latency or 0, 3) for _, latency in log.words] == [-0.1, 0.7, 0.2]


def test_each_utterance_has_what_came_before_its_answer() -> None:
    """Also when the server made two segments of one, or heard nothing in one."""
    logs = measure(
        call(utterance("one two"), utterance("three", 2.0), utterance("four", 4.0)),
        heard(
            (0.9, final("One.")),
            (1.2, final("Two.")),
            (1.3, finalized(0)),
            (2.7, finalized(1)),
            (4.2, partial(4.1, "", "Four")),
        ),
        CADENCE_MS,
    )
    assert [log.texts for log in logs] == [("One.", "Two."), (), ()]
    assert [log.word_errors for log in logs] == [0, 1, 1]
    assert [log.finalize_s is None for log in logs] == [False, False, True]


def test_of_an_utterance_cut_off_by_close_the_words_spoken_count() -> None:
    [log] = measure(
        call(utterance("one two three"), seconds=1.2),
        heard((1.1, partial(1.0, "One", " two")), (1.3, final("One two.")), (1.4, {"type": "bye"})),
        CADENCE_MS,
    )
    assert [round(latency or 0, 3) for _, latency in log.words] == [0.6, 0.3]
    assert (log.finalize_s, log.word_errors) == (pytest.approx(0.2), 0)
    assert measure(call(utterance("one"), seconds=0.4), [], CADENCE_MS) == []


@pytest.mark.parametrize(
    ("num", "audio_ms", "late"),
    [
        (1, 320, 0),
        (1, 480, 0),
        (1, 640, 1),
        (3, 960, 0),  # what changed nothing was not shown, but it was looked at
        (2, 960, 1),  # one of them looked at twice as much as it should
        (1, 960, 1),
        (2, 900, 0),  # a cadence stretched by 1.4
        (2, 1020, 2),  # by 1.6
    ],
)
def test_late_steps(num: int, audio_ms: float, late: int) -> None:
    assert late_steps(num, audio_ms, CADENCE_MS) == late


@given(st.integers(1, 50), st.floats(0, 50_000))
def test_no_more_steps_are_late_than_there_were(num: int, audio_ms: float) -> None:
    assert 0 <= late_steps(num, audio_ms, CADENCE_MS) <= num


def test_steps_are_late_by_audio_or_by_arrival() -> None:
    [log] = measure(
        call(utterance("one two three four")),
        heard(
            (0.70, partial(0.64, "", "one", steps=1)),
            (1.40, partial(1.28, "", "one two", steps=3)),  # two steps, both in time
            (1.80, partial(1.92, "", "one two three", steps=4)),  # left one out
            (2.40, partial(2.24, "", "one two three four", steps=5)),  # came late
            (2.50, finalized(0)),
        ),
        CADENCE_MS,
    )
    seen = [(step.num, step.late_audio, step.late_arrival) for step in log.steps]
    assert seen == [(2, 0, 0), (1, 1, 0), (1, 0, 1)]


def log_of(*latencies: float | None, at: float = BEGIN, **fields: Any) -> UtteranceLog:
    words = [(at + index, latency) for index, latency in enumerate(latencies)]
    return UtteranceLog(0, 0, at + len(words), words=words, **fields)


def test_a_span_counts_words_steps_and_utterances_by_their_own_times() -> None:
    logs = [
        log_of(0.1, 0.2, None, finalize_s=0.3, word_errors=1, final_words=2, revisions=1),
        log_of(0.4, at=BEGIN + 10, steps=[Steps(BEGIN + 10, 4, 1, 0)]),
    ]
    whole = figures_of(logs, BEGIN, BEGIN + 20)
    assert (whole.utterances, whole.words, whole.words_never_held) == (2, 4, 1)
    assert (whole.unanswered, whole.steps, whole.steps_kept) == (1, 4, 0.75)
    assert (whole.word_error_rate, whole.revisions_per_word) == (0.25, 0.5)
    early = figures_of(logs, BEGIN, BEGIN + 2)
    assert (early.utterances, early.words, early.steps_kept) == (0, 2, None)


def test_finals_are_compared_with_those_of_an_unhurried_server() -> None:
    logs = [UtteranceLog(0, index, BEGIN, texts=(text,)) for index, text in enumerate("abc")]
    texts = {(0, 0): ("a",), (0, 1): ("x",), (1, 2): ("c",)}
    figures = figures_of(logs, BEGIN, BEGIN + 1, texts)
    assert (figures.finals_compared, figures.finals_changed) == (2, 1)


@given(st.lists(st.integers(0, 100), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_values_that_enough_others_do_not_exceed(
    values: list[int], share: float
) -> None:
    found = percentile(sorted(values), share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) or found == min(values)


def figures(words: list[float], finalize: list[float], **steps: Any) -> Figures:
    log = log_of(*words)
    log.finalize_s = finalize[0] if finalize else None
    others = [log_of(finalize_s=value) for value in finalize[1:]]
    log.steps = [Steps(BEGIN, **steps)] if steps else []
    return figures_of([log, *others], BEGIN, BEGIN + 1000)


@pytest.mark.parametrize(
    ("measured", "broken"),
    [
        (figures([1.0], [0.1], num=20, late_audio=1, late_arrival=1), []),
        (figures([1.5], [0.1]), ["p95 stable word 1.50 s"]),
        (figures([1.0], [0.5]), ["p95 finalize 500 ms"]),
        (
            figures([1.0], [0.1], num=20, late_audio=0, late_arrival=2),
            ["90.0% of steps in cadence"],
        ),
        (figures([], []), []),
    ],
)
def test_the_promise(measured: Figures, broken: list[str]) -> None:
    assert Slo().broken_by(measured) == broken


def test_recovery_is_when_the_promise_holds_for_the_time_that_is_left() -> None:
    slow = [log_of(3.0, at=BEGIN + at) for at in (1.5, 3.2)]
    fine = [log_of(0.5, at=BEGIN + at) for at in range(10)]
    assert recovery_s(fine + slow, BEGIN, BEGIN + 10, Slo()) == 4.0
    assert recovery_s(fine, BEGIN, BEGIN + 10, Slo()) == 0.0
    assert recovery_s(slow, BEGIN, BEGIN + 3.5, Slo()) == 4.0
    many = [log_of(0.5, at=BEGIN + at / 10) for at in range(100)]
    assert recovery_s([*many, slow[1]], BEGIN, BEGIN + 10, Slo()) == 0.0, "one late of a hundred"


def test_nothing_has_no_distribution() -> None:
    assert Spread.of([]) == Spread(0)
    assert Spread.of([2.0, 1.0]) == Spread(2, 1.0, 2.0, 2.0, 2.0)
