"""Text ↔ token ids and the prompt around the audio; knows no model, no audio and no streams.

The prompt, with ⏎ for a newline and the context possibly empty:

    <|im_start|>system⏎CONTEXT<|im_end|>⏎<|im_start|>user⏎<|audio_start|>      prompt_head
    one <|audio_pad|> for each audio token
    <|audio_end|><|im_end|>⏎<|im_start|>assistant⏎[language X<asr_text>]       prompt_tail

Ids of special tokens are looked up by name: they differ between checkpoints.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from ..config import ModelConfig
from ..types import CheckpointError, OptionError

_TOKENIZER_FILE = "tokenizer.json"
_PARTS_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json")

# How the Qwen2 family cuts text before byte-pair encoding. Only used where the folder has no
# tokenizer.json, which states its own.
_PRE_SPLIT = "|".join(
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


class Tokenizer:
    """The tokenizer of one checkpoint folder.

    `eos_ids` end a hypothesis. `timestamp_id` is None where the checkpoint has no such token.
    """

    def __init__(self, full: tokenizers.Tokenizer, *, source: str) -> None:
        """Wrap a tokenizer; `source` names it in errors. Raises CheckpointError."""
        self._full = full
        self._plain = _without_added_tokens(full)
        ids = _special_ids(full, source)
        self.im_start_id = ids["<|im_start|>"]
        self.im_end_id = ids["<|im_end|>"]
        self.audio_start_id = ids["<|audio_start|>"]
        self.audio_end_id = ids["<|audio_end|>"]
        self.audio_pad_id = ids["<|audio_pad|>"]
        self.asr_text_id = ids["<asr_text>"]
        self.timestamp_id: int | None = full.token_to_id("<timestamp>")
        self.eos_ids = (ids["<|endoftext|>"], self.im_end_id)
        self._unwritten_ids = frozenset(ids.values()) - {self.asr_text_id}

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read tokenizer.json, or vocab.json + merges.txt + tokenizer_config.json.

        Raises CheckpointError when a file is missing or broken, or a special token is missing.
        """
        whole = folder / _TOKENIZER_FILE
        if whole.is_file():
            return cls(_read_whole(whole), source=str(whole))
        missing = [name for name in _PARTS_FILES if not (folder / name).is_file()]
        if missing:
            raise CheckpointError(
                f"{folder} has no {_TOKENIZER_FILE} and, to do without, lacks {', '.join(missing)}"
            )
        return cls(_read_parts(folder), source=str(folder))

    def prompt_head(self, context: str = "") -> list[int]:
        """Everything before the audio. Special tokens spelled in `context` are plain text.

        Raises OptionError when `context` holds half of a surrogate pair, which JSON lets through.
        """
        if any("\ud800" <= character <= "\udfff" for character in context):
            raise OptionError("context holds half of a surrogate pair, which is no character")
        return [
            self.im_start_id,
            *self.encode(f"system\n{context}"),
            self.im_end_id,
            *self.encode("\n"),
            self.im_start_id,
            *self.encode("user\n"),
            self.audio_start_id,
        ]

    def prompt_tail(self, language: str | None = None) -> list[int]:
        """Everything from the end of the audio to where the model goes on writing.

        `language` is the English name of a language to force, None to let the model decide.
        """
        forced = [] if language is None else [self.asr_text_id]
        turn = "assistant\n" if language is None else f"assistant\nlanguage {language}"
        return [
            self.audio_end_id,
            self.im_end_id,
            *self.encode("\n"),
            self.im_start_id,
            *self.encode(turn),
            *forced,
        ]

    def encode(self, text: str) -> list[int]:
        """The ids of plain text; a special token spelled in it comes out as its characters."""
        return self._plain.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int], *, final: bool = False) -> str:
        """The text of ids, without the tokens that end turns and frame audio.

        A character whose bytes are not all there at the end is held back; with `final` it
        becomes U+FFFD, as more bytes will not come. `<asr_text>` is written out.
        """
        shown = [i for i in ids if i not in self._unwritten_ids]
        text = self._full.decode(shown, skip_special_tokens=False)
        return text if final else text.rstrip("\ufffd")

    def byte_lengths(self, ids: Sequence[int]) -> list[int]:
        """How many bytes of UTF-8 each id writes: its entry has one character for each byte."""
        entries = (self._full.id_to_token(i) for i in ids)
        return [len(entry) if entry is not None else 0 for entry in entries]

    def check_fits(self, config: ModelConfig) -> None:
        """Raise CheckpointError when this tokenizer and the model's config disagree on ids."""
        if config.audio_token_id != self.audio_pad_id:
            raise CheckpointError(
                f"config.json says audio_token_id is {config.audio_token_id}, "
                f"the tokenizer says <|audio_pad|> is {self.audio_pad_id}"
            )
        if config.timestamp_token_id not in (None, self.timestamp_id) and config.is_aligner:
            raise CheckpointError(
                f"config.json says timestamp_token_id is {config.timestamp_token_id}, "
                f"the tokenizer says <timestamp> is {self.timestamp_id}"
            )
        highest = max(self._full.get_vocab(with_added_tokens=True).values())
        if highest >= config.decoder.vocab:
            raise CheckpointError(
                f"the tokenizer has ids up to {highest}, the model has only "
                f"{config.decoder.vocab} embeddings"
            )


def _special_ids(full: tokenizers.Tokenizer, source: str) -> dict[str, int]:
    names = (
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|audio_start|>",
        "<|audio_end|>",
        "<|audio_pad|>",
        "<asr_text>",
    )
    found = {name: full.token_to_id(name) for name in names}
    missing = [name for name, token_id in found.items() if token_id is None]
    if missing:
        raise CheckpointError(f"the tokenizer in {source} lacks {', '.join(missing)}")
    return {name: token_id for name, token_id in found.items() if token_id is not None}


def _without_added_tokens(full: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    # `encode_special_tokens` would not do: <asr_text> is an added token that is not flagged
    # special, and would still be recognised in a user's text.
    plain = tokenizers.Tokenizer(full.model)
    if full.normalizer is not None:
        plain.normalizer = full.normalizer
    if full.pre_tokenizer is not None:
        plain.pre_tokenizer = full.pre_tokenizer
    return plain


def _read_whole(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def _read_parts(folder: Path) -> tokenizers.Tokenizer:
    vocab, merges, settings = (folder / name for name in _PARTS_FILES)
    try:
        full = tokenizers.Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{vocab} and {merges} cannot be read: {error}") from error
    full.normalizer = normalizers.NFC()
    full.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PRE_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    full.decoder = decoders.ByteLevel()
    _add_tokens(full, settings)
    return full


def _add_tokens(full: tokenizers.Tokenizer, settings: Path) -> None:
    try:
        added: Mapping[str, Mapping[str, Any]] = json.loads(settings.read_text("utf-8"))[
            "added_tokens_decoder"
        ]
        tokens = {
            int(token_id): AddedToken(
                fields["content"],
                single_word=fields.get("single_word", False),
                lstrip=fields.get("lstrip", False),
                rstrip=fields.get("rstrip", False),
                normalized=fields.get("normalized", False),
                special=fields.get("special", False),
            )
            for token_id, fields in added.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"added_tokens_decoder of {settings}: {error!r}") from error
    for token_id, token in sorted(tokens.items()):
        full.add_tokens([token])
        if full.token_to_id(token.content) != token_id:
            raise CheckpointError(
                f"{settings} gives {token.content} the id {token_id}, but after the vocabulary "
                f"it comes to {full.token_to_id(token.content)}"
            )
