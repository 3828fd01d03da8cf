"""What one engine can hold, and whether the options of a stream fit into it."""

from dataclasses import dataclass

from .config import UNSURE_BELOW
from .decoding.sequence import Limits
from .model.encoder import TOKENS_PER_CHUNK
from .types import SAMPLE_RATE, OptionError, StreamOptions


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What this engine can hold; derived from its model and configuration at start.

    `segment_tokens` bounds prompt, audio and text of one segment together.
    """

    max_streams: int
    max_segment_s: int
    segment_tokens: int
    languages: tuple[str, ...]
    unsure_below: float = UNSURE_BELOW

    def check(self, options: StreamOptions, *, head_tokens: int) -> None:
        """Raises OptionError when a stream of these options does not fit.

        `head_tokens` are those of its prompt before the audio, context included.
        """
        if options.language is not None and options.language not in self.languages:
            raise OptionError(
                f"language is {options.language!r}, this model knows {', '.join(self.languages)}"
            )
        if options.segment_limit_s > self.max_segment_s:
            raise OptionError(
                f"segment_limit_s is {options.segment_limit_s}, "
                f"this model allows at most {self.max_segment_s}"
            )
        room = self.segment_tokens - segment_tokens(options.segment_limit_s)
        if head_tokens > room:
            raise OptionError(
                f"context is {head_tokens} tokens long with what frames it, allowed are at most "
                f"{room} for segments of {options.segment_limit_s} s"
            )


def segment_tokens(seconds: int) -> int:
    """Tokens of a segment of this length without its prompt head: audio, tail and text."""
    tail = 16  # <|audio_end|> to the language tag
    return TOKENS_PER_CHUNK * seconds + tail + Limits.for_audio(seconds * SAMPLE_RATE).max_tokens
