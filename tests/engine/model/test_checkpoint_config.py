import json
from pathlib import Path
from typing import Any

import pytest

from hark.engine.languages import LANGUAGES
from hark.engine.model.checkpoint import read_config
from hark.engine.types import ConfigError
from tests.parity import checkpoints

DELETED = object()


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, Any]]:
    """config.json of all four kinds, as small models have them."""
    tokenizer = checkpoints.small_tokenizer()
    recogniser = checkpoints.native_config(tokenizer)
    aligner = checkpoints.native_config(tokenizer, tied=False, num_labels=5000)
    native = json.loads(recogniser.to_json_string(use_diff=False))
    native_aligner = json.loads(aligner.to_json_string(use_diff=False))
    return {
        "native": native | {"architectures": ["Qwen3ASRForConditionalGeneration"]},
        "native aligner": native_aligner | {"architectures": ["Qwen3ASRForTokenClassification"]},
        "original": checkpoints.original_config(recogniser, is_aligner=False),
        "original aligner": checkpoints.original_config(aligner, is_aligner=True),
    }


def write(folder: Path, config: object) -> Path:
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def changed(config: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of `config` with the field at a dotted path replaced or deleted."""
    copy = json.loads(json.dumps(config))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    return copy


def test_both_layouts_say_the_same(published: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    native = read_config(write(tmp_path, published["native"]))
    assert (native.encoder.d_model, native.encoder.layers, native.encoder.heads) == (64, 3, 4)
    assert (native.encoder.ffn, native.encoder.stem_channels) == (160, 24)
    assert (native.encoder.output_dim, native.encoder.max_window_chunks) == (96, 8)
    assert (native.decoder.hidden, native.decoder.ffn, native.decoder.layers) == (96, 208, 3)
    assert (native.decoder.heads, native.decoder.kv_heads) == (6, 2)
    assert (native.decoder.head_dim, native.decoder.rope_theta) == (32, 1_000_000.0)
    assert native.decoder.tied
    assert not native.is_aligner
    assert native.languages == tuple(LANGUAGES)
    original = read_config(write(tmp_path, published["original"]))
    assert (original.encoder, original.decoder) == (native.encoder, native.decoder)
    assert original.audio_token_id == native.audio_token_id
    assert original.languages == ("Chinese", "English")


@pytest.mark.parametrize("layout", ["native aligner", "original aligner"])
def test_aligners(layout: str, published: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    config = read_config(write(tmp_path, published[layout]))
    assert config.num_time_classes == 5000
    assert config.timestamp_token_id == 407
    assert not config.decoder.tied


def test_end_tokens_come_from_either_file(
    published: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert read_config(write(tmp_path, published["native"])).eos_token_ids == (400, 402)
    write(tmp_path, published["original"])
    assert read_config(tmp_path).eos_token_ids == ()
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": 402}')
    assert read_config(tmp_path).eos_token_ids == (402,)


@pytest.mark.parametrize("where", ["audio_config", "text_config"])
@pytest.mark.parametrize("layout", ["native", "original"])
def test_every_dimension_is_needed_and_must_be_a_positive_integer(
    where: str, layout: str, published: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    dimensions = {
        "audio_config": (
            "d_model encoder_layers encoder_attention_heads encoder_ffn_dim "
            "downsample_hidden_size output_dim num_mel_bins n_window n_window_infer"
        ),
        "text_config": (
            "hidden_size intermediate_size num_hidden_layers num_attention_heads "
            "num_key_value_heads head_dim vocab_size max_position_embeddings"
        ),
    }
    prefix = "thinker_config." if layout.startswith("original") else ""
    for field in dimensions[where].split():
        for value in (DELETED, "64", 0, -1, 1.5, True, None):
            broken = changed(published[layout], f"{prefix}{where}.{field}", value)
            with pytest.raises(ConfigError, match=rf"config\.json.*{where}: {field}\b"):
                read_config(write(tmp_path, broken))


NATIVE_REFUSALS = [
    ("model_type", "qwen3_omni", "must be 'qwen3_asr'"),
    ("model_type", DELETED, "is missing"),
    ("architectures", DELETED, "is missing"),
    ("architectures", ["Qwen3ASRModel"], "neither the recogniser nor the forced aligner"),
    ("audio_config", DELETED, "is missing"),
    ("text_config", [], "must be an object"),
    ("audio_token_id", DELETED, "is missing"),
    ("audio_token_id", -1, "must be a token id"),
    ("tie_word_embeddings", DELETED, "is missing"),
    ("tie_word_embeddings", "yes", "must be true or false"),
    ("token_classification_bias", True, "computes only False"),
    ("eos_token_id", ["</s>"], "must be a token id"),
    ("support_languages", ["Klingon"], "must be a list of English language names"),
    ("unsure_below", 1.5, "must be from 0 to 1"),
    ("reach_seconds", 0.5, "must be a positive integer"),
    ("audio_config.model_type", "qwen3_asr_audio_encoder", "must be 'qwen3_asr_encoder'"),
    ("audio_config.output_dim", 3584, "must equal hidden_size 96"),
    ("audio_config.d_model", 66, "multiple of encoder_attention_heads 4"),
    ("audio_config.activation_function", "relu", "computes only 'gelu'"),
    ("audio_config.scale_embedding", True, "computes only False"),
    ("audio_config.num_mel_bins", 80, "computes only 128"),
    ("audio_config.n_window", 100, "must be 50"),
    ("audio_config.n_window_infer", 850, "multiple of 100"),
    ("audio_config.n_window_infer", 900, "from 100 to 800"),
    ("audio_config.max_position_embeddings", 12, "at least 13"),
    ("text_config.model_type", "qwen3_moe", "must be 'qwen3'"),
    ("text_config.num_key_value_heads", 4, "must divide num_attention_heads 6"),
    ("text_config.head_dim", 31, "must be even"),
    ("text_config.hidden_act", "gelu", "computes only 'silu'"),
    ("text_config.attention_bias", True, "computes only False"),
    ("text_config.use_sliding_window", True, "computes only False"),
    ("text_config.layer_types", ["sliding_attention"] * 3, "'full_attention'"),
    ("text_config.rms_norm_eps", 0, "must be a positive number"),
    ("text_config.rope_parameters", DELETED, "is missing"),
    ("text_config.rope_parameters", None, "must be an object"),
    ("text_config.rope_parameters.rope_theta", DELETED, "is missing"),
    ("text_config.rope_parameters.rope_type", "yarn", "computes only 'default'"),
    ("text_config.rope_parameters.factor", 4.0, "plain rotary embedding"),
]

ORIGINAL_REFUSALS = [
    ("thinker_config", None, "must be an object"),
    ("thinker_config.model_type", "qwen3_omni", "neither a recogniser nor a forced aligner"),
    ("thinker_config.audio_config.model_type", "qwen3_asr_encoder", "qwen3_asr_audio_encoder"),
    ("thinker_config.audio_config.max_source_positions", 12, "at least 13"),
    ("thinker_config.text_config.rope_theta", DELETED, "is missing"),
    ("thinker_config.text_config.rope_scaling.rope_type", "linear", "computes only 'default'"),
    ("thinker_config.text_config.rope_scaling.factor", 2.0, "plain rotary embedding"),
    ("thinker_config.text_config.tie_word_embeddings", DELETED, "is missing"),
    ("thinker_config.audio_token_id", DELETED, "is missing"),
]

ALIGNER_REFUSALS = [
    ("original aligner", "thinker_config.classify_num", DELETED, "is missing"),
    ("original aligner", "timestamp_token_id", DELETED, "is missing"),
    ("original aligner", "timestamp_segment_time", 40, "computes only 80"),
    ("native aligner", "timestamp_token_id", DELETED, "is missing"),
    ("native aligner", "id2label", {}, "must name the time classes"),
    ("native aligner", "id2label", DELETED, "is missing"),
    ("native aligner", "num_labels", 4, "computes only 5000"),
]


@pytest.mark.parametrize(
    ("layout", "path", "value", "why"),
    [("native", *row) for row in NATIVE_REFUSALS]
    + [("original", *row) for row in ORIGINAL_REFUSALS]
    + ALIGNER_REFUSALS,
)
def test_what_does_not_fit_is_refused_by_file_and_field(
    layout: str,
    path: str,
    value: object,
    why: str,
    published: dict[str, dict[str, Any]],
    tmp_path: Path,
) -> None:
    broken = changed(published[layout], path, value)
    with pytest.raises(ConfigError) as refused:
        read_config(write(tmp_path, broken))
    message = str(refused.value)
    assert message.startswith(str(tmp_path / "config.json"))
    assert why in message
    field = path.rpartition(".")[2]
    assert field in message


def test_a_mixture_of_layouts_is_refused(
    published: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    both = published["native"] | published["original"]
    with pytest.raises(ConfigError, match="fits neither published layout"):
        read_config(write(tmp_path, both))
    with pytest.raises(ConfigError, match="fits neither published layout"):
        read_config(write(tmp_path, {"model_type": "qwen3_asr"}))


@pytest.mark.parametrize("text", ["", "{", "[]", '"qwen3_asr"', "\udcff"])
def test_what_is_no_read_object_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"config\.json: "):
        read_config(tmp_path)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json: No such file"):
        read_config(tmp_path)
