"""The aligner against the reference: its word lists, its scores in a packed batch, its times."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as FullTokenizer
from torch import Tensor
from transformers import Qwen3ASRProcessor
from transformers.models.qwen3_asr import processing_qwen3_asr

from hark.engine.alignment.aligner import Aligner, Utterance
from hark.engine.alignment.packed import num_audio_tokens
from hark.engine.alignment.repair import repair
from hark.engine.alignment.splitting import ALIGNER_LANGUAGES, WordSplitter

from . import reference
from .checkpoints import AlignerCheckpoint
from .clips import clip
from .test_model import LAYOUTS, LOGIT_TOLERANCE, max_difference

UTTERANCES = [
    Utterance(clip(9.3, seed=4), "Mr. Quilter's well-known gospel, e.g. 3.14%", "English"),
    Utterance(clip(0.3, seed=5), "No!", "en"),
    Utterance(clip(17.004, seed=6), "你好，ABC公司2024年的天气很好。", "Chinese"),  # noqa: RUF001
    Utterance(clip(8.0, seed=7), "We are glad to welcome the apostle of the classes", "English"),
]


class ReferenceRun:
    """One utterance through the reference, as its own processor words and decodes it."""

    def __init__(
        self, model: Any, tokenizer: FullTokenizer, utterance: Utterance, *, window_chunks: int = 8
    ) -> None:
        self.words = reference_words(utterance.text, utterance.language)
        slots = "<timestamp><timestamp>"
        written = "".join(word + slots for word in self.words)
        pads = "<|audio_pad|>" * num_audio_tokens(len(utterance.samples))
        self.ids = tokenizer.encode(f"<|audio_start|>{pads}<|audio_end|>{written}").ids
        self.logits = reference.forward(
            model, utterance.samples, self.ids, window_chunks=window_chunks
        )
        self.slot_id = tokenizer.token_to_id("<timestamp>")

    @property
    def slot_logits(self) -> Tensor:
        return self.logits[torch.tensor(self.ids) == self.slot_id]

    @property
    def times(self) -> list[tuple[str, float, float]]:
        processor: Any = Qwen3ASRProcessor
        [items] = processor.decode_forced_alignment(
            None,
            self.logits[None],
            torch.tensor([self.ids]),
            [self.words],
            timestamp_token_id=self.slot_id,
            timestamp_segment_time=80,
        )
        return [(item["text"], item["start_time"], item["end_time"]) for item in items]


def reference_words(text: str, language: str) -> list[str]:
    processor: Any = Qwen3ASRProcessor
    return processor.split_words_for_alignment(None, text, language)


@pytest.fixture(scope="module")
def runs(aligner: AlignerCheckpoint, tokenizer: FullTokenizer) -> list[ReferenceRun]:
    return [ReferenceRun(aligner.reference, tokenizer, utterance) for utterance in UTTERANCES]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_packed_scores_and_times(
    layout: str, aligner: AlignerCheckpoint, runs: list[ReferenceRun]
) -> None:
    ours = Aligner.load(aligner.folders[layout])
    packed = ours.slot_logits(UTTERANCES)
    for logits, run in zip(packed, runs, strict=True):
        assert logits.shape == (2 * len(run.words), 5000)
        assert logits.abs().max() > 1.0, "flat logits would hide mistakes"
        assert max_difference(logits, run.slot_logits) < LOGIT_TOLERANCE
        leads = logits.topk(2, dim=1).values
        assert (leads[:, 0] - leads[:, 1]).min() > 2 * LOGIT_TOLERANCE, "no close call"
    for times, run in zip(ours.align(UTTERANCES), runs, strict=True):
        assert [(word.text, word.start_s, word.end_s) for word in times] == run.times


def test_a_batch_is_its_clips_alone(aligner: AlignerCheckpoint) -> None:
    ours = Aligner.load(aligner.folders["native"])
    for utterance, logits in zip(UTTERANCES, ours.slot_logits(UTTERANCES), strict=True):
        [alone] = ours.slot_logits([utterance])
        assert max_difference(logits, alone) < LOGIT_TOLERANCE
    alone = [times for utterance in UTTERANCES for times in ours.align([utterance])]
    assert ours.align(UTTERANCES) == alone


def test_attention_spelled_out(aligner: AlignerCheckpoint) -> None:
    spelled_out = Aligner.load(aligner.folders["native"], attention="reference")
    fused = Aligner.load(aligner.folders["native"], attention="sdpa")
    both = zip(spelled_out.slot_logits(UTTERANCES), fused.slot_logits(UTTERANCES), strict=True)
    assert all(max_difference(one, other) < LOGIT_TOLERANCE for one, other in both)


def test_the_window_is_the_checkpoint_s(
    aligner: AlignerCheckpoint, tokenizer: FullTokenizer, tmp_path: Path
) -> None:
    native = aligner.folders["native"]
    for file in native.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = (native / "config.json").read_text("utf-8")
    assert '"n_window_infer": 800' in config
    short = config.replace('"n_window_infer": 800', '"n_window_infer": 200')
    (tmp_path / "config.json").write_text(short, "utf-8")
    [ours] = Aligner.load(tmp_path).slot_logits(UTTERANCES[:1])
    run = ReferenceRun(aligner.reference, tokenizer, UTTERANCES[0], window_chunks=2)
    assert max_difference(ours, run.slot_logits) < LOGIT_TOLERANCE


NEED_NO_LIBRARY = [name for name in ALIGNER_LANGUAGES if name not in ("Japanese", "Korean")]

# Only the reference keeps code points of the ideographs' blocks that are not assigned (Cn).
texts = st.text(
    st.sampled_from("ab 'é…-.你好カか가\u3400\uf900\U00020000\u0301\u0323\u2028")
    | st.characters(exclude_categories=["Cs", "Cn"]),
    max_size=30,
)


@given(texts, st.sampled_from(NEED_NO_LIBRARY))
def test_word_lists(text: str, language: str) -> None:
    ours = WordSplitter().split(text, language)
    theirs = reference_words(unicodedata.normalize("NFC", text), language)
    assert [word.text for word in ours] == theirs


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
@settings(max_examples=300)
def test_repair(steps: list[int]) -> None:
    times = [80 * step for step in steps]
    theirs = processing_qwen3_asr._fix_timestamps(np.array(times, np.float32))
    assert repair(times) == theirs
