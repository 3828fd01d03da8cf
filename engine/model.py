"""The whole model of a checkpoint: encoder, projector, decoder, head; and its whole-clip slow twin.

`encode_clip` and `forward_clip` compute a clip from nothing, with no cache and nothing incremental.
They are what every faster path of the engine is tested against.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checkpoint import load_weights, read_config
from .config import EncoderConfig, ModelConfig
from .decoder import Batch, Decoder
from .encoder import TOKENS_PER_CHUNK, AudioEncoder, num_tokens
from .features import log_mel, normalise, pad_clip
from .types import CHUNK_FRAMES


class Projector(nn.Module):
    """Encoder width to decoder width, token by token."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(config.d_model, config.d_model)
        self.linear_2 = nn.Linear(config.d_model, config.output_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(x)))


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
        self._wide_head: Tensor | None = None

    def prepare(self) -> "SpeechModel":
        """Freeze the loaded weights and lay them out for inference."""
        self.language_model.fuse()
        return self.eval().requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        return self.language_model.norm.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.language_model.norm.weight.device

    def encode(self, tokens: Tensor, window_lengths: list[int]) -> Tensor:
        """Packed stem tokens [A, d] to audio embeddings [A, E]."""
        return self.multi_modal_projector(self.audio_tower(tokens, window_lengths))

    def embed(self, ids: list[int]) -> Tensor:
        """Token ids to embeddings [S, E]."""
        return self.language_model.embed_tokens(torch.tensor(ids, device=self.device))

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores in float32 whatever the weights' type: [S, E] to [S, V]."""
        if self._wide_head is None:
            self._wide_head = self._head_weight().detach().float()
        return F.linear(hidden.float(), self._wide_head)

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
        return self.encode(tokens[:total], lengths)

    @torch.inference_mode()
    def forward_clip(
        self, samples: np.ndarray, head: list[int], tail: list[int], *, window_chunks: int
    ) -> Tensor:
        """Logits [S, V] of the sequence `head`, the clip's audio, `tail` (S counts all three)."""
        audio = self.encode_clip(samples, window_chunks)
        x = torch.cat([self.embed(head), audio, self.embed(tail)])
        kept = _OnePass()
        positions = torch.arange(x.shape[0], device=self.device)
        batch = Batch(positions, [x.shape[0]], [kept], kept)
        return self.logits(self.language_model(x, batch))


class _OnePass:
    """The KV of one pass over one row: what was just written is all there is to read."""

    def write(self, layer: int, keys: Tensor, values: Tensor) -> None:
        del layer
        self._kept = keys, values

    def read(self, layer: int) -> tuple[Tensor, Tensor]:
        del layer
        return self._kept


def to_chunks(mel: Tensor) -> Tensor:
    """Frames [T, M] to chunks [C, 100, M]; the last is filled with 0.0, as the reference does."""
    missing = -mel.shape[0] % CHUNK_FRAMES
    return F.pad(mel, (0, 0, 0, missing)).unflatten(0, (-1, CHUNK_FRAMES))


def load_model(
    folder: Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> SpeechModel:
    """The model of a checkpoint folder, either layout, ready for inference.

    Raises:
        ConfigError: config.json is missing, or fits neither layout.
        CheckpointError: a tensor is missing, unread or wrongly shaped.
    """
    with torch.device("meta"):
        model = SpeechModel(read_config(folder))
    load_weights(folder, model, dtype=dtype, device=torch.device(device))
    return model.prepare()
