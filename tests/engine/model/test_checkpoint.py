import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hark.engine.model.checkpoint import load_weights, read_config
from hark.engine.model.speech_model import SpeechModel
from hark.engine.types import CheckpointError
from tests.parity import checkpoints
from tests.parity.checkpoints import Folders, RecogniserCheckpoint

Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> RecogniserCheckpoint:
    tokenizer = checkpoints.small_tokenizer()
    model = checkpoints.recogniser(tokenizer)
    folders: Folders = {n: tmp_path_factory.mktemp(n) for n in ("native", "original", "sharded")}
    model.save_pretrained(folders["native"])
    checkpoints.save_original(model, folders["original"], shards=1)
    checkpoints.save_original(model, folders["sharded"], shards=3)
    return RecogniserCheckpoint(model, folders)


def load(folder: Path, dtype: torch.dtype = torch.float32) -> SpeechModel:
    with torch.device("meta"):
        model = SpeechModel(read_config(folder))
    load_weights(folder, model, dtype=dtype, device="cpu")
    return model


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", ["native", "original", "sharded"])
def test_every_layout_fills_every_parameter(
    layout: str, dtype: torch.dtype, saved: RecogniserCheckpoint
) -> None:
    theirs = saved.reference.state_dict()
    model = load(saved.folders[layout], dtype)
    names = [name for name, _ in model.named_parameters()]
    assert len(names) == 13 + 16 * 3 + 2 + 11 * 3, "16 and 11 tensors a layer, as published"
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, theirs[f"model.{name}"].to(dtype)), name
        assert parameter.device.type == "cpu"


def edited(folder: Path, tmp_path: Path, edit: Callable[[Tensors], object]) -> Path:
    """A copy of a single-file checkpoint whose tensors went through `edit`."""
    copy = tmp_path / "edited"
    shutil.copytree(folder, copy)
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, copy / "model.safetensors")
    return copy


def _lose(tensors: Tensors) -> None:
    del tensors["thinker.audio_tower.layers.1.fc1.bias"]


def _lose_many(tensors: Tensors) -> None:
    for name in [name for name in tensors if ".layers.0." in name]:
        del tensors[name]


def _gain(tensors: Tensors) -> None:
    tensors["thinker.audio_tower.layers.3.fc1.bias"] = torch.zeros(160)


def _turn(tensors: Tensors) -> None:
    name = "thinker.model.layers.2.mlp.up_proj.weight"
    tensors[name] = tensors[name].T.contiguous()


def _quantise(tensors: Tensors) -> None:
    name = "thinker.model.norm.weight"
    tensors[name] = tensors[name].to(torch.int8)


def _duplicate(tensors: Tensors) -> None:
    tensors["model.language_model.norm.weight"] = tensors["thinker.model.norm.weight"].clone()


def _spoil(tensors: Tensors) -> None:
    tensors["thinker.audio_tower.layers.1.fc1.bias"][3] = torch.nan


def _untie(tensors: Tensors) -> None:
    tensors["thinker.lm_head.weight"][7, 7] += 1e-3


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (_lose, r"missing: audio_tower\.layers\.1\.fc1\.bias$"),
        (_lose_many, r"missing: audio_tower\.layers\.0\..* and 22 more"),
        (_gain, r"unread: thinker\.audio_tower\.layers\.3\.fc1\.bias$"),
        (_turn, r"wrong shape: .*layers\.2\.mlp\.up_proj\.weight \[96, 208\] .* \[208, 96\]"),
        (_quantise, r"not a float: thinker\.model\.norm\.weight I8"),
        (_duplicate, r"thinker\.model\.norm\.weight .*both language_model\.norm\.weight"),
        (_spoil, r"layers\.1\.fc1\.bias holds values that are no finite numbers"),
        (_untie, r"ties the head .* thinker\.lm_head\.weight differs"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(
    edit: Callable[[Tensors], None], complaint: str, saved: RecogniserCheckpoint, tmp_path: Path
) -> None:
    folder = edited(saved.folders["original"], tmp_path, edit)
    with pytest.raises(CheckpointError, match=complaint):
        load(folder)


def test_several_complaints_come_at_once(saved: RecogniserCheckpoint, tmp_path: Path) -> None:
    def edit(tensors: Tensors) -> None:
        _lose(tensors)
        _gain(tensors)

    folder = edited(saved.folders["original"], tmp_path, edit)
    with pytest.raises(CheckpointError, match=r"missing: .*; unread: "):
        load(folder)


def test_an_untied_head_must_be_stored(saved: RecogniserCheckpoint, tmp_path: Path) -> None:
    folder = tmp_path / "untied"
    shutil.copytree(saved.folders["native"], folder)
    config = json.loads((folder / "config.json").read_text())
    config["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"missing: lm_head\.weight$"):
        load(folder)


@pytest.mark.parametrize("kept", [0, 7, 100, 20_000, -1])
def test_a_truncated_file_is_named(kept: int, saved: RecogniserCheckpoint, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(saved.folders["native"], folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load(folder)


@pytest.mark.parametrize(
    "index", ["{", "[]", "{}", '{"weight_map": [1]}', '{"weight_map": {"a": "b.safetensors"}}']
)
def test_a_broken_index_is_named(index: str, saved: RecogniserCheckpoint, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(saved.folders["sharded"], folder)
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError, match=r"index\.json|b\.safetensors"):
        load(folder)


def test_missing_shards_and_tensors_are_named(saved: RecogniserCheckpoint, tmp_path: Path) -> None:
    folder = tmp_path / "incomplete"
    shutil.copytree(saved.folders["sharded"], folder)
    shard = folder / "model-00002-of-00003.safetensors"
    tensors = load_file(shard)
    lost = sorted(tensors)[0]
    del tensors[lost]
    save_file(tensors, shard)
    with pytest.raises(CheckpointError, match=rf"{shard.name} lacks {lost}"):
        load(folder)
    shard.unlink()
    with pytest.raises(CheckpointError, match=shard.name):
        load(folder)
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(CheckpointError, match="neither"):
        load(folder)
