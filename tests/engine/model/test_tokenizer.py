import json
from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import Qwen2Tokenizer

from hark.engine.model.checkpoint import read_config
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.types import CheckpointError, OptionError
from tests.parity import checkpoints
from tests.parity.record_reference import full_prompt


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    checkpoints.write_tokenizer_parts(checkpoints.small_tokenizer(), folder)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    checkpoints.write_whole_tokenizer(checkpoints.small_tokenizer(), folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(parts: Path) -> Tokenizer:
    return Tokenizer.from_folder(parts)


@pytest.fixture(scope="module")
def reference(parts: Path) -> Qwen2Tokenizer:
    return Qwen2Tokenizer.from_pretrained(parts)


def holds_no_added_token(text: str) -> bool:
    """The reference reads added tokens out of a context; ours does not, see below."""
    names = (*checkpoints.SPECIAL_TOKENS, *checkpoints.PLAIN_ADDED_TOKENS)
    return not any(name in text for name in names)


contexts = st.text(max_size=40).filter(holds_no_added_token)


@settings(deadline=None)
@given(context=contexts, language=st.sampled_from([None, "English", "Chinese"]))
@example(context="", language=None)
@example(context="1234 x'tis x'Tis x'llama \nx   x!?\n\nx.\r\nx(a B\nc", language=None)
@example(context="\n\n  Quilter's, iPhone\t3.14 %\r\n", language="English")
@example(context="你好 Cafe\u0301 हिन्दी 😀 \u0301x", language=None)
def test_the_prompt_equals_the_reference_tokenizer_on_the_whole_template(
    context: str, language: str | None, tokenizer: Tokenizer, reference: Qwen2Tokenizer
) -> None:
    ours = [
        *tokenizer.prompt_head(context),
        *[tokenizer.audio_pad_id] * 7,
        *tokenizer.prompt_tail(language),
    ]
    assert ours == reference.encode(full_prompt(context, language, 7))


@settings(deadline=None)
@given(text=st.text(max_size=60))
@example(text="1234 x'tis x'Tis x'llama \nx   x!?\n\nx.\r\nx(a B\nc")
def test_both_forms_of_a_tokenizer_are_one(text: str, parts: Path, whole: Path) -> None:
    one, other = Tokenizer.from_folder(parts), Tokenizer.from_folder(whole)
    assert one.encode(text) == other.encode(text)
    assert one.eos_ids == other.eos_ids
    assert one.asr_text_id == other.asr_text_id


@pytest.mark.parametrize("name", [*checkpoints.SPECIAL_TOKENS, *checkpoints.PLAIN_ADDED_TOKENS])
def test_context_cannot_inject_special_tokens(name: str, tokenizer: Tokenizer) -> None:
    plain = tokenizer.prompt_head("")
    for context in (name, f"a{name}b", name * 3):
        head = tokenizer.prompt_head(context)
        assert [i for i in head if i >= tokenizer.eos_ids[0]] == [
            i for i in plain if i >= tokenizer.eos_ids[0]
        ]
        assert context in tokenizer.decode(head, final=True)


def test_half_a_surrogate_pair_is_a_bad_option(tokenizer: Tokenizer) -> None:
    with pytest.raises(OptionError, match="context"):
        tokenizer.prompt_head("half a pair \ud83d")


@settings(deadline=None)
@given(text=st.text(max_size=30))
@example(text="naïve 😀 हिन्दी e\u0301")
def test_decoding_never_shows_half_a_character(text: str, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(text)
    whole = tokenizer.decode(ids, final=True)
    for end in range(len(ids) + 1):
        shown = tokenizer.decode(ids[:end])
        assert whole.startswith(shown)
        assert not shown.endswith("\ufffd")
    assert tokenizer.decode(ids) == whole.rstrip("\ufffd")


def test_bytes_that_never_come_become_one_replacement(tokenizer: Tokenizer) -> None:
    broken = tokenizer.encode("a😀")[:-1]
    assert tokenizer.decode(broken) == "a"
    assert tokenizer.decode(broken, final=True) == "a\ufffd"


def test_decoding_leaves_out_turns_and_audio_and_unused_rows(tokenizer: Tokenizer) -> None:
    ids = [
        *tokenizer.encode("language English"),
        tokenizer.asr_text_id,
        *tokenizer.encode("Hi"),
        tokenizer.audio_pad_id,
        412,  # the model has more rows than the tokenizer has tokens
        *tokenizer.eos_ids,
    ]
    assert tokenizer.decode(ids) == "language English<asr_text>Hi"


def test_missing_special_tokens_are_named() -> None:
    bare = tokenizers.Tokenizer(tokenizers.models.BPE())
    bare.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    with pytest.raises(CheckpointError) as refused:
        Tokenizer(bare, source="here")
    for name in ("<|endoftext|>", "<|audio_pad|>", "<asr_text>"):
        assert name in str(refused.value)
    assert "<|im_start|>" not in str(refused.value)


def test_the_timestamp_token_is_optional() -> None:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.add_special_tokens([*checkpoints.SPECIAL_TOKENS, "<asr_text>"])
    assert Tokenizer(tokenizer, source="here").timestamp_id is None


def test_missing_and_broken_files_are_named(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json.*vocab.json, merges.txt"):
        Tokenizer.from_folder(tmp_path)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((parts / name).read_bytes())
    (tmp_path / "vocab.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"vocab\.json"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        "[]",
        "{}",
        '{"added_tokens_decoder": {"x": {"content": "y"}}}',
        '{"added_tokens_decoder": 1}',
    ],
)
def test_a_broken_tokenizer_config_is_named(settings: str, parts: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((parts / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(settings)
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json"):
        Tokenizer.from_folder(tmp_path)


def test_ids_that_do_not_follow_the_vocabulary_are_refused(parts: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((parts / name).read_bytes())
    settings = json.loads((parts / "tokenizer_config.json").read_text())
    added = settings["added_tokens_decoder"]
    shifted = {str(int(token_id) + 1): token for token_id, token in added.items()}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": shifted}))
    with pytest.raises(CheckpointError, match=r"<\|endoftext\|> the id 401.* comes to 400"):
        Tokenizer.from_folder(tmp_path)


def test_a_config_with_other_ids_does_not_fit(tmp_path: Path) -> None:
    full = checkpoints.small_tokenizer()
    checkpoints.native_config(full).save_pretrained(tmp_path)
    config_file = tmp_path / "config.json"
    fields = json.loads(config_file.read_text())
    fields["architectures"] = ["Qwen3ASRForConditionalGeneration"]
    config_file.write_text(json.dumps(fields))
    tokenizer = Tokenizer(full, source="here")
    config = read_config(tmp_path)
    tokenizer.check_fits(config)
    with pytest.raises(CheckpointError, match="audio_token_id is 3"):
        tokenizer.check_fits(replace(config, audio_token_id=3))
    aligner = replace(config, timestamp_token_id=3, num_time_classes=5000)
    with pytest.raises(CheckpointError, match="timestamp_token_id is 3"):
        tokenizer.check_fits(aligner)
    with pytest.raises(CheckpointError, match="only 407 embeddings"):
        tokenizer.check_fits(replace(config, decoder=replace(config.decoder, vocab=407)))
