"""What the recipe says of files, folders and arguments it cannot work with."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from training import corpus, lock
from training.__main__ import main
from training.errors import BadFileError, RecipeError, advice, write_whole
from training.evaluation import card, report
from training.language.tokenizer import Prompt
from training.learning import export, machine
from training.learning.checkpoint import State
from training.learning.runs import OtherRunError, own_state
from training.learning.train import Settings
from training.synthesis import digits
from training.utterances import Clip

EMBEDDED = Path(__file__).parents[2] / "engine" / "embedded"
ALIGNER = EMBEDDED.with_name("embedded_aligner")
WHERE = ["--dir", "corpus", "--run", "run"]


def recipe(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["training", *arguments])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return main()
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["corpus", "--jobs", "0"], "0 is not allowed, only numbers at least 1"),
        (["corpus", "--shards", "-3"], "only numbers at least 1"),
        (["train", *WHERE, "--hours", "-1"], "-1 is not allowed, only numbers above 0"),
        (["train", *WHERE, "--hours", "nan"], "nan is not allowed"),
        (["train", *WHERE, "--hours", "1", "--init-hours", "-5"], "only numbers at least 0"),
        (["train", *WHERE, "--hours", "1", "--threads", "0"], "only numbers at least 1"),
        (["train", *WHERE, "--hours", "1", "--batch-seconds", "0"], "only numbers at least 30"),
        (["cooldown", *WHERE, "--from", "x", "--hours", "1", "--rate", "-1"], "above 0"),
        (["eval", "--model", "x", "--threads", "many"], "invalid whole number value: 'many'"),
    ],
)
def test_numbers_out_of_range_are_usage_errors(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        recipe(monkeypatch, *arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_an_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["train", "--dir", str(tmp_path), "--run", str(tmp_path / "file"), "--hours", "1"]
    assert recipe(monkeypatch, *arguments) == 1
    assert capsys.readouterr().err == f"python -m training train: {tmp_path}/file: File exists\n"


def test_one_process_works_in_a_folder(tmp_path: Path) -> None:
    with (
        lock.held(tmp_path / "run"),
        pytest.raises(lock.FolderInUseError, match="another process works in"),
        lock.held(tmp_path / "run"),
    ):
        pass
    with lock.held(tmp_path / "run"):
        pass


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """The JSON file of a shard of two clips of 30 frames."""
    clip = Clip("One two.", "English", "flite-kal", "numbers", 30, [], [], [])
    path = tmp_path / "shard-0000.json"
    path.write_text(json.dumps([asdict(clip)] * 2))
    np.save(path.with_suffix(".npy"), np.zeros((60, 128), np.float16))
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_shard(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.zeros((50, 128), np.float16))


@pytest.mark.parametrize(
    "harm",
    [
        cut,
        of_another_shard,
        lambda path: cut(path.with_suffix(".npy")),
        lambda path: path.with_suffix(".npy").write_bytes(b""),
        lambda path: path.with_suffix(".npy").unlink(),
        lambda path: path.write_text('[{"sound": "?"}]'),
    ],
)
def test_a_damaged_shard_says_how_to_replace_it(harm: Callable[[Path], None], shard: Path) -> None:
    corpus.read_shard(shard)
    harm(shard)
    with pytest.raises(BadFileError, match=rf"remove {shard} and make that shard again"):
        corpus.read_shard(shard)


def test_a_corpus_without_its_mark_says_so(tmp_path: Path) -> None:
    (tmp_path / "corpus.json").write_text("")
    with pytest.raises(BadFileError, match="cut off or not JSON"):
        corpus.identify(tmp_path)
    with pytest.raises(BadFileError, match="choose an empty --dir or remove it"):
        corpus._claim(corpus.Plan(tmp_path, tmp_path))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_whole(path, "before")
    (tmp_path / "run.json.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as error:
        write_whole(path, "after")
    assert "the disk is full; free some of it, the same command resumes" in advice(error.value)
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_a_damaged_checkpoint_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(BadFileError, match="cut off or no checkpoint of this recipe"):
        State.load(tmp_path)


def test_a_run_is_continued_only_by_its_own_command(tmp_path: Path) -> None:
    State("cooldown", {}, {}, seconds=0.0, begin_hours=0.0).save(tmp_path)
    settings = Settings(run=tmp_path, device=machine.pick_device("cpu"))
    assert own_state(settings, "cooldown").kind == "cooldown"
    with pytest.raises(OtherRunError, match="a run of the kind 'cooldown'"):
        own_state(settings, "constant")


@pytest.mark.parametrize("damage", ["truncated", "no size", "an aligner"])
def test_what_is_no_recogniser_is_told(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ALIGNER if damage == "an aligner" else EMBEDDED, folder)
    if damage == "truncated":
        cut(folder / "model.safetensors")
    if damage == "no size":
        (folder / "config.json").write_text("{}")
    with pytest.raises(BadFileError, match=f"{folder} is not the export that is wanted"):
        export.load(folder)


@pytest.mark.parametrize("content", [None, "{"])
def test_a_damaged_tokenizer_is_told(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadFileError, match="put back its copy"):
        Prompt.load(path)


@pytest.mark.parametrize("lacking", ["9_jackson_3.wav", "0_theo_45.wav", "everyone but theo"])
def test_digits_are_looked_through_before_the_work(lacking: str, tmp_path: Path) -> None:
    for speaker in ("jackson", "theo", "lucas"):  # of Lucas not all, but he is not used
        for digit in range(10):
            for index in (3, 45):
                name = f"{digit}_{speaker}_{index}.wav"
                if name != lacking and (speaker == "theo" or lacking != "everyone but theo"):
                    (tmp_path / name).write_bytes(b"")
    (tmp_path / "4_lucas_3.wav").unlink(missing_ok=True)
    with pytest.raises(digits.MissingDigitsError, match="fetch the Free Spoken Digit Dataset"):
        digits.DigitVoices(tmp_path)
    if lacking != "everyone but theo":
        (tmp_path / lacking).write_bytes(b"")
        assert digits.DigitVoices(tmp_path).speakers == ["jackson", "theo"]


def test_a_file_that_is_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(BadFileError, match="no 16-bit wav file"):
        digits.read_wav(tmp_path / "x.wav")


@pytest.mark.parametrize("device", ["foo", "cuda:77"])
def test_a_device_that_is_not_there_is_told(device: str) -> None:
    with pytest.raises(machine.NoDeviceError, match=f"--device {device} is not to be had"):
        machine.pick_device(device)


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[Path, Path]:
    """A run and an evaluation of weights that are not the model's."""
    for name in ("run", "eval"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "run.json").write_text('{"kind": "cooldown", "phases": []}')
    record = {"quick": False, "model": "0" * 64, "seed": 1, "format": 2, "sections": {}}
    (tmp_path / "eval" / "eval.json").write_text(json.dumps(record))
    return tmp_path / "run", tmp_path / "eval"


def test_a_card_is_of_the_weights_that_were_measured(evaluated: tuple[Path, Path]) -> None:
    with pytest.raises(card.CardError, match="holds figures of other weights"):
        card.write(EMBEDDED, *evaluated)


def test_a_card_wants_the_run_of_its_model(evaluated: tuple[Path, Path]) -> None:
    (evaluated[0] / "run.json").write_text('{"kind": "align", "phases": []}')
    with pytest.raises(card.CardError, match="a run of the kind 'align', wanted: 'constant'"):
        card.write(EMBEDDED, *evaluated)


def test_a_damaged_evaluation_is_told(evaluated: tuple[Path, Path]) -> None:
    cut(evaluated[1] / "eval.json")
    with pytest.raises(RecipeError, match="remove it and evaluate again"):
        report.read(evaluated[1])
