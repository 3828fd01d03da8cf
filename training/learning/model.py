"""The Qwen3-ASR architecture in its tiny size, with the tensor names of the checkpoint.

Parameters are named as in the "-hf" checkpoint layout, so exporting is only a cast. Attention
is written out as matmul and softmax: on a CPU it is faster at these lengths than the fused
kernel, and the alignment loss needs the probabilities.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.mel import CHUNK_FRAMES, CHUNK_TOKENS

MASKED = -1e4
"""Added to masked attention scores; finite, so that a row without any key stays finite."""


@dataclass(frozen=True)
class Size:
    """Dimensions of the model; the defaults are the shipped size (7.8 M parameters)."""

    mel_bins: int = 128
    stem_channels: int = 32
    encoder_dim: int = 256
    encoder_layers: int = 5
    encoder_heads: int = 4
    encoder_ffn: int = 1024
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 768
    vocab: int = 1500
    rope_theta: float = 10_000.0
    eps: float = 1e-6

    @property
    def audio_id(self) -> int:
        """Id of ``<|audio_pad|>``; the special tokens are the last ones of the vocabulary."""
        return self.vocab - 3

    @property
    def pad_id(self) -> int:
        """Id of ``<|endoftext|>``."""
        return self.vocab - 8

    def to_dict(self) -> dict:
        """Plain dictionary, for checkpoints."""
        return asdict(self)


class RMSNorm(nn.Module):
    """Root-mean-square norm."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Attention over [B, heads, L, d] with an additive mask; returns (output, probabilities)."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    probabilities = (scores + mask).softmax(-1)
    return probabilities @ v, probabilities


