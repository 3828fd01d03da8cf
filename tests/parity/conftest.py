"""Tiny checkpoints, each as the reference model and as folders in every layout."""

from collections.abc import Callable

import pytest
from tokenizers import Tokenizer

from . import checkpoints
from .checkpoints import AlignerCheckpoint, Folders, RecogniserCheckpoint, Reference

Save = Callable[[Reference], Folders]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return checkpoints.small_tokenizer()


@pytest.fixture(scope="session")
def save(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Save a reference model as native, original and sharded original folders."""

    def save_in_every_layout(model: Reference) -> Folders:
        names = ("native", "original", "sharded")
        folders = {name: tmp_path_factory.mktemp(name) for name in names}
        model.save_pretrained(folders["native"])
        checkpoints.write_whole_tokenizer(tokenizer, folders["native"])
        for name, shards in (("original", 1), ("sharded", 3)):
            checkpoints.save_original(model, folders[name], shards=shards)
            checkpoints.write_tokenizer_parts(tokenizer, folders[name])
        return folders

    return save_in_every_layout


@pytest.fixture(scope="session")
def recogniser(tokenizer: Tokenizer, save: Save) -> RecogniserCheckpoint:
    model = checkpoints.recogniser(tokenizer)
    return RecogniserCheckpoint(model, save(model))


@pytest.fixture(scope="session")
def untied_recogniser(tokenizer: Tokenizer, save: Save) -> RecogniserCheckpoint:
    model = checkpoints.recogniser(tokenizer, tied=False)
    return RecogniserCheckpoint(model, save(model))


@pytest.fixture(scope="session")
def aligner(tokenizer: Tokenizer, save: Save) -> AlignerCheckpoint:
    model = checkpoints.aligner(tokenizer)
    return AlignerCheckpoint(model, save(model))
