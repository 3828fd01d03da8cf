"""Where transcripts go: standard output, one file, or a folder with a file for each recording."""

import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import UsageError
from .transcript import Format, Transcript, render

_SUFFIXES: dict[Format, str] = {"text": ".txt", "json": ".json", "srt": ".srt", "vtt": ".vtt"}


def format_of(output: Path | None) -> Format:
    """The format that a file is named for; text where its name says nothing."""
    suffix = output.suffix.lower() if output is not None else ""
    forms: dict[str, Format] = {ending: form for form, ending in _SUFFIXES.items()}
    return forms.get(suffix, "text")


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
        elif output is None and sys.stdout is None:
            raise UsageError("standard output is closed; name a file with --output")
        elif self._several and output is None and form in ("srt", "vtt"):
            raise UsageError(f"{form} holds one recording; give a folder with --output")
        elif output is not None and not output.parent.is_dir():
            raise UsageError(f"{output.parent}, where --output is to be written, is no folder")
        for source in sources:
            self._spare(sources, self.path_of(source))

    def path_of(self, source: Path) -> Path | None:
        """The file that the transcript of `source` is written to; None is standard output."""
        return self._file if self._folder is None else self._folder / self._name(source)

    def write(self, source: Path, transcript: Transcript) -> None:
        text = render(transcript, self._form)
        path = self.path_of(source)
        if path is not None:
            _save(path, text)
        else:
            heading = f"== {source}\n" if self._several and self._form == "text" else ""
            _print(heading + text, "utf-8" if self._form == "json" else sys.stdout.encoding)

    def _spare(self, sources: Sequence[Path], written: Path | None) -> None:
        if written is None or not written.exists():
            return
        if any(source.exists() and source.samefile(written) for source in sources):
            raise UsageError(f"{written} is a recording itself; give --output another name")

    def _prepare_folder(self, sources: Sequence[Path], folder: Path) -> None:
        if len({self._name(source) for source in sources}) < len(sources):
            raise UsageError(f"two recordings would be written to one file in {folder}")
        if folder.suffix and not folder.exists():
            raise UsageError(f"{folder} is named like a file; several recordings need a folder")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; several recordings need a folder")
        folder.mkdir(parents=True, exist_ok=True)

    def _name(self, source: Path) -> str:
        return source.stem + _SUFFIXES[self._form]


def _save(path: Path, text: str) -> None:
    # What UTF-8 does not have are the odd bytes of a file's name; JSON reads the escapes back.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _print(text: str, encoding: str) -> None:
    """Write to standard output, with escapes for what its encoding does not have."""
    sys.stdout.buffer.write(text.encode(encoding, errors="backslashreplace"))
    sys.stdout.flush()
