"""config.json of a checkpoint folder → ModelConfig; knows both published layouts, no tensors.

The original layout nests everything under `thinker_config`, the transformers-native one has
`audio_config` and `text_config` at the top. Nothing is guessed: a field that decides a shape or a
value must be there, and a setting this engine does not compute is refused, not ignored.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..config import UNSURE_BELOW, DecoderConfig, EncoderConfig, ModelConfig
from ..languages import LANGUAGES
from ..types import CHUNK_FRAMES, ConfigError

_MEL_BINS = 128
_CHUNK_TOKENS = 13
_RECOGNISER_KINDS = ("qwen3_asr", "qwen3_asr_thinker")
_ALIGNER_MARK = "forced_aligner"
_NATIVE_ALIGNER = "Qwen3ASRForTokenClassification"
_ROPE_FIELDS = {
    "rope_type",
    "type",
    "rope_theta",
    "mrope_section",
    "mrope_interleaved",
    "interleaved",
}


def read_config(folder: Path) -> ModelConfig:
    """The shape and ids of the checkpoint in `folder`.

    Raises ConfigError, naming file and field, when config.json fits neither layout, lacks a
    field, contradicts itself, or asks for something this engine does not compute.
    """
    root = _Section(_read_json(folder / "config.json"), str(folder / "config.json"))
    is_original = "thinker_config" in root.values
    is_native = "audio_config" in root.values or "text_config" in root.values
    if is_original == is_native:
        root.refuse("model_type", "fits neither published layout of Qwen3-ASR")
    if root.text("model_type") != "qwen3_asr":
        root.refuse("model_type", "must be 'qwen3_asr'")
    return _read_original(root, folder) if is_original else _read_native(root, folder)


@dataclass(frozen=True, slots=True)
class _Section:
    """One JSON object, and where it stands, so that every complaint names file and field."""

    values: Mapping[str, Any]
    where: str

    def refuse(self, key: str, why: str) -> NoReturn:
        shown = f" is {self.values[key]!r}," if key in self.values else ""
        raise ConfigError(f"{self.where}: {key}{shown} {why}")

    def need(self, key: str) -> Any:
        if key not in self.values:
            raise ConfigError(f"{self.where}: {key} is missing")
        return self.values[key]

    def section(self, key: str) -> "_Section":
        value = self.need(key)
        if not isinstance(value, Mapping):
            self.refuse(key, "must be an object")
        return _Section(value, f"{self.where}: {key}")

    def text(self, key: str) -> str:
        value = self.need(key)
        if not isinstance(value, str):
            self.refuse(key, "must be a string")
        return value

    def flag(self, key: str) -> bool:
        value = self.need(key)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def count(self, key: str) -> int:
        value = self.need(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(key, "must be a positive integer")
        return value

    def token_id(self, key: str) -> int:
        value = self.need(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.refuse(key, "must be a token id")
        return value

    def number(self, key: str) -> float:
        value = self.need(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            self.refuse(key, "must be a positive number")
        return float(value)

    def expect(self, key: str, *allowed: object) -> None:
        """Refuse `key` unless it is absent or one of `allowed`."""
        if key in self.values and self.values[key] not in allowed:
            self.refuse(key, f"this engine computes only {', '.join(map(repr, allowed))}")


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        parsed = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    if not isinstance(parsed, Mapping):
        raise ConfigError(f"{path}: must hold one JSON object")
    return parsed


def _read_original(root: _Section, folder: Path) -> ModelConfig:
    thinker = root.section("thinker_config")
    kind = thinker.text("model_type")
    is_aligner = _ALIGNER_MARK in kind
    if not is_aligner and kind not in _RECOGNISER_KINDS:
        thinker.refuse("model_type", "is neither a recogniser nor a forced aligner")
    audio, text = thinker.section("audio_config"), thinker.section("text_config")
    audio.expect("model_type", "qwen3_asr_audio_encoder")
    text.expect("model_type", "qwen3", "qwen3_asr_text")
    if is_aligner:
        root.expect("timestamp_segment_time", 80)
    encoder = _read_encoder(audio, positions_key="max_source_positions")
    decoder = _read_decoder(
        text,
        rope_theta=_original_rope_theta(text),
        tied=text.flag("tie_word_embeddings") and not is_aligner,
    )
    _check_join(audio, encoder, decoder)
    return ModelConfig(
        encoder=encoder,
        decoder=decoder,
        audio_token_id=thinker.token_id("audio_token_id"),
        timestamp_token_id=root.token_id("timestamp_token_id") if is_aligner else None,
        eos_token_ids=_generation_eos(folder),
        num_time_classes=thinker.count("classify_num") if is_aligner else None,
        languages=_languages(root),
    )


def _read_native(root: _Section, folder: Path) -> ModelConfig:
    is_aligner = _native_is_aligner(root)
    audio, text = root.section("audio_config"), root.section("text_config")
    if audio.text("model_type") != "qwen3_asr_encoder":
        audio.refuse("model_type", "must be 'qwen3_asr_encoder' in this layout")
    if text.text("model_type") != "qwen3":
        text.refuse("model_type", "must be 'qwen3' in this layout")
    root.expect("token_classification_bias", False)
    encoder = _read_encoder(audio, positions_key="max_position_embeddings")
    rope = text.section("rope_parameters")
    _check_rope(rope)
    decoder = _read_decoder(
        text,
        rope_theta=rope.number("rope_theta"),
        tied=root.flag("tie_word_embeddings") and not is_aligner,
    )
    _check_join(audio, encoder, decoder)
    has_timestamps = is_aligner or "timestamp_token_id" in root.values
    return ModelConfig(
        encoder=encoder,
        decoder=decoder,
        audio_token_id=root.token_id("audio_token_id"),
        timestamp_token_id=root.token_id("timestamp_token_id") if has_timestamps else None,
        eos_token_ids=_eos(root) or _generation_eos(folder),
        num_time_classes=_num_labels(root) if is_aligner else None,
        languages=_languages(root),
        unsure_below=_unsure_below(root),
        reach_s=_reach_s(root),
    )


def _native_is_aligner(root: _Section) -> bool:
    architectures = root.need("architectures")
    if architectures not in (["Qwen3ASRForConditionalGeneration"], [_NATIVE_ALIGNER]):
        root.refuse("architectures", "names neither the recogniser nor the forced aligner")
    return architectures == [_NATIVE_ALIGNER]


def _unsure_below(root: _Section) -> float:
    """A key of our own, which the published checkpoints don't have."""
    if "unsure_below" not in root.values:
        return UNSURE_BELOW
    threshold = root.number("unsure_below")
    if not 0.0 <= threshold <= 1.0:
        root.refuse("unsure_below", "must be from 0 to 1")
    return threshold


