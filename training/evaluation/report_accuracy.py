"""Word error rates of whole clips: closed and open domain, left-out voices, long clips, digits."""

from __future__ import annotations

from functools import partial

from training.evaluation import evaluate, measure, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import EvaluationError, Exam
from training.language import text
from training.learning import export
from training.synthesis import digits, voices


def closed(exam: Exam) -> dict:
    """Unseen grammar sentences in every trained voice family."""
    families = testsets.stock(exam.rng("voices"), exam.sizes.voice_draws)
    clips, groups = testsets.family_sets(
        exam.engines, exam.rng("closed"), families, exam.sizes.family_words
    )
    answers = measure.in_both_windows(clips, exam.answers)
    return {"rows": measure.window_rows(clips, answers, groups)}


def unseen(exam: Exam) -> dict:
    """Unseen grammar sentences in voices that training never had."""
    rng, words = exam.rng("unseen"), exam.sizes.set_words

    def variant() -> TestClip:
        voice = voices.held_out_voice(rng)
        return evaluate.fresh_clip(exam.engines, rng, "English", voice)

    def left_out() -> TestClip:
        return evaluate.fresh_clip(exam.engines, rng, "English", voices.LEFT_OUT)

    sets = {
        "espeak-ng variants": testsets.of_words(words, variant),
        voices.LEFT_OUT: testsets.of_words(words, left_out),
    }
    return {"rows": measure.set_rows(sets, exam.answers)}


def open_vocabulary(exam: Exam) -> dict:
    """Unseen sentences of open text in trained voices."""
    rng = exam.rng("open")
    sets = {
        language: testsets.of_words(
            exam.sizes.set_words,
            partial(evaluate.fresh_clip, exam.engines, rng, language, draw=text.draw_open),
        )
        for language in text.LANGUAGES
    }
    return {"rows": measure.set_rows(sets, exam.answers)}


def long(exam: Exam) -> dict:
    """Several grammar sentences of one voice, 20 to 28 s in all, as one clip."""
    rng = exam.rng("long")
    clips = [
        testsets.joined_clip(
            exam.engines, rng, 20, 28, language=text.LANGUAGES[i % len(text.LANGUAGES)]
        )
        for i in range(exam.sizes.long_clips)
    ]
    groups = {"all": range(len(clips))} | {
        language: [i for i, clip in enumerate(clips) if clip.language == language]
        for language in text.LANGUAGES
    }
    answers = measure.in_both_windows(clips, exam.answers)
    groups = {name: chosen for name, chosen in groups.items() if chosen}
    return {"rows": measure.window_rows(clips, answers, groups)}


def human_digits(exam: Exam) -> dict:
    """Strings of 3 to 7 digits by people, each heard by a model that never heard that person.

    Without such a model the row says that the person was heard in training.

    Raises:
        EvaluationError: there is a model for somebody of whom there is no recording.
    """
    speakers = digits.DigitVoices(exam.inputs.digits).speakers
    if unknown := sorted(set(exam.inputs.digit_models) - set(speakers)):
        raise EvaluationError(
            f"--digit-models names {', '.join(unknown)}; there are {', '.join(speakers)}"
        )
    return {"rows": {speaker: _digit_row(exam, speaker) for speaker in speakers}}


def _digit_row(exam: Exam, speaker: str) -> dict:
    folder, decode = exam.inputs.digit_models.get(speaker), exam.answers
    trained = False
    if folder is not None:
        heard_by = "a fine-tune without this speaker"
        model, prompt = export.load(folder)
        decode = partial(evaluate.transcribe, model.float(), prompt)
    elif speaker == digits.HELD_OUT_SPEAKER:
        heard_by = "this model, trained without this speaker"
    else:
        heard_by, trained = "this model, seen in training", True
    rng, count = exam.rng(f"digits {speaker}"), exam.sizes.digit_strings
    clips = testsets.digit_clips(exam.inputs.digits, speaker, count, rng, trained=trained)
    [row] = measure.set_rows({speaker: clips}, decode).values()
    return {"heard by": heard_by, "trained on": trained, **row}
