"""The finals of a recording as they come, on disk, so that an interrupted transcription goes on.

A file of JSON lines beside the output: the first line says what is transcribed and how, each other
one holds a final. It is gone when the transcript is written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from hark.engine.types import StreamOptions
from hark.streaming.events import Final, event_from_wire, event_to_wire

SUFFIX = ".unfinished"


class Journal:
    """Finals in order; `finals` are those that are known already."""

    def __init__(self, path: Path | None, key: Mapping[str, Any]) -> None:
        """Read what `path` holds of the same recording, options and model, or begin anew.

        Without a path the finals are remembered here only. Raises OSError when the file can be
        neither read nor written.
        """
        self.finals: list[Final] = []
        self.is_other = False  # what was there is of another run, and is gone now
        self._file = None
        if path is None:
            return
        head = json.dumps(key, sort_keys=True)
        lines = path.read_text("ascii", "replace").split("\n") if path.exists() else []
        if lines[:1] == [head]:
            self.finals = _readable(lines[1:])
        else:
            self.is_other = len(lines) > 2
        self._file = path.open("w", encoding="ascii")
        self._file.writelines(line + "\n" for line in (head, *map(_line, self.finals)))
        self._file.flush()

    @property
    def heard_ms(self) -> int:
        """Up to where the recording needn't be heard again."""
        return self.finals[-1].end_ms if self.finals else 0

    def add(self, final: Final) -> None:
        """Keep a final of which the times count from the recording's start."""
        self.finals.append(final)
        if self._file is not None:
            self._file.write(_line(final) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def journal_beside(output: Path) -> Path:
    """Where the journal of a transcript that will be written to `output` lies."""
    return output.with_name(output.name + SUFFIX)


def key_of(audio: Path, options: StreamOptions, model: str) -> dict[str, Any]:
    """What has to be the same for finals of an earlier run to count."""
    state = audio.stat()
    return {
        "audio": str(audio.resolve()),
        "bytes": state.st_size,
        "changed_ns": state.st_mtime_ns,
        "options": asdict(options),
        "model": model,
    }


def _line(final: Final) -> str:
    return json.dumps(event_to_wire(final))  # ASCII, so that no cut falls into a character


def _readable(lines: list[str]) -> list[Final]:
    """The finals up to the first line that is not one: the last may be cut off."""
    finals: list[Final] = []
    for line in lines:
        try:
            event = event_from_wire(json.loads(line))
        except ValueError:
            break
        if not isinstance(event, Final):
            break
        finals.append(event)
    return finals
