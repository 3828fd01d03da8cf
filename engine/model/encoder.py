"""The AuT audio encoder: mel chunks to audio tokens; a pure function of one packed batch.

Three facts shape it (Qwen3-ASR report, section 2): the conv stem sees one chunk of 100 frames at a
time, attention sees one window of 1 to 8 chunks, and positions count inside a chunk only. So stem
outputs of closed chunks and encoder outputs of closed windows never change and may be kept.
Parameter names are those of the transformers-native checkpoints.
"""

import math

import torch
from torch import Tensor, nn

from ..attention.base import WindowAttention
from ..config import EncoderConfig
from ..types import CHUNK_FRAMES
from .convolution import Convolution, lay_out_convolution
from .weights import Layout, Matrix, lay_out

TOKENS_PER_CHUNK = 13
_MOST_CHANNELS_TO_TRY = 64  # of the stem: all its kernels are tried in tens of milliseconds
_STEM_BATCH, _CPU_STEM_BATCH = 64, 8
"""Chunks of a convolution call: bounds its memory, as conv_chunksize does; a CPU's to its cache."""


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
        self._convs: list[Convolution] = []
        self._out: Matrix | None = None
        self._sinusoids: Tensor | None = None

    def prepare(self, layout: Layout) -> None:
        """Make the loaded weights ready for use; the encoder computes nothing before."""
        size = (self.config.mel_bins, self.config.chunk_frames)
        for conv in (self.conv2d1, self.conv2d2, self.conv2d3):
            self._convs.append(lay_out_convolution(layout, conv, size))
            size = (-(-size[0] // 2), -(-size[1] // 2))
        self._out = lay_out(layout, self.conv_out)
        weight = self.ln_post.weight
        self._sinusoids = _sinusoids(self.config.d_model, weight.device).to(weight.dtype)
        for layer in self.layers:
            assert isinstance(layer, EncoderLayer)
            layer.prepare(layout)
        if weight.device.type == "cpu" and self.config.stem_channels <= _MOST_CHANNELS_TO_TRY:
            self._compile()

    @torch.inference_mode()
    def _compile(self) -> None:
        """The stem's kernels for every number of chunks, so that no stream waits for one."""
        for count in range(1, _CPU_STEM_BATCH + 1):
            self.stem(torch.zeros(count, self.config.chunk_frames, self.config.mel_bins))

    def stem(self, mel: Tensor) -> Tensor:
        """Chunks of normalised mel [C, 100, M] to tokens with positions [C, 13, d]."""
        on_cpu = self.ln_post.weight.device.type == "cpu"
        parts = mel.split(_CPU_STEM_BATCH if on_cpu else _STEM_BATCH)
        return torch.cat([self._stem_batch(part) for part in parts])

    def _stem_batch(self, mel: Tensor) -> Tensor:
        assert self._out is not None
        assert self._sinusoids is not None
        x = mel.to(self.ln_post.weight.dtype).transpose(1, 2).unsqueeze(1)  # [C, 1, M, 100]
        for convolve in self._convs:
            x = convolve(x)
        x = x.permute(0, 3, 1, 2).flatten(2)  # [C, 13, channels * M/8]
        tokens = self._out(x.flatten(0, 1)).unflatten(0, x.shape[:2])  # [C, 13, d]
        return tokens.add_(self._sinusoids)

    def forward(self, tokens: Tensor, attend: WindowAttention) -> Tensor:
        """Packed windows [A, d] to [A, d]; `attend` says where one window ends."""
        for layer in self.layers:
            tokens = layer(tokens, attend)
        return self.ln_post(tokens)


class EncoderLayer(nn.Module):
    """Pre-LN transformer layer, bidirectional inside each window."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(config.d_model)
        self.self_attn = WindowedAttention(config)
        self.final_layer_norm = nn.LayerNorm(config.d_model)
        self.fc1 = nn.Linear(config.d_model, config.ffn)
        self.fc2 = nn.Linear(config.ffn, config.d_model)
        self._up: Matrix | None = None
        self._down: Matrix | None = None

    def prepare(self, layout: Layout) -> None:
        self.self_attn.prepare(layout)
        self._up, self._down = lay_out(layout, self.fc1, gelu=True), lay_out(layout, self.fc2)

    def forward(self, x: Tensor, attend: WindowAttention) -> Tensor:
        assert self._up is not None
        assert self._down is not None
        x = x + self.self_attn(self.self_attn_layer_norm(x), attend)
        return x + self._down(self._up(self.final_layer_norm(x)))


class WindowedAttention(nn.Module):
    """Multi-head attention over packed windows."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, config.head_dim
        self.q_proj = nn.Linear(config.d_model, config.d_model)
        self.k_proj = nn.Linear(config.d_model, config.d_model)
        self.v_proj = nn.Linear(config.d_model, config.d_model)
        self.out_proj = nn.Linear(config.d_model, config.d_model)
        self._in: Matrix | None = None
        self._out: Matrix | None = None

    def prepare(self, layout: Layout) -> None:
        """Lay the three input projections side by side."""
        self._in = lay_out(layout, self.q_proj, self.k_proj, self.v_proj)
        self._out = lay_out(layout, self.out_proj)

    def forward(self, x: Tensor, attend: WindowAttention) -> Tensor:
        assert self._in is not None
        assert self._out is not None
        heads = self._in(x).view(x.shape[0], 3, self.heads, self.head_dim)  # [A, 3, H, D]
        return self._out(attend(*heads.unbind(1)))


def _sinusoids(dim: int, device: torch.device) -> Tensor:
    """Positions of the 13 tokens of a chunk: sines, then cosines, [13, d] in float32."""
    half = dim // 2
    step = math.log(10_000) / (half - 1)
    scale = torch.exp(-step * torch.arange(half, dtype=torch.float32, device=device))
    angle = torch.arange(TOKENS_PER_CHUNK, device=device)[:, None] * scale
    return torch.cat([angle.sin(), angle.cos()], dim=1)
