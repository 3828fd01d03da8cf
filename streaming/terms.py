"""What a server holds every stream to, whatever its client asks for; opens nothing."""

from dataclasses import dataclass, replace

from hark.engine.languages import canonical_language
from hark.engine.types import StreamOptions

from .stall import with_stall


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every stream of a server: its model's limits and its timers, in seconds."""

    languages: tuple[str, ...]
    max_segment_s: int
    unsure_below: float
    hello_timeout_s: float = 10.0
    stall_s: float = 2.0

    def settle(self, options: StreamOptions) -> StreamOptions:
        """The options that will be in force: language, segment limit and stall time settled.

        The language has the model's name, the segment limit its bound, the stall time is the
        server's where the client has none.

        Raises:
            OptionError: the model does not speak the language.
        """
        language = options.language
        if language is not None:
            language = canonical_language(language, self.languages)
        limit_s = min(options.segment_limit_s, self.max_segment_s)
        endpointing = with_stall(options.endpointing, self.stall_s)
        return replace(options, language=language, segment_limit_s=limit_s, endpointing=endpointing)