class EncoderAttention(nn.Module):
    """Multi-head self-attention inside one window."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, dim = x.shape
        q, k, v = (
            projection(x).view(batch, length, self.heads, -1).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        output, _ = attend(q, k, v, mask)
        return self.out_proj(output.transpose(1, 2).reshape(batch, length, dim))


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer of the audio encoder."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        dim = size.encoder_dim
        self.self_attn = EncoderAttention(dim, size.encoder_heads)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, size.encoder_ffn)
        self.fc2 = nn.Linear(size.encoder_ffn, dim)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.self_attn_layer_norm(x), mask)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class AudioTower(nn.Module):
    """Convolutional stem per 1 s chunk, then transformer layers over windows of chunks."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        channels, dim = size.stem_channels, size.encoder_dim
        self.conv2d1 = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.conv2d2 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.conv2d3 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.conv_out = nn.Linear(channels * size.mel_bins // 8, dim, bias=False)
        self.layers = nn.ModuleList(EncoderLayer(size) for _ in range(size.encoder_layers))
        self.ln_post = nn.LayerNorm(dim)
        self.register_buffer("positions", sinusoids(CHUNK_TOKENS, dim), persistent=False)

    def forward(self, features: Tensor, tokens: Tensor, window: int) -> tuple[Tensor, Tensor]:
        """Encode features [B, T, 128], T a multiple of 100, with ``tokens`` [B] valid tokens.

        ``window`` is the attention window in chunks. Returns the output of the last and of the
        third layer, each [B, 13 · T / 100, dim].
        """
        batch, frames, bins = features.shape
        chunks = frames // CHUNK_FRAMES
        x = self._stem(features.reshape(batch * chunks, CHUNK_FRAMES, bins))
        x = x.view(batch, chunks * CHUNK_TOKENS, -1)
        padded = -(-chunks // window) * window * CHUNK_TOKENS
        x = F.pad(x, (0, 0, 0, padded - x.shape[1]))
        mask = torch.zeros(batch, padded, dtype=x.dtype, device=x.device)
        mask.masked_fill_(torch.arange(padded, device=x.device) >= tokens[:, None], MASKED)
        span = window * CHUNK_TOKENS
        mask = mask.view(-1, 1, 1, span)
        x = x.reshape(-1, span, x.shape[-1])
        middle = x
        for index, layer in enumerate(self.layers):
            x = layer(x, mask)
            if index == 2:
                middle = x
        kept = chunks * CHUNK_TOKENS
        return (
            self.ln_post(x).view(batch, padded, -1)[:, :kept],
            middle.view(batch, padded, -1)[:, :kept],
        )

    def _stem(self, chunks: Tensor) -> Tensor:
        """[n, 100, 128] → [n, 13, dim]."""
        x = F.gelu(first_convolution(chunks, self.conv2d1))
        for convolution in (self.conv2d2, self.conv2d3):
            x = F.gelu(convolution(x))
        x = x.permute(0, 3, 1, 2).flatten(2)
        return self.conv_out(x) + self.positions.to(x.dtype)


def first_convolution(chunks: Tensor, convolution: nn.Conv2d) -> Tensor:
    """The stem's first convolution, [n, 100, 128] → [n, channels, 64, 50] channels-last.

    With one input channel it is a matmul over nine taps, several times faster on a CPU than the
    general convolution and its backward pass.
    """
    count, frames, bins = chunks.shape
    padded = F.pad(chunks, (1, 1, 1, 1)).contiguous()
    step, row = padded.stride(0), padded.stride(1)
    taps = padded.as_strided(
        (count, bins // 2, frames // 2, 3, 3), (step, 2, 2 * row, 1, row)
    ).reshape(-1, 9)
    weight = convolution.weight.view(-1, 9).t()
    assert convolution.bias is not None
    output = torch.addmm(convolution.bias, taps, weight)
    return output.view(count, bins // 2, frames // 2, -1).permute(0, 3, 1, 2)


class Projector(nn.Module):
    """Maps encoder outputs to decoder embeddings."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(size.encoder_dim, size.encoder_dim)
        self.linear_2 = nn.Linear(size.encoder_dim, size.hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(x)))


class DecoderAttention(nn.Module):
    """Grouped-query attention with normalised queries and keys and rotary positions."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.q_proj = nn.Linear(size.hidden, size.heads * size.head_dim, bias=False)
        self.k_proj = nn.Linear(size.hidden, size.kv_heads * size.head_dim, bias=False)
        self.v_proj = nn.Linear(size.hidden, size.kv_heads * size.head_dim, bias=False)
        self.o_proj = nn.Linear(size.heads * size.head_dim, size.hidden, bias=False)
        self.q_norm = RMSNorm(size.head_dim, size.eps)
        self.k_norm = RMSNorm(size.head_dim, size.eps)

    def forward(
        self, x: Tensor, rotary: Tensor, mask: Tensor, cache: list[Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        batch, length, _ = x.shape
        shape = (batch, length, -1, self.size.head_dim)
        q = rotate(self.q_norm(self.q_proj(x).view(shape)).transpose(1, 2), rotary)
        k = rotate(self.k_norm(self.k_proj(x).view(shape)).transpose(1, 2), rotary)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        groups = self.size.heads // self.size.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        output, probabilities = attend(q, k, v, mask)
        return self.o_proj(output.transpose(1, 2).reshape(batch, length, -1)), probabilities


class MLP(nn.Module):
    """Gated feed-forward block."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size.hidden, size.ffn, bias=False)
        self.up_proj = nn.Linear(size.hidden, size.ffn, bias=False)
        self.down_proj = nn.Linear(size.ffn, size.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    """Pre-norm transformer layer of the language model."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(size.hidden, size.eps)
        self.self_attn = DecoderAttention(size)
        self.post_attention_layernorm = RMSNorm(size.hidden, size.eps)
        self.mlp = MLP(size)

    def forward(
        self, x: Tensor, rotary: Tensor, mask: Tensor, cache: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        attended, probabilities = self.self_attn(self.input_layernorm(x), rotary, mask, cache)
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x)), probabilities


class LanguageModel(nn.Module):
    """Decoder-only transformer; the output head is the transposed embedding."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embed_tokens = nn.Embedding(size.vocab, size.hidden)
        self.layers = nn.ModuleList(DecoderLayer(size) for _ in range(size.layers))
        self.norm = RMSNorm(size.hidden, size.eps)

    def embed(self, ids: Tensor) -> Tensor:
        """Token embeddings; looked up in float32 so that their gradient is summed in float32."""
        weight = self.embed_tokens.weight
        return F.embedding(ids, weight.float()).to(weight.dtype)

    def forward(
        self, x: Tensor, positions: Tensor, mask: Tensor, caches: list[list[Tensor]] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Embeddings [B, L, hidden] → (final hidden states, attention probabilities per layer)."""
        rotary = rotary_table(positions, self.size.head_dim, self.size.rope_theta).to(x.dtype)
        attention = []
        for index, layer in enumerate(self.layers):
            x, probabilities = layer(x, rotary, mask, caches[index] if caches else None)
            attention.append(probabilities)
        return self.norm(x), attention

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return F.linear(hidden, self.embed_tokens.weight)


class _Body(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.audio_tower = AudioTower(size)
        self.multi_modal_projector = Projector(size)
        self.language_model = LanguageModel(size)


class SpeechModel(nn.Module):
    """Audio encoder, projector and language model."""

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        self.size = size or Size()
        self.model = _Body(self.size)
        self.apply(_initialise)
        # Layers that write into the residual stream start small, so that depth does not matter.
        residual = ("o_proj.weight", "down_proj.weight", "fc2.weight", "out_proj.weight")
        for name, parameter in self.named_parameters():
            if name.endswith(residual):
                parameter.data.mul_(1 / math.sqrt(2 * self.size.layers))

    def encode(
        self, features: Tensor, tokens: Tensor, window: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(decoder embeddings, encoder output, third layer), each [B, N, dim]."""
        output, middle = self.model.audio_tower(features, tokens, window)
        return self.model.multi_modal_projector(output), output, middle

    def merge(self, ids: Tensor, audio: Tensor, tokens: Tensor) -> Tensor:
        """Embed ids [B, L], replacing each row's audio placeholders by its audio embeddings."""
        x = self.model.language_model.embed(ids)
        valid = torch.arange(audio.shape[1], device=audio.device) < tokens[:, None]
        return x.masked_scatter((ids == self.size.audio_id).unsqueeze(-1), audio[valid].to(x.dtype))


def sinusoids(length: int, dim: int) -> Tensor:
    """Position table [length, dim]: sines, then cosines."""
    step = math.log(10_000.0) / (dim // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(dim // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


def rotary_table(positions: Tensor, head_dim: int, theta: float) -> Tensor:
    """Cosines and sines [2, B, 1, L, head_dim] for positions [B, L]."""
    inverse = theta ** (-torch.arange(0, head_dim, 2, device=positions.device) / head_dim)
    angles = positions[:, None, :, None] * inverse
    angles = torch.cat([angles, angles], -1)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, rotary: Tensor) -> Tensor:
    """Rotate the two halves of each head by its position's angles."""
    first, second = x.chunk(2, -1)
    return x * rotary[0] + torch.cat([-second, first], -1) * rotary[1]


def causal_mask(x: Tensor) -> Tensor:
    """Additive mask [L, L] that hides later positions of the embeddings [B, L, hidden]."""
    length = x.shape[1]
    return torch.full((length, length), MASKED, dtype=x.dtype, device=x.device).triu(1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.04)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
