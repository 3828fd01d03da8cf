"""What is wrong with what the recipe was given, in words that say what to do."""

from __future__ import annotations

import argparse
import errno
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any


class RecipeError(RuntimeError):
    """Base of the recipe's own errors; the message says what to do."""


class BadFileError(RecipeError):
    """A file is cut off, of something else, or does not fit its neighbours."""


def advice(error: OSError) -> str:
    """What the operating system said, where, and what helps."""
    where = error.filename or "a file"
    if error.errno == errno.ENOSPC:
        return f"{where}: the disk is full; free some of it, the same command resumes"
    return f"{where}: {error.strerror or error}"


def read_json(path: Path, remedy: str) -> Any:
    """The content of a JSON file.

    Raises:
        BadFileError: it is not JSON; the message ends with ``remedy``.
        OSError: it cannot be read.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadFileError(f"{path} is cut off or not JSON ({error}); {remedy}") from None


def write_whole(path: Path, content: str | bytes | memoryview) -> None:
    """Write a file so that a full disk or a stop leaves the old one, or none."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def number(
    kind: type[int] | type[float], *, above: float = -math.inf, at_least: float = -math.inf
) -> Callable[[str], float]:
    """An argparse type for finite numbers over ``above`` and not under ``at_least``."""

    def parse(argument: str) -> float:
        value = kind(argument)
        if not math.isfinite(value) or value <= above or value < at_least:
            limit = f"above {above:g}" if above > -math.inf else f"at least {at_least:g}"
            raise argparse.ArgumentTypeError(f"{argument} is not allowed, only numbers {limit}")
        return value

    parse.__name__ = {int: "whole number", float: "number"}[kind]
    return parse
