"""One process at a time in a folder of the recipe."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import RecipeError

_FILE = ".lock"


class FolderInUseError(RecipeError):
    """Another process makes something in the folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder and keep other processes out of it.

    The lock goes with the process, and with the workers it forked: a killed one leaves none.

    Raises:
        FolderInUseError: a process is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUseError(
                f"another process works in {folder}; wait for its end or choose another folder"
            ) from None
        yield
