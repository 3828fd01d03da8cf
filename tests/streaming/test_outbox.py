"""The outbox: order, the newest of what replaces each other, and its limit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hark.streaming.effects import Hangup
from hark.streaming.outbox import Outbox
from hark.streaming.protocols.base import Say


def partial(text: str, of: str = "") -> Say:
    return Say(text, replaces=("partial", of))


def final(text: str) -> Say:
    return Say(text)


def drain(outbox: Outbox) -> list[str]:
    taken = []
    while isinstance(say := outbox.take(), Say):
        taken.append(say.message)
    return taken


def test_a_new_partial_replaces_the_one_that_waits_and_takes_its_place_in_the_order() -> None:
    outbox = Outbox(8)
    for say in (final("s"), partial("a"), partial("b"), final("c"), partial("d")):
        assert outbox.put(say)
    assert drain(outbox) == ["s", "c", "d"]


def test_partials_of_different_speakers_do_not_replace_each_other() -> None:
    outbox = Outbox(8)
    for say in (partial("a", "ann"), partial("b", "bob"), partial("c", "ann")):
        assert outbox.put(say)
    assert drain(outbox) == ["b", "c"]


def test_a_partial_that_was_taken_is_not_replaced() -> None:
    outbox = Outbox(8)
    outbox.put(partial("a"))
    assert outbox.take() == partial("a")
    outbox.put(partial("b"))
    assert drain(outbox) == ["b"]


def test_the_limit_counts_all_but_the_partial() -> None:
    outbox = Outbox(2)
    assert outbox.put(final("a"))
    assert outbox.put(partial("p"))
    assert outbox.put(final("b"))
    assert not outbox.put(final("c"))
    assert outbox.put(partial("q"))
    assert drain(outbox) == ["a", "b", "q"]


def test_the_hangup_comes_last_and_stays() -> None:
    outbox = Outbox(2)
    outbox.put(final("a"))
    outbox.hang_up(Hangup(1000, "bye"))
    assert drain(outbox) == ["a"]
    assert outbox.take() == outbox.take() == Hangup(1000, "bye")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["partial", "final", "take"]), max_size=60))
def test_finals_are_never_lost_and_come_in_order(steps: list[str]) -> None:
    outbox = Outbox(5)
    accepted: list[str] = []
    taken: list[str] = []
    for number, step in enumerate(steps):
        match step:
            case "partial":
                assert outbox.put(partial(f"p{number}"))
            case "final":
                if outbox.put(final(f"f{number}")):
                    accepted.append(f"f{number}")
            case _:
                say = outbox.take()
                taken += [say.message] if isinstance(say, Say) else []
        num_sent = sum(text.startswith("f") for text in taken)
        assert len(accepted) - num_sent <= 5
    taken += drain(outbox)
    assert [text for text in taken if text.startswith("f")] == accepted
    assert [int(text[1:]) for text in taken] == sorted(int(text[1:]) for text in taken)
