"""The evaluation's own machinery: cut clips, sounds, followed streams, and resuming."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hark.engine.types import Final, Partial
from training.evaluation import evaluate, report, rooms, sounds, tables, testsets
from training.evaluation.exam import EvaluationError, Exam, Inputs
from training.evaluation.report_confidence import transcripts
from training.evaluation.report_stream import watch
from training.synthesis.speech import SAMPLE_RATE

WORDS = ((0.1, 0.4), (0.5, 0.9), (1.0, 1.6))


def clip(text: str = "One two three.") -> evaluate.TestClip:
    samples = np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    return evaluate.TestClip(text, "English", "flite-slt", samples, WORDS, names=(1,))


def partial(stable: str, at_s: float, unstable: str = "") -> Partial:
    return Partial(
        segment=0,
        start_sample=0,
        end_sample=int(at_s * SAMPLE_RATE),
        stable=stable,
        unstable=unstable,
        language="English",
        confidence=0.9,
        steps=1,
        queue_ms=0.0,
        compute_ms=10.0,
    )


def test_concatenated_clips_keep_the_times_of_their_words() -> None:
    joined = evaluate.concatenate([clip(), clip()], random.Random(1))
    assert joined.text == "One two three. One two three."
    assert joined.words[:3] == WORDS
    pause = joined.words[3][0] - WORDS[0][0] - 2
    assert 0.3 <= pause <= 0.8
    assert joined.seconds == pytest.approx(4 + pause)
    assert joined.names == (1, 4)


def test_a_cut_clip_keeps_the_words_that_were_spoken_out() -> None:
    for seed in range(50):
        heard, begun = testsets.cut(clip(), random.Random(seed))
        spoken = sum(end <= heard.seconds + 1e-3 for _, end in WORDS)
        assert len(heard.text.split()) == spoken
        assert len(begun.split()) - spoken in (0, 1)


def test_pieces_are_cut_where_it_is_quiet() -> None:
    samples = np.ones(20 * SAMPLE_RATE, np.float32)
    samples[7 * SAMPLE_RATE : int(7.3 * SAMPLE_RATE)] = 0.0
    pieces = testsets.pieces_at_pauses(samples, 4, 12)
    assert len(pieces[0]) / SAMPLE_RATE == pytest.approx(7.15, abs=0.15)
    assert all(4 <= len(piece) / SAMPLE_RATE <= 12 for piece in pieces)


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_sounds_have_the_level_of_speech(kind: str) -> None:
    sound = sounds.make(kind, 3 * SAMPLE_RATE, np.random.default_rng(5))
    assert len(sound) == 3 * SAMPLE_RATE
    assert np.isfinite(sound).all()
    level = np.sqrt(np.mean(sound.astype(np.float64) ** 2))
    assert level == pytest.approx(0.0 if kind == "silence" else sounds.RMS, rel=1e-3)


def test_noise_is_mixed_at_the_wanted_ratio() -> None:
    speech = clip().samples
    sound = sounds.make("pink noise", len(speech), np.random.default_rng(6))
    added = sounds.mix(speech, sound, 10) - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(added**2)) == pytest.approx(10, abs=0.01)


def test_a_room_adds_echoes_and_keeps_length_level_and_beginning() -> None:
    response = rooms.impulse_response(random.Random(4))
    assert response[0] == 1.0
    early, late = np.square(response[1:800]).sum(), np.square(response[800:]).sum()
    assert 0 < late < early
    speech = clip().samples
    wet = rooms.reverberate(speech, random.Random(4))
    assert len(wet) == len(speech)
    assert np.mean(wet**2) == pytest.approx(np.mean(speech**2), rel=1e-3)


def test_a_followed_stream_counts_delays_retractions_and_replacements() -> None:
    final = Final(
        segment=0,
        start_sample=0,
        end_sample=3 * SAMPLE_RATE,
        text="One two three.",
        words=(),
        times="estimated",
        language="English",
        language_confidence=1.0,
        confidence=0.9,
        stable_words_replaced=1,
        queue_ms=0.0,
        compute_ms=5.0,
    )
    shown = watch(clip(), [partial("One", 1.3), partial("One two", 1.8, " tree"), final])
    assert shown.stable == ["One", "two"]
    assert (shown.last, shown.final) == (["One", "two", "tree"], ["One", "two", "three."])
    assert shown.delays_ms == pytest.approx([500, 500])  # 0.4 s of silence come first
    assert shown.with_compute_ms == pytest.approx([510, 510])
    assert (shown.retracted, shown.replaced) == (0, 1)
    assert watch(clip(), [partial("One two", 1.3), partial("One too", 1.8)]).retracted == 1


def test_transcripts_come_from_the_table_or_from_text_files(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).touch()
    (tmp_path / "transcripts.tsv").write_text("a.wav\tfirst words\nmissing.wav\tnot there\n")
    (tmp_path / "b.txt").write_text("Second words.\n")
    said = {path.name: words for path, words in transcripts(tmp_path).items()}
    assert said == {"a.wav": "first words", "b.wav": "Second words."}


def test_a_folder_without_transcripts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="transcripts"):
        transcripts(tmp_path)


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., report.Task]:
    """Tasks with two sections that count their measurements instead of making any."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    measured: list[str] = []

    def section(name: str, *needs: str) -> report.Section:
        def measure(exam: Exam) -> dict:
            measured.append(name)
            return {"count": len(measured)}

        return report.Section(measure, needs)

    monkeypatch.setattr(
        report, "SECTIONS", {"one": section("one"), "two": section("two", "speech")}
    )
    monkeypatch.setattr(report.Task, "exam", None)
    monkeypatch.setattr(tables, "markdown", lambda record: "")

    def make(speech: Path | None = None, **options: object) -> report.Task:
        inputs = Inputs(model, tmp_path, speech)
        return report.Task(inputs, tmp_path / "out", **options)  # pyright: ignore[reportArgumentType]

    return make


def counts(record: dict) -> dict[str, int]:
    return {name: section["count"] for name, section in record["sections"].items()}


def test_an_evaluation_goes_on_where_it_stopped(
    task: Callable[..., report.Task], tmp_path: Path
) -> None:
    assert counts(report.run(task())) == {"one": 1}  # no speech: the other is left out
    assert counts(report.run(task(tmp_path))) == {"one": 1, "two": 2}
    assert counts(report.run(task(tmp_path, only=["two"]))) == {"one": 1, "two": 3}
    assert json.loads((tmp_path / "out" / "eval.json").read_text())["sections"]["two"]["count"] == 3
    assert counts(report.run(task(tmp_path / "out"))) == {"one": 1, "two": 4}  # other speech
    assert counts(report.run(task(seed=2))) == {"one": 5}


def test_wrong_requests_say_what_to_do(task: Callable[..., report.Task], tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there are one, two"):
        report.run(task(only=["three"]))
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(EvaluationError, match="python -m training export"):
        report.run(task())
