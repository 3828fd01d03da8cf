"""The whole model of a checkpoint: encoder, projector, decoder, head; and its whole-clip slow twin.

`encode_clip` and `forward_clip` compute a clip from nothing, with no cache and nothing incremental.
They are what every faster path of the engine is tested against.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention.base import Rows, WindowAttention
from ..attention.reference import ReferenceAttention
from ..config import EncoderConfig, ModelConfig, Quant
from ..types import CHUNK_FRAMES
from .checkpoint import load_weights, read_config
from .decoder import Batch, Decoder
from .encoder import TOKENS_PER_CHUNK, AudioEncoder, num_tokens
from .features import log_mel, normalise, pad_clip
from .head import Best, Head
from .weights import Layout, Matrix, lay_out, pick_layout


class Projector(nn.Module):
    """Encoder width to decoder width, token by token."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(config.d_model, config.d_model)
        self.linear_2 = nn.Linear(config.d_model, config.output_dim)
        self._first: Matrix | None = None
        self._second: Matrix | None = None

    def prepare(self, layout: Layout) -> None:
        self._first = lay_out(layout, self.linear_1, gelu=True)
        self._second = lay_out(layout, self.linear_2)

    def forward(self, x: Tensor) -> Tensor:
        assert self._first is not None
        assert self._second is not None
        return self._second(self._first(x))


class SpeechModel(nn.Module):
    """A recogniser, or an aligner when the checkpoint has a time head (`score`)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.audio_tower = AudioEncoder(config.encoder)
        self.multi_modal_projector = Projector(config.encoder)
        self.language_model = Decoder(config.decoder)
        if config.num_time_classes is not None:
            self.score = nn.Linear(config.decoder.hidden, config.num_time_classes, bias=False)
        elif not config.decoder.tied:
            self.lm_head = nn.Linear(config.decoder.hidden, config.decoder.vocab, bias=False)
        self.product_dtype = torch.float32  # of matrix products, once prepared
        self._head: Head | None = None

    def prepare(
        self, *, mixed: bool = False, quant: Quant = "none", layout: Layout | None = None
    ) -> "SpeechModel":
        """Freeze the loaded weights and lay them out for inference.

        With `mixed` a float32 model on a CPU multiplies bfloat16 matrices; its head does not.
        `layout` None is the one for this device.
        `quant` int8 concerns the decoder and the head of a large vocabulary, which is where the
        weights are read over and over; the encoder's few passes stay as precise as stored.
        """
        layout = layout or pick_layout(self.device, self.dtype, mixed=mixed)
        self.product_dtype = torch.bfloat16 if layout == "mixed" else self.dtype
        narrow: Layout = "int8" if quant == "int8" else layout
        self.requires_grad_(False)
        self._head = Head(self._head_weight().detach(), narrow)
        self.audio_tower.prepare(layout)
        self.multi_modal_projector.prepare(layout)
        self.language_model.prepare(narrow)
        return self.eval()

    @property
    def dtype(self) -> torch.dtype:
        return self.language_model.norm.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.language_model.norm.weight.device

    def encode(self, tokens: Tensor, attend: WindowAttention) -> Tensor:
        """Packed stem tokens [A, d] to audio embeddings [A, E]."""
        return self.multi_modal_projector(self.audio_tower(tokens, attend))

    def embed(self, ids: list[int]) -> Tensor:
        """Token ids to embeddings [S, E]."""
        return self.language_model.embed_tokens(
            torch.tensor(ids, dtype=torch.long, device=self.device)
        )

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores in float32 whatever the weights' type, the slow way: [S, E] to [S, V]."""
        assert self._head is not None
        return self._head.logits(hidden)

    def choose(self, hidden: Tensor) -> Best:
        """The greedy choice after each hidden state [S, E]."""
        assert self._head is not None
        return self._head.choose(hidden)

    def _head_weight(self) -> Tensor:
        if self.config.num_time_classes is not None:
            return self.score.weight
        if self.config.decoder.tied:
            return self.language_model.embed_tokens.weight
        return self.lm_head.weight

    # --- the slow twin: whole clips, nothing kept ------------------------------------------------

    @torch.inference_mode()
    def encode_clip(self, samples: np.ndarray, window_chunks: int) -> Tensor:
        """Float32 samples [N] at 16 kHz to audio embeddings [A, E], from nothing."""
        raw = log_mel(torch.from_numpy(pad_clip(samples)))  # [T, M]
        mel = normalise(raw, raw.max().item())
        tokens = self.audio_tower.stem(to_chunks(mel).to(self.device)).flatten(0, 1)
        total = num_tokens(mel.shape[0])
        window = window_chunks * TOKENS_PER_CHUNK
        lengths = [min(window, total - begin) for begin in range(0, total, window)]
        attend = ReferenceAttention().windows(lengths, like=tokens)
        return self.encode(tokens[:total], attend)

    @torch.inference_mode()
    def forward_clip(
        self, samples: np.ndarray, head: list[int], tail: list[int], *, window_chunks: int
    ) -> Tensor:
        """Logits [S, V] of the sequence `head`, the clip's audio, `tail` (S counts all three)."""
        audio = self.encode_clip(samples, window_chunks)
        x = torch.cat([self.embed(head), audio, self.embed(tail)])
        return self.logits(self.language_model(x, _one_pass(x, self.config)))


def _one_pass(x: Tensor, config: ModelConfig) -> Batch:
    """One row and nothing before it; all layers share a cache, for each reads only its own."""
    length, shape = x.shape[0], config.decoder
    whole = torch.arange(length, device=x.device)
    one_layer = (1, length, shape.kv_heads, shape.head_dim)
    keys, values = (x.new_empty(one_layer).expand(shape.layers, -1, -1, -1) for _ in range(2))
    rows = Rows(new_lengths=[length], kv_lengths=[length], pages=[[0]], page_tokens=length)
    attend = ReferenceAttention().rows(rows, kv_heads=shape.kv_heads, like=x)
    return Batch(positions=whole, slots=whole, keys=keys, values=values, attend=attend)


def to_chunks(mel: Tensor) -> Tensor:
    """Frames [T, M] to chunks [C, 100, M]; the last is filled with 0.0, as the reference does."""
    missing = -mel.shape[0] % CHUNK_FRAMES
    return F.pad(mel, (0, 0, 0, missing)).unflatten(0, (-1, CHUNK_FRAMES))


def load_model(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    mixed: bool = False,
    quant: Quant = "none",
    layout: Layout | None = None,
) -> SpeechModel:
    """The model of a checkpoint folder, either layout, ready for inference.

    Raises:
        ConfigError: config.json is missing, or fits neither layout.
        CheckpointError: a tensor is missing, unread or wrongly shaped.
    """
    with torch.device("meta"):
        model = SpeechModel(read_config(folder))
    load_weights(folder, model, dtype=dtype, device=torch.device(device))
    return model.prepare(mixed=mixed, quant=quant, layout=layout)
