"""The outbox: order, numbers, the newest partial, and its limit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hark.streaming.events import Event, Final, Partial, SpeechStarted
from hark.streaming.outbox import Outbox
from hark.streaming.session import Hangup


def partial(text: str) -> Partial:
    return Partial(
        stable=text,
        unstable="",
        language=None,
        confidence=1.0,
        steps=1,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def final(text: str) -> Final:
    return Final(
        text=text,
        language=None,
        confidence=1.0,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def drain(outbox: Outbox) -> list[Event]:
    taken = []
    while isinstance(event := outbox.take(), Event):
        taken.append(event)
    return taken


def text_of(event: Event) -> str:
    return event.stable if isinstance(event, Partial) else getattr(event, "text", "")


def test_a_new_partial_replaces_the_one_that_waits_and_takes_its_place_in_the_order() -> None:
    outbox = Outbox(8)
    for event in (SpeechStarted(), partial("a"), partial("b"), final("c"), partial("d")):
        assert outbox.put(event)
    taken = drain(outbox)
    assert [text_of(event) for event in taken] == ["", "c", "d"]
    assert [event.seq for event in taken] == [0, 1, 2]


def test_a_partial_that_was_taken_is_not_replaced() -> None:
    outbox = Outbox(8)
    outbox.put(partial("a"))
    first = outbox.take()
    outbox.put(partial("b"))
    assert isinstance(first, Partial)
    assert first.stable == "a"
    assert [text_of(event) for event in drain(outbox)] == ["b"]


def test_the_limit_counts_all_but_the_partial() -> None:
    outbox = Outbox(2)
    assert outbox.put(final("a"))
    assert outbox.put(partial("p"))
    assert outbox.put(final("b"))
    assert not outbox.put(final("c"))
    assert outbox.put(partial("q"))
    assert [text_of(event) for event in drain(outbox)] == ["a", "b", "q"]


def test_the_hangup_comes_last_and_stays() -> None:
    outbox = Outbox(2)
    outbox.put(final("a"))
    outbox.hang_up(Hangup(1000, "bye"))
    assert text_of(drain(outbox)[0]) == "a"
    assert outbox.take() == outbox.take() == Hangup(1000, "bye")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["partial", "final", "take"]), max_size=60))
def test_finals_are_never_lost_and_numbers_have_no_gap(steps: list[str]) -> None:
    outbox = Outbox(5)
    accepted: list[str] = []
    taken: list[Event] = []
    for number, step in enumerate(steps):
        match step:
            case "partial":
                assert outbox.put(partial(f"p{number}"))
            case "final":
                if outbox.put(final(f"f{number}")):
                    accepted.append(f"f{number}")
            case _:
                event = outbox.take()
                taken += [event] if isinstance(event, Event) else []
        num_sent = sum(isinstance(event, Final) for event in taken)
        assert len(accepted) - num_sent <= 5
    taken += drain(outbox)
    assert [event.seq for event in taken] == list(range(len(taken)))
    assert [text_of(event) for event in taken if isinstance(event, Final)] == accepted
