"""What the corpus says when something is in the way."""

import errno
import json
from pathlib import Path

import pytest

from training import corpus, utterances
from training.corpus import CorpusError, CorpusVersionError, Plan
from training.language.text import Sentence
from training.synthesis import digits


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan for a folder, where digits are not looked for."""
    monkeypatch.setattr(digits, "DigitVoices", lambda folder: None)
    return Plan(tmp_path / "corpus", tmp_path, shards=4, clips=10)


def break_workers(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(corpus, "_made_shards", fail)


def test_a_full_disk_says_how_much_is_missing(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    break_workers(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    plan.folder.mkdir()
    plan.path(0, "npy").write_bytes(bytes(3_000_000))
    plan.path(0, "json").write_text("[]")
    with pytest.raises(CorpusError, match=r"3 more shards need about 0\.0 GB.*command resumes"):
        corpus.build(plan, jobs=1)


def test_other_failures_of_the_disk_are_not_taken_for_a_full_one(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_workers(monkeypatch, PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(PermissionError):
        corpus.build(plan, jobs=1)


def test_another_seed_is_refused(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "_made_shards", lambda *_: iter(()))
    corpus.build(plan, jobs=1)
    corpus.build(plan, jobs=1)
    with pytest.raises(CorpusVersionError, match="holds another corpus"):
        corpus.build(Plan(plan.folder, plan.digits, seed=2, shards=4, clips=10), jobs=1)


def test_missing_digits_say_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(digits.MissingDigitsError, match="free-spoken-digit-dataset"):
        corpus.build(Plan(tmp_path / "corpus", tmp_path), jobs=1)


def test_a_folder_is_identified_before_it_is_trained_on(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no corpus; make one"):
        corpus.identify(tmp_path)
    mark = tmp_path / "corpus.json"
    mark.write_text(json.dumps({"format": corpus.FORMAT}))
    with pytest.raises(CorpusError, match="no finished shard"):
        corpus.identify(tmp_path)
    (tmp_path / "shard-0000.json").write_text("[]")
    assert corpus.identify(tmp_path) == {"format": corpus.FORMAT}
    mark.write_text(json.dumps({"fingerprint": "of the first format"}))
    with pytest.raises(CorpusVersionError, match="format 1, this recipe needs 2"):
        corpus.identify(tmp_path)


def test_the_fingerprint_knows_seed_and_size() -> None:
    assert len({corpus.fingerprint(1), corpus.fingerprint(2), corpus.fingerprint(1, 50)}) == 3
    assert corpus.fingerprint(1) == corpus.fingerprint(1)


def test_names_of_joined_sentences_keep_their_places() -> None:
    first = Sentence("Ask Gannis.", "English", "names", (1,))
    second = Sentence("Menix is here.", "English", "names", (0,))
    both = utterances.joined(first, second)
    assert [both.text.split()[index] for index in both.names] == ["Gannis.", "Menix"]
