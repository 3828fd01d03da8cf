"""The byte-level BPE tokenizer, its special tokens, and the prompt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.errors import BadFileError
from training.language import text

VOCABULARY = 1500
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|audio_start|>",
    "<|audio_end|>",
    "<|audio_pad|>",
    "<asr_text>",
    "<timestamp>",
)
PLAIN_TOKENS = ("<asr_text>", "<timestamp>")
"""Added tokens that are part of the output text and survive ``skip_special_tokens``."""
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_FIXED_PIECES = (
    "system",
    "user",
    "assistant",
    "language English",
    "language Spanish",
    "language German",
    "language None",
)
_TURN = ("English", "Spanish", "English", "German")
"""Half of the sentences that the pieces are learnt from are English."""


def train_tokenizer(seed: int, sentences: int = 60_000) -> Tokenizer:
    """Learn 1500 entries from training sentences; pieces of the prompt become single tokens."""
    rng = random.Random(seed)
    drawn = [text.draw_training(rng, _TURN[i % len(_TURN)]).text for i in range(sentences)]
    # Joining pairs teaches the form after a space as well as the form at the start.
    lines = [f"{a} {b}" for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    lines += [piece for piece in _FIXED_PIECES for _ in range(sentences)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    for token in SPECIAL_TOKENS:
        added = AddedToken(token, normalized=False, special=token not in PLAIN_TOKENS)
        add = tokenizer.add_tokens if token in PLAIN_TOKENS else tokenizer.add_special_tokens
        add([added])
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise ValueError(f"the tokenizer has {tokenizer.get_vocab_size()} entries")
    return tokenizer


@dataclass(frozen=True)
class Word:
    """Token ids of one written word, and how many of them are its final punctuation."""

    ids: tuple[int, ...]
    punctuation: int


class Prompt:
    """Builds prompt and target ids from cached pieces."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._words: dict[str, Word] = {}
        self.audio_id = _special(tokenizer, "<|audio_pad|>")
        self.end_id = _special(tokenizer, "<|im_end|>")
        self.pad_id = _special(tokenizer, "<|endoftext|>")
        self.head = self._encode("<|im_start|>system\n")
        self.middle = self._encode("<|im_end|>\n<|im_start|>user\n<|audio_start|>")
        self.tail = self._encode("<|audio_end|><|im_end|>\n<|im_start|>assistant\n")
        self.language = {
            name: self._encode(f"language {name}<asr_text>") for name in (*text.LANGUAGES, "None")
        }

    @classmethod
    def load(cls, path: Path) -> Prompt:
        """Read ``tokenizer.json``.

        Raises:
            BadFileError: it is missing, cut off, or another model's.
        """
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # noqa: BLE001 - that is what the library raises
            raise BadFileError(f"{path} cannot be used ({error}); put back its copy") from None

    def build(self, audio_tokens: int, context: str = "") -> list[int]:
        """Ids from the system turn up to the start of the answer."""
        words = self._encode(context) if context else []
        return self.head + words + self.middle + [self.audio_id] * audio_tokens + self.tail

    def word(self, written: str, *, first: bool) -> Word:
        """Ids of a word as it stands in running text (after a space unless ``first``)."""
        piece = written if first else " " + written
        if piece not in self._words:
            ids = self._encode(piece)
            bare = self._encode(piece.rstrip(".,?"))
            self._words[piece] = Word(tuple(ids), len(ids) - len(bare))
        return self._words[piece]

    def decode(self, ids: list[int]) -> tuple[str, str]:
        """(language, text) of an answer."""
        answer = self.tokenizer.decode(ids, skip_special_tokens=True)
        head, found, body = answer.partition("<asr_text>")
        if not found:
            return "", answer.strip()
        return head.replace("language", "").strip(), body.strip()

    def _encode(self, piece: str) -> list[int]:
        return self.tokenizer.encode(piece, add_special_tokens=False).ids


def _special(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token}")
    return found
