"""Where transcripts go: standard output, one file, or a folder with a file for each recording."""

import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import UsageError
from .transcript import Format, Transcript, render

_SUFFIXES: dict[Format, str] = {"text": ".txt", "json": ".json", "srt": ".srt", "vtt": ".vtt"}


class Output:
    """Writes the transcript of each of `sources`.

    Several recordings on standard output: JSON is one object a line, text has the file's name
    above it, and subtitles are refused, as is an `output` that is a file.
    """

    def __init__(self, sources: Sequence[Path], form: Format, output: Path | None) -> None:
        self._form: Format = form
        self._several = len(sources) > 1
        self._folder: Path | None = None
        self._file = output
        if output is not None and (output.is_dir() or self._several):
            self._folder, self._file = output, None
            self._prepare_folder(sources, output)
        elif self._several and output is None and form in ("srt", "vtt"):
            raise UsageError(f"{form} holds one recording; give a folder with --output")

    def write(self, source: Path, transcript: Transcript) -> None:
        text = render(transcript, self._form)
        if self._folder is not None:
            (self._folder / self._name(source)).write_text(text, encoding="utf-8")
        elif self._file is not None:
            self._file.write_text(text, encoding="utf-8")
        else:
            heading = f"== {source}\n" if self._several and self._form == "text" else ""
            sys.stdout.write(heading + text)
            sys.stdout.flush()

    def _prepare_folder(self, sources: Sequence[Path], folder: Path) -> None:
        if len({self._name(source) for source in sources}) < len(sources):
            raise UsageError(f"two recordings would be written to one file in {folder}")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; several recordings need a folder")
        folder.mkdir(parents=True, exist_ok=True)

    def _name(self, source: Path) -> str:
        return source.stem + _SUFFIXES[self._form]