def _reach_s(root: _Section) -> int | None:
    """Another of our own."""
    return root.count("reach_seconds") if "reach_seconds" in root.values else None


def _num_labels(root: _Section) -> int:
    if "id2label" not in root.values and "num_labels" in root.values:
        return root.count("num_labels")
    num_labels = len(root.section("id2label").values)
    if num_labels < 1:
        root.refuse("id2label", "must name the time classes")
    root.expect("num_labels", num_labels)
    return num_labels


def _read_encoder(audio: _Section, *, positions_key: str) -> EncoderConfig:
    audio.expect("activation_function", "gelu")
    audio.expect("scale_embedding", False)
    audio.expect("num_mel_bins", _MEL_BINS)
    if audio.count("n_window") * 2 != CHUNK_FRAMES:
        audio.refuse("n_window", f"must be {CHUNK_FRAMES // 2}: half a chunk of one second")
    window_chunks, rest = divmod(audio.count("n_window_infer"), CHUNK_FRAMES)
    if rest or not 1 <= window_chunks <= 8:
        audio.refuse("n_window_infer", "must be a multiple of 100 from 100 to 800")
    if positions_key in audio.values and audio.count(positions_key) < _CHUNK_TOKENS:
        audio.refuse(positions_key, f"must be at least {_CHUNK_TOKENS}: the tokens of one chunk")
    encoder = EncoderConfig(
        d_model=audio.count("d_model"),
        layers=audio.count("encoder_layers"),
        heads=audio.count("encoder_attention_heads"),
        ffn=audio.count("encoder_ffn_dim"),
        stem_channels=audio.count("downsample_hidden_size"),
        output_dim=audio.count("output_dim"),
        mel_bins=audio.count("num_mel_bins"),
        chunk_frames=CHUNK_FRAMES,
        max_window_chunks=window_chunks,
    )
    if encoder.d_model % encoder.heads:
        audio.refuse("d_model", f"must be a multiple of encoder_attention_heads {encoder.heads}")
    if encoder.d_model % 2 or encoder.d_model < 4:
        audio.refuse("d_model", "must be even and at least 4: sines and cosines share it")
    return encoder


