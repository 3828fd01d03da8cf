"""Batches made ahead in a thread while the model computes."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from training import corpus
from training.learning.noises import Backgrounds
from training.learning.sampler import Sampler

B = TypeVar("B")


class Source:
    """The corpus as it is drawn from: a sampler and background sounds."""

    def __init__(self, folder: Path, seed: int, digit_speakers: Collection[str] | None) -> None:
        """Of the human digits only those of ``digit_speakers`` are used; None means all.

        Raises:
            CorpusError: the folder holds no usable corpus, or none of a speaker's digits.
        """
        self.identity = corpus.identify(folder)
        self.sampler = Sampler(digit_speakers)
        self._folder = folder
        self._read: set[Path] = set()
        self.refresh()
        if unknown := set(digit_speakers or ()) - self.sampler.people:
            raise corpus.CorpusError(
                f"{folder} has no digits of {', '.join(sorted(unknown))}; "
                f"it has those of {', '.join(sorted(self.sampler.people))}"
            )
        self.backgrounds = Backgrounds(self.sampler.random_piece, seed)

    def refresh(self) -> bool:
        """Take in shards that were finished meanwhile; False if there is none."""
        new = [path for path in corpus.finished_shards(self._folder) if path not in self._read]
        for path in new:
            self.sampler.add(*corpus.read_shard(path))
            self._read.add(path)
        return bool(new)

    def __str__(self) -> str:
        return f"{len(self._read)} shards, {self.sampler.hours:.1f} h"


class Feed(Generic[B]):
    """Makes batch after batch; batch ``number`` depends on the seed and its number alone."""

    def __init__(self, make: Callable[[random.Random, float], B], seed: int, first: int) -> None:
        """``make(rng, hours)`` makes a batch for a run that has seen ``hours``."""
        self._make = make
        self._seed = seed
        self._number = first
        self._pool = ThreadPoolExecutor(1)
        self._following: Future[B] | None = None

    def next(self, hours: float) -> B:
        """The next batch; the one after it is begun."""
        ready = self._following or self._begin(hours)
        batch = ready.result()
        self._following = self._begin(hours)
        return batch

    def _begin(self, hours: float) -> Future[B]:
        rng = random.Random(f"{self._seed}/{self._number}")
        self._number += 1
        return self._pool.submit(self._make, rng, hours)

    def __enter__(self) -> Feed[B]:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
