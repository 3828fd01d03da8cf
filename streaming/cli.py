"""The `hark` command: finds the subcommand, runs it, and turns errors into one line each."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from hark.engine.types import ConfigError, EngineError, OptionError

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Subcommand:
    """A module with `add_arguments(parser)` and `run(args) -> int`, imported only when needed."""

    module: str
    summary: str

    def load(self) -> ModuleType:
        return import_module(self.module, __package__)


_SUBCOMMANDS = {
    "serve": _Subcommand(".serve", "run the transcription server"),
    "file": _Subcommand("hark.clients.file", "transcribe audio files"),
    "mic": _Subcommand("hark.clients.mic", "caption a microphone in the terminal"),
    "conference": _Subcommand(
        "hark.clients.bots.conference", "caption several speakers into one transcript"
    ),
    "demo": _Subcommand("hark.clients.demo", "serve the small model and caption a sample"),
    "bench": _Subcommand("hark.clients.bench.command", "measure a server under many live streams"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hark` with these arguments (default: the process's own); the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (ConfigError, OptionError) as error:
        return _complain(str(error), EXIT_USAGE)
    except EngineError as error:
        return _complain(str(error), EXIT_FAILURE)
    except Exception as error:
        if "HARK_TRACEBACK" in os.environ:
            raise
        hint = "set HARK_TRACEBACK=1 to see where"
        return _complain(f"{type(error).__name__}: {error} ({hint})", EXIT_FAILURE)


def _run(words: list[str]) -> int:
    name = words[0] if words else None
    parser = argparse.ArgumentParser(
        prog="hark", description="Live captions: a real-time streaming transcription server."
    )
    parser.add_argument("--version", action="version", version=f"hark {version('hark-asr')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each, subcommand in _SUBCOMMANDS.items():
        subparser = subparsers.add_parser(
            each, help=subcommand.summary, description=subcommand.summary.capitalize() + "."
        )
        if each == name:
            subcommand.load().add_arguments(subparser)
    args, unknown = parser.parse_known_args(words)
    if unknown:  # the subcommand's own usage is what helps
        subparsers.choices[args.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return _SUBCOMMANDS[args.command].load().run(args)


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"hark: {message}\n")
    return status
