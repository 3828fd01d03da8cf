"""The whole recipe in small, from the corpus to a model the engine runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.model.speech_model import load_model
from tests import needs
from training import corpus, lock, smoke
from training.learning import runs
from training.learning.aligner import AlignerModel
from training.learning.model import SpeechModel
from training.synthesis.speech import MissingSynthesiserError

MODEL_BYTES = 16_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    try:
        smoke.run(folder, smoke.Amounts(clips=50))
    except MissingSynthesiserError as error:
        needs.missing(str(error))
    return folder


pytestmark = [
    pytest.mark.timeout(900),  # seconds; about 90 where nothing else runs
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_the_engine_runs_the_recogniser(made: Path) -> None:
    engine = load_engine(EngineConfig(model=str(made / "cooldown" / "export"), device="cpu"))
    assert engine is not None


def test_the_engine_loads_the_aligner(made: Path) -> None:
    model = load_model(made / "align" / "export")
    assert model.config.is_aligner
    assert model.score.out_features == 512


@pytest.mark.parametrize("kind", [SpeechModel, AlignerModel])
def test_the_real_sizes_fit_the_package(kind: type[SpeechModel], made: Path) -> None:
    weights = 2 * sum(parameter.numel() for parameter in kind().parameters())
    rest = sum(
        (made / "align" / "export" / name).stat().st_size
        for name in ("config.json", "generation_config.json", "tokenizer.json")
    )
    assert weights + rest < MODEL_BYTES - 50_000  # the card, and the names of the tensors


def test_the_runs_tell_how_they_were_made(made: Path) -> None:
    record = json.loads((made / "cooldown" / "run.json").read_text())
    assert [phase["kind"] for phase in record["phases"]] == ["constant", "cooldown"]
    first, second = record["phases"]
    assert first["to_hours"] == second["from_hours"] < second["to_hours"]
    assert record["corpus"]["fingerprint"] == corpus.fingerprint(1, 50)
    assert record["seed"] == 1
    assert (made / "cooldown" / "export" / "CARD.md").read_text().startswith("#")


def test_a_finished_run_is_not_trained_again(made: Path) -> None:
    settings = smoke.settings(made / "train")
    before = json.loads((made / "train" / "run.json").read_text())["steps"]
    run = runs.constant(settings, made / "corpus", 0.01)
    assert run.train()
    assert run.optimiser.steps == before


def test_a_corpus_that_is_stopped_takes_its_workers_along(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "training", "corpus", "--dir", str(tmp_path)]
    command += ["--digits", str(made / "digits"), "--shards", "2", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"2 of 2 shards are to be made\n"
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on" in said
    with lock.held(tmp_path):  # a worker that lives on would hold it
        assert [path.name for path in tmp_path.glob("shard-*")] == []


def test_an_interrupted_corpus_is_completed(made: Path) -> None:
    plan = corpus.Plan(made / "corpus", made / "digits", shards=2, clips=50)
    finished = plan.path(0, "json").stat().st_mtime_ns
    plan.path(1, "json").unlink()
    corpus.build(plan, jobs=1)
    assert plan.path(0, "json").stat().st_mtime_ns == finished
    clips, features = corpus.load(plan.folder)[1]
    assert len(clips) == 50
    assert sum(clip.frames for clip in clips) == len(features)