def _read_decoder(text: _Section, *, rope_theta: float, tied: bool) -> DecoderConfig:
    text.expect("hidden_act", "silu")
    text.expect("attention_bias", False)
    text.expect("use_sliding_window", False)
    layer_types = text.values.get("layer_types") or []
    if any(kind != "full_attention" for kind in layer_types):
        text.refuse("layer_types", "this engine computes only 'full_attention'")
    decoder = DecoderConfig(
        hidden=text.count("hidden_size"),
        layers=text.count("num_hidden_layers"),
        heads=text.count("num_attention_heads"),
        kv_heads=text.count("num_key_value_heads"),
        head_dim=text.count("head_dim"),
        ffn=text.count("intermediate_size"),
        vocab=text.count("vocab_size"),
        rope_theta=rope_theta,
        rms_eps=text.number("rms_norm_eps"),
        max_positions=text.count("max_position_embeddings"),
        tied=tied,
    )
    if decoder.heads % decoder.kv_heads:
        text.refuse("num_key_value_heads", f"must divide num_attention_heads {decoder.heads}")
    if decoder.head_dim % 2:
        text.refuse("head_dim", "must be even: rotary embedding turns pairs")
    return decoder


def _original_rope_theta(text: _Section) -> float:
    if text.values.get("rope_scaling") is not None:
        _check_rope(text.section("rope_scaling"))
    return text.number("rope_theta")


def _check_rope(rope: _Section) -> None:
    """Refuse every rotary embedding but the plain one.

    M-RoPE is plain here: its three position rows are equal for text and audio.
    """
    rope.expect("rope_type", "default", "mrope")
    rope.expect("type", "default", "mrope")
    unknown = sorted(set(rope.values) - _ROPE_FIELDS)
    if unknown:
        rope.refuse(unknown[0], "this engine computes only plain rotary embedding")


def _check_join(audio: _Section, encoder: EncoderConfig, decoder: DecoderConfig) -> None:
    if encoder.output_dim != decoder.hidden:
        audio.refuse("output_dim", f"must equal hidden_size {decoder.hidden} of text_config")


def _generation_eos(folder: Path) -> tuple[int, ...]:
    path = folder / "generation_config.json"
    return _eos(_Section(_read_json(path), str(path))) if path.is_file() else ()


def _eos(section: _Section) -> tuple[int, ...]:
    value = section.values.get("eos_token_id")
    if value is None:
        return ()
    ids = value if isinstance(value, list) else [value]
    if not all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in ids):
        section.refuse("eos_token_id", "must be a token id or a list of them")
    return tuple(ids)


def _languages(root: _Section) -> tuple[str, ...]:
    """The names a checkpoint says it speaks; all that are known where it says nothing."""
    names = root.values.get("support_languages")
    if names is None:
        return tuple(LANGUAGES)
    if not isinstance(names, list) or not all(name in LANGUAGES for name in names):
        root.refuse("support_languages", "must be a list of English language names")
    return tuple(names)
