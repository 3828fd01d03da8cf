"""`hark conference`: recordings of several speakers into one transcript with their names.

Each speaker has a stream of their own, as every participant of a meeting should.
"""

import argparse
import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hark.engine.audio.files import open_audio
from hark.engine.types import AudioFileError
from hark.streaming.events import Event

from ..captions import clock
from ..errors import BadAddressError, HarkError, UsageError
from ..keys import add_key_argument
from ..settings import Options
from ..wire import stream_url
from .conference_screen import ConferenceScreen
from .lasting import DEFAULT_URL
from .participant import Clock, Participant, Speaker

EXIT_FAILED = 1
EXIT_USAGE = 2
_SPEAKER = re.compile(r"(?P<name>[^=]+)=(?P<path>.+?)(@(?P<joins_s>\d+(\.\d+)?))?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark conference`; `run` takes what they parse to."""
    parser.add_argument(
        "speakers",
        nargs="+",
        metavar="NAME=FILE[@SECONDS]",
        help="a speaker's recording, and when it begins in the conference (0)",
    )
    parser.add_argument("--url", default=DEFAULT_URL, help="the server (%(default)s)")
    add_key_argument(parser)
    parser.add_argument("--out", type=Path, metavar="PATH", help="of the transcript (the screen)")
    parser.add_argument("--fast", action="store_true", help="as fast as it goes, not as spoken")
    parser.add_argument("--language", help="name or ISO code; the model decides if left out")
    parser.add_argument("--context", default="", help="words to expect: names, terms, a topic")


def run(args: argparse.Namespace) -> int:
    """Caption the conference and write its transcript; 1 if a speaker was not heard to the end.

    What was heard is written in any case, also after Ctrl-C.
    """
    console = Console(stderr=True)
    try:
        speakers = _check(args)
        screen = ConferenceScreen(console, [speaker.name for speaker in speakers])
        participants = [_participant(speaker, screen) for speaker in speakers]
    except (UsageError, BadAddressError, AudioFileError) as error:
        console.print(f"hark conference: {error}", style="red", markup=False, highlight=False)
        return EXIT_USAGE
    try:
        with screen:
            all_heard = asyncio.run(_hold(args, participants, screen))
    finally:
        _write(transcript(participants), args.out)
    return 0 if all_heard else EXIT_FAILED


def read_speakers(words: Sequence[str]) -> list[Speaker]:
    """The speakers of the command line. Raises UsageError."""
    speakers = []
    for word in words:
        found = _SPEAKER.fullmatch(word)
        if found is None:
            raise UsageError(f"{word!r} is no speaker; write NAME=FILE or NAME=FILE@SECONDS")
        joins_ms = round(float(found["joins_s"] or 0) * 1000)
        speakers.append(Speaker(found["name"], Path(found["path"]), joins_ms))
    [(name, count)] = Counter(speaker.name for speaker in speakers).most_common(1)
    if count > 1:
        raise UsageError(f"{count} speakers are named {name}; each needs a name of their own")
    return speakers


def transcript(participants: Sequence[Participant]) -> str:
    """What everyone said, by the time it began; a line is `[minutes:seconds] name: words`."""
    said = [
        (final.start_ms, participant.speaker.name, final.text.strip())
        for participant in participants
        for final in participant.finals
    ]
    lines = (f"[{clock(at_ms)}] {name}: {text}\n" for at_ms, name, text in sorted(said) if text)
    return "".join(lines)


def _check(args: argparse.Namespace) -> list[Speaker]:
    stream_url(args.url)
    if args.out is not None and (args.out.is_dir() or not args.out.parent.is_dir()):
        raise UsageError(f"--out is {args.out}; a file in a folder that exists is needed")
    speakers = read_speakers(args.speakers)
    for path in (each.path for each in speakers):
        if "@" in path.name and not path.exists():
            raise UsageError(f"{path} does not exist; or what is behind @ is no number of seconds")
    return speakers


def _participant(speaker: Speaker, screen: ConferenceScreen) -> Participant:
    def show(event: Event) -> None:
        screen.show(speaker.name, event, participant.unsure_below)

    def warn(error: HarkError) -> None:
        screen.warn(speaker.name, f"{error}; trying again")

    participant = Participant(speaker, open_audio(speaker.path), show, warn)
    return participant


async def _hold(
    args: argparse.Namespace, participants: Sequence[Participant], screen: ConferenceScreen
) -> bool:
    """Let everyone speak; whether all were heard to the end."""
    options = Options(language=args.language, context=args.context)
    conference = Clock(None if args.fast else time.monotonic())

    async def is_heard(participant: Participant) -> bool:
        try:
            await participant.take_part(args.url, options, conference, key=args.key)
        except (HarkError, AudioFileError) as error:
            screen.warn(participant.speaker.name, f"was not heard to the end: {error}")
            return False
        return True

    return all(await asyncio.gather(*map(is_heard, participants)))


def _write(text: str, out: Path | None) -> None:
    if out is not None:
        out.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
