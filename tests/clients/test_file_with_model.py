"""`hark file` on the real engine, here and over a server."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hark.clients.journal import Journal
from hark.clients.samples import Sample, find_sample, same_words
from hark.clients.server_process import ServerProcess
from hark.engine.audio.files import open_audio
from hark.engine.model.hub import embedded_folder
from hark.streaming.cli import main
from hark.streaming.events import Final

from .tones import write_audio

Transcribe = Callable[..., str]


@pytest.fixture
def transcribe(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Transcribe:
    """Runs `hark file` in this process, on the real engine."""

    def run(*arguments: object) -> str:
        assert main(["file", "--model", str(model_folder), *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


def test_every_sample_gives_its_words_here_and_over_a_server(
    samples: list[Sample],
    real_server: ServerProcess,
    transcribe: Transcribe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [sample.path for sample in samples]
    here = transcribe("--format", "json", *paths)
    assert main(["file", "--url", real_server.url, "--format", "json", *map(str, paths)]) == 0
    there = capsys.readouterr().out
    for sample, line, other in zip(samples, here.splitlines(), there.splitlines(), strict=True):
        heard, heard_there = json.loads(line), json.loads(other)
        assert same_words(heard["text"], sample.text), f"{sample.name}: {heard['text']}"
        assert heard["language"] == sample.language
        assert heard["text"] == heard_there["text"]


@pytest.mark.parametrize("place", ["here", "server"])
def test_what_ends_a_segment(
    place: str,
    samples: list[Sample],
    model_folder: Path,
    real_server: ServerProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sample = find_sample(samples, "lecture")
    where = ["--model", str(model_folder)] if place == "here" else ["--url", real_server.url]

    def num_segments(mode: str) -> int:
        command = ["file", *where, "--endpointing", mode, "--format", "json", str(sample.path)]
        assert main(command) == 0
        heard = json.loads(capsys.readouterr().out)
        assert same_words(heard["text"], sample.text)
        return len(heard["segments"])

    # How much sooner `semantic` ends one depends on how busy the machine is.
    assert num_segments("vad") > 1 and num_segments("semantic") > 1
    assert num_segments("manual") == num_segments("off") == 1


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("a.mp3", "mp3", 16_000, 1),
        ("a.wav", "pcm_s16le", 48_000, 2),
        ("a.wav", "pcm_mulaw", 8_000, 1),
    ],
)
def test_other_encodings_give_the_same_words(
    samples: list[Sample],
    transcribe: Transcribe,
    tmp_path: Path,
    name: str,
    codec: str,
    rate: int,
    channels: int,
) -> None:
    sample = samples[0]
    mono = np.concatenate(list(open_audio(sample.path).blocks(rate)))
    path = write_audio(tmp_path / name, np.stack([mono] * channels), rate=rate, codec=codec)
    heard = transcribe(path)
    assert same_words(heard, sample.text), heard


def test_tokens_are_all_ids_of_one_segment(
    samples: list[Sample], model_folder: Path, transcribe: Transcribe
) -> None:
    from hark.engine.model.tokenizer import Tokenizer

    sample = samples[0]
    clip = json.loads(transcribe("--tokens", "--format", "json", sample.path))
    decoded = Tokenizer.from_folder(model_folder).decode(clip["tokens"])
    assert decoded.startswith(f"language {sample.language}<asr_text>{clip['text']}")
    assert same_words(clip["text"], sample.text)


@pytest.mark.parametrize("place", ["here", "server"])
def test_guesses_are_counted_on_stderr(
    place: str,
    samples: list[Sample],
    model_folder: Path,
    real_server: ServerProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoken = np.concatenate(list(open_audio(samples[0].path).blocks()))
    backwards = write_audio(tmp_path / "backwards.wav", np.ascontiguousarray(spoken[::-1]))
    where = ["--model", str(model_folder)] if place == "here" else ["--url", real_server.url]
    assert main(["file", *where, "--format", "json", str(backwards), str(samples[0].path)]) == 0
    output = capsys.readouterr()
    segments = json.loads(output.out.splitlines()[0])["segments"]
    limit = json.loads((embedded_folder() / "config.json").read_text())["unsure_below"]
    guesses = sum(segment["confidence"] < limit for segment in segments)
    assert guesses > 0
    told = f"{guesses} of {len(segments)} segments are more likely guesses than transcripts"
    assert output.err.count("more likely guesses") == 1
    assert f"{backwards}: {told} (confidence under {limit:g};" in output.err


def test_a_language_the_model_does_not_know_is_refused(
    samples: list[Sample], model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(model_folder), "--language", "xx", str(samples[0].path)]
    assert main(["file", *arguments]) == 2
    assert capsys.readouterr().err == (
        "hark file: language is 'xx', allowed are English (en), Spanish (es), German (de)\n"
    )


def test_a_file_that_breaks_off_does_not_harm_the_next(
    samples: list[Sample],
    model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sample = samples[0]
    spoken = np.concatenate(list(open_audio(sample.path).blocks()))
    spoken[-100] = np.nan
    broken = write_audio(tmp_path / "broken.wav", spoken, codec="pcm_f32le")
    assert main(["file", "--model", str(model_folder), str(broken), str(sample.path)]) == 1
    output = capsys.readouterr()
    assert "NaN" in output.err
    assert same_words(output.out.partition("\n")[2], sample.text)


def test_tokens_take_no_more_than_two_minutes(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_audio(tmp_path / "long.wav", np.zeros(121 * 16_000, np.float32))
    assert main(["file", "--model", str(model_folder), "--tokens", str(path)]) == 1
    assert "longer than 120 s" in capsys.readouterr().err


def test_an_interrupted_transcription_goes_on(
    samples: list[Sample],
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pause = np.zeros(16_000, np.float32)
    parts = [part for s in samples[:4] for part in (*open_audio(s.path).blocks(), pause)]
    talk = write_audio(tmp_path / "talk.wav", np.concatenate(parts))

    def to(name: str) -> list[str]:
        # 400 ms, for a detector that begins anew may hear a pause of 580 ms as one of 600.
        model, output = str(model_folder), str(tmp_path / name)
        flags = ["--pause-ms", "400", "--format", "json", "--output", output]
        return ["file", "--model", model, *flags, str(talk)]

    def stop(journal: Journal, final: Final) -> None:
        add(journal, final)
        if len(journal.finals) == 2:
            raise KeyboardInterrupt

    add = Journal.add
    monkeypatch.setattr(Journal, "add", stop)
    assert main(to("stopped.json")) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    unfinished = tmp_path / "stopped.json.unfinished"
    assert len(unfinished.read_text().splitlines()) == 3
    with unfinished.open("ab") as file:
        file.write(b'{"type": "final", "text": "cut o \xc3')  # the machine went down in mid-word
    monkeypatch.setattr(Journal, "add", add)
    assert main(to("stopped.json")) == 0
    assert "goes on at" in capsys.readouterr().err
    assert not unfinished.exists()
    assert main(to("whole.json")) == 0
    went_on, whole = (
        json.loads((tmp_path / name).read_text()) for name in ("stopped.json", "whole.json")
    )
    assert same_words(went_on["text"], whole["text"])
    assert went_on["duration_s"] == whole["duration_s"]
    # The voice detector remembers, and begins anew where it goes on.
    for ours, theirs in zip(went_on["segments"], whole["segments"], strict=True):
        assert abs(ours["start_ms"] - theirs["start_ms"]) <= 300
        assert abs(ours["words"][0]["start_ms"] - theirs["words"][0]["start_ms"]) <= 300
