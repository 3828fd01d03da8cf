"""The draft and the loop guard, on tokens alone."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from hark.engine.decoding.greedy import Draft, LoopGuard
from hark.engine.decoding.habits import Habits

tokens = st.lists(st.integers(0, 6), max_size=40)


def decode_with(
    draft_ids: list[int], truth: list[int], end: int = 99, habits: Habits | None = None
) -> tuple[list[int], int]:
    """Greedy decoding of a model that says `truth`, then `end`; counts single-token steps.

    Mirrors the use of `Draft` in a step: a pass answers with the model's next token after each
    position that was fed.
    """

    def choices(accepted: list[int], fed: list[int]) -> list[int]:
        said = []
        for count in range(len(fed) + 1):
            text = accepted + fed[:count]
            ok = text == truth[: len(text)]
            said.append((truth[len(text)] if len(text) < len(truth) else end) if ok else 77)
        return said

    draft, out, steps = Draft(draft_ids, habits), [], 0
    rest = draft_ids
    while True:
        for token in choices(list(out), rest):
            if token == end:
                return out, steps
            out.append(token)
            if not draft.agrees(token):
                break
        rest = draft.go_on(out)
        steps += not rest


@given(draft=tokens, truth=tokens)
def test_a_draft_never_changes_the_result(draft: list[int], truth: list[int]) -> None:
    out, steps = decode_with(draft, truth)
    assert out == truth
    assert steps <= len(truth)


@given(draft=tokens, truth=tokens, texts=st.lists(tokens, max_size=5))
def test_habits_never_change_the_result(
    draft: list[int], truth: list[int], texts: list[list[int]]
) -> None:
    habits = Habits()
    for text in texts:
        habits.learn(text)
    out, steps = decode_with(draft, truth, habits=habits)
    assert out == truth
    assert steps <= len(truth)


def test_a_known_phrase_is_guessed_and_a_newer_habit_is_learned() -> None:
    habits, phrase = Habits(), [1000, 150_000, 7, 8, 9, 10]
    assert habits.follow(phrase[:2]) == habits.follow([]) == habits.follow([1000]) == []
    habits.learn(phrase)
    assert habits.follow([3, *phrase[:2]]) == phrase[2:]
    assert habits.follow(phrase[2:4]) == phrase[4:]
    assert decode_with([], phrase, habits=habits)[1] == 1, "all behind the second token"
    for _ in range(5):
        habits.learn([7, 8, 11])
    assert habits.follow([7, 8]) == [11]


@given(st.lists(st.lists(st.integers(0, 1 << 20), max_size=300), max_size=20))
def test_habits_stay_as_large_as_they_are(texts: list[list[int]]) -> None:
    habits = Habits()
    before = [sys.getsizeof(each) for each in vars(habits).values()]
    for text in texts:
        habits.learn(text)
        assert len(habits.follow(text)) <= Habits.LONGEST_GUESS
    assert [sys.getsizeof(each) for each in vars(habits).values()] == before


@given(truth=tokens)
def test_a_right_draft_needs_no_steps(truth: list[int]) -> None:
    assert decode_with(truth, truth) == (truth, 0)


def test_a_text_that_repeats_itself_is_guessed() -> None:
    once = list(range(40))
    steps = decode_with([], once)[1]
    assert steps == 40
    assert decode_with([], 4 * once)[1] <= steps + Draft.GRAM
    assert decode_with([7, *once], 4 * once)[1] <= 2 * Draft.GRAM, "as well as the draft"


@given(truth=st.lists(st.integers(0, 2), min_size=20, max_size=80))
def test_guesses_that_fail_stay_short(truth: list[int]) -> None:
    draft, fed = Draft([]), []
    for end in range(1, len(truth)):
        guess = draft.go_on(truth[:end])
        fed.append(len(guess))
        for token in guess:
            if not draft.agrees(token + 3):
                break
    assert max(fed) <= Draft.SHORTEST_GUESS


def test_one_changed_word_costs_two_steps() -> None:
    truth = list(range(60))
    changed = [*truth[:20], 70, *truth[21:]]
    assert decode_with(changed, truth) == (truth, 2)
    inserted = [*truth[:20], 70, *truth[20:]]
    assert decode_with(inserted, truth)[1] <= 2
    deleted = [*truth[:20], *truth[21:]]
    assert decode_with(deleted, truth)[1] <= 3


def cut(ids: list[int]) -> int | None:
    guard = LoopGuard()
    return next((at for token in ids if (at := guard.push(token)) is not None), None)


def test_loops_are_cut_to_one_copy() -> None:
    assert cut([1, 2] + [5] * 32) == 3
    assert cut([1, 2] + [5, 6] * 16) == 4
    assert cut([1] + [5, 6, 7, 8, 9, 10] * 6) == 7
    assert cut([3] + list(range(10, 26)) * 6) == 17


def test_repetition_that_may_be_speech_stays() -> None:
    assert cut([1, 2] + [5] * 31) is None
    assert cut([1] + [5, 6, 7, 8, 9, 10] * 5) is None
    assert cut(list(range(17)) * 8) is None  # longer units are songs


@given(st.lists(st.integers(0, 400), max_size=60, unique=True))
def test_no_repetition_no_cut(ids: list[int]) -> None:
    assert cut(ids) is None
