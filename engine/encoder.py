"""The AuT audio encoder: mel chunks to audio tokens; a pure function of one packed batch.

Three facts shape it (Qwen3-ASR report, section 2): the conv stem sees one chunk of 100 frames at a
time, attention sees one window of 1 to 8 chunks, and positions count inside a chunk only. So stem
outputs of closed chunks and encoder outputs of closed windows never change and may be kept.
Parameter names are those of the transformers-native checkpoints.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import EncoderConfig
from .types import CHUNK_FRAMES

TOKENS_PER_CHUNK = 13
_STEM_BATCH = 64  # chunks per convolution call: bounds its memory, as conv_chunksize does


def num_tokens(num_frames: int) -> int:
    """Audio tokens of `num_frames` mel frames: 13 per full chunk, one per 8 frames begun."""
    full, rest = divmod(num_frames, CHUNK_FRAMES)
    return TOKENS_PER_CHUNK * full + -(-rest // 8)


class AudioEncoder(nn.Module):
    """Stem and transformer. `stem` and `forward` are separate so that stem outputs can be kept."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        channels = config.stem_channels
        self.config = config
        self.conv2d1 = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.conv2d2 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.conv2d3 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        stem_bins = -(-config.mel_bins // 8)
        self.conv_out = nn.Linear(channels * stem_bins, config.d_model, bias=False)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.ln_post = nn.LayerNorm(config.d_model)

    def stem(self, mel: Tensor) -> Tensor:
        """Chunks of normalised mel [C, 100, M] to tokens with positions [C, 13, d]."""
        return torch.cat([self._stem_batch(part) for part in mel.split(_STEM_BATCH)])

    def _stem_batch(self, mel: Tensor) -> Tensor:
        x = mel.to(self.conv_out.weight.dtype).transpose(1, 2).unsqueeze(1)  # [C, 1, M, 100]
        for conv in (self.conv2d1, self.conv2d2, self.conv2d3):
            x = F.gelu(conv(x))
        x = x.permute(0, 3, 1, 2).flatten(2)  # [C, 13, channels * M/8]
        x = self.conv_out(x)  # [C, 13, d]
        return x + _sinusoids(self.config.d_model, x.device).to(x.dtype)

    def forward(self, tokens: Tensor, window_lengths: list[int]) -> Tensor:
        """Packed windows [A, d] to [A, d]; `window_lengths` sum to A, no window sees another."""
        assert sum(window_lengths) == tokens.shape[0]
        for layer in self.layers:
            tokens = layer(tokens, window_lengths)
        return self.ln_post(tokens)


class EncoderLayer(nn.Module):
    """Pre-LN transformer layer, bidirectional inside each window."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(config.d_model)
        self.self_attn = WindowAttention(config)
        self.final_layer_norm = nn.LayerNorm(config.d_model)
        self.fc1 = nn.Linear(config.d_model, config.ffn)
        self.fc2 = nn.Linear(config.ffn, config.d_model)

    def forward(self, x: Tensor, window_lengths: list[int]) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x), window_lengths)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class WindowAttention(nn.Module):
    """Multi-head attention over packed windows."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.head_dim
        self.q_proj = nn.Linear(config.d_model, config.d_model)
        self.k_proj = nn.Linear(config.d_model, config.d_model)
        self.v_proj = nn.Linear(config.d_model, config.d_model)
        self.out_proj = nn.Linear(config.d_model, config.d_model)

    def forward(self, x: Tensor, window_lengths: list[int]) -> Tensor:
        heads = (x.shape[0], self.heads, self.head_dim)
        q = self.q_proj(x).view(heads)  # [A, H, D]
        k = self.k_proj(x).view(heads)
        v = self.v_proj(x).view(heads)
        mixed = torch.empty_like(q)
        for begin, count, length in _equal_runs(window_lengths):
            rows = slice(begin, begin + count * length)
            shape = (count, length, self.heads, self.head_dim)
            windows = [t[rows].view(shape).transpose(1, 2) for t in (q, k, v)]  # [W, H, A', D]
            out = F.scaled_dot_product_attention(*windows)
            mixed[rows] = out.transpose(1, 2).reshape(count * length, self.heads, self.head_dim)
        return self.out_proj(mixed.flatten(1))


def _equal_runs(lengths: list[int]) -> list[tuple[int, int, int]]:
    """Runs of equal window lengths as (first row, number of windows, length)."""
    runs: list[tuple[int, int, int]] = []
    row = 0
    for length in lengths:
        if runs and runs[-1][2] == length:
            begin, count, _ = runs[-1]
            runs[-1] = (begin, count + 1, length)
        else:
            runs.append((row, 1, length))
        row += length
    return runs


def _sinusoids(dim: int, device: torch.device) -> Tensor:
    """Positions of the 13 tokens of a chunk: sines, then cosines, [13, d] in float32."""
    half = dim // 2
    step = math.log(10_000) / (half - 1)
    scale = torch.exp(-step * torch.arange(half, dtype=torch.float32, device=device))
    angle = torch.arange(TOKENS_PER_CHUNK, device=device)[:, None] * scale
    return torch.cat([angle.sin(), angle.cos()], dim=1)
