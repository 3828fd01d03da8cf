"""The Qwen3 decoder over a packed batch; attention reads and writes the KV views it is given.

Weights are immutable after loading and no state lives here. Parameter names are those of the
transformers-native checkpoints. The released configs ask for M-RoPE, but with text and audio alone
its three position rows are equal, so plain RoPE is exact.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import DecoderConfig


class KVReader(Protocol):
    """One row's keys and values of a layer, the row's new tokens included."""

    def read(self, layer: int) -> tuple[Tensor, Tensor]: ...


class KVWriter(Protocol):
    """Takes the keys and values [Q, K, D] of all new tokens of a batch."""

    def write(self, layer: int, keys: Tensor, values: Tensor) -> None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """A packed batch: row r has `row_lengths[r]` new tokens, at the end of what `rows[r]` reads."""

    positions: Tensor  # [Q] position of each new token in its row
    row_lengths: list[int]
    rows: list[KVReader]
    writer: KVWriter


class Decoder(nn.Module):
    """Embeddings, layers and final norm; the head lives in `model.py`, for it may be tied."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab, config.hidden)
        self.layers = nn.ModuleList(DecoderLayer(config, index) for index in range(config.layers))
        self.norm = RMSNorm(config.hidden, config.rms_eps)

    def fuse(self) -> None:
        """Make the loaded weights ready for use; the model computes nothing before."""
        for module in self.modules():
            if isinstance(module, CausalAttention | MLP):
                module.fuse()

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """New tokens' embeddings [Q, E] to hidden states [Q, E]."""
        rope = rope_table(batch.positions, self.config)
        rope = (rope[0].to(x.dtype), rope[1].to(x.dtype))
        for layer in self.layers:
            x = layer(x, rope, batch)
        return self.norm(x)


class DecoderLayer(nn.Module):
    """Pre-norm attention and SwiGLU."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden, config.rms_eps)
        self.self_attn = CausalAttention(config, index)
        self.post_attention_layernorm = RMSNorm(config.hidden, config.rms_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rope, batch)
        return x + self.mlp(self.post_attention_layernorm(x))


class CausalAttention(nn.Module):
    """Grouped-query attention with per-head RMSNorm of queries and keys before RoPE."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        self.index = index
        self.kv_heads, self.head_dim = config.kv_heads, config.head_dim
        self.group = config.heads // config.kv_heads
        self.q_proj = nn.Linear(config.hidden, config.heads * config.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden, config.kv_heads * config.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden, config.kv_heads * config.head_dim, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_dim, config.hidden, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_eps)
        self._qkv: Tensor | None = None
        self._qk_norm: Tensor | None = None

    def fuse(self) -> None:
        """Lay the three input projections, and the norms of all heads, side by side."""
        self._qkv = fuse_rows(self.q_proj, self.k_proj, self.v_proj)
        heads = [self.q_norm] * (self.group * self.kv_heads) + [self.k_norm] * self.kv_heads
        self._qk_norm = torch.stack([norm.weight.detach() for norm in heads])  # [H + K, D]

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
        assert self._qkv is not None
        assert self._qk_norm is not None
        num_heads = self.group * self.kv_heads
        heads = F.linear(x, self._qkv).view(x.shape[0], -1, self.head_dim)
        qk, v = heads.split((num_heads + self.kv_heads, self.kv_heads), dim=1)
        qk = rotate(self._qk_norm * unit_rms(qk, self.q_norm.eps), rope)
        q, k = qk.split((num_heads, self.kv_heads), dim=1)  # [Q, H, D], [Q, K, D]
        batch.writer.write(self.index, k, v)
        queries = q.split(batch.row_lengths)
        rows = zip(queries, batch.rows, strict=True)
        mixed = [self._attend(query, *row.read(self.index)) for query, row in rows]
        return self.o_proj(torch.cat(mixed))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """One row: queries [n, H, D] over keys and values [S, K, D], the last n being its own.

        The heads of a group share their keys, so a group's queries are stacked as n * group rows
        over one head: nothing is repeated in memory.
        """
        n, total = q.shape[0], k.shape[0]
        grouped = q.view(n, self.kv_heads, self.group, self.head_dim)
        grouped = grouped.permute(1, 2, 0, 3).reshape(1, self.kv_heads, -1, self.head_dim)
        mask = _causal_mask(n, total, q.device).repeat(self.group, 1) if n > 1 else None
        keys, values = k.transpose(0, 1).unsqueeze(0), v.transpose(0, 1).unsqueeze(0)
        out = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
        out = out.view(self.kv_heads, self.group, n, self.head_dim)
        return out.permute(2, 0, 1, 3).reshape(n, -1)  # [n, H * D]


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.down_proj = nn.Linear(config.ffn, config.hidden, bias=False)
        self._gate_up: Tensor | None = None

    def fuse(self) -> None:
        """Lay gate and up side by side, to be multiplied at once."""
        self._gate_up = fuse_rows(self.gate_proj, self.up_proj)

    def forward(self, x: Tensor) -> Tensor:
        assert self._gate_up is not None
        gate, up = F.linear(x, self._gate_up).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


class RMSNorm(nn.Module):
    """Root-mean-square norm, computed in float32 and multiplied by its weight in model dtype."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * unit_rms(x, self.eps)


def unit_rms(x: Tensor, eps: float) -> Tensor:
    """The last dimension brought to a root mean square of 1, in float32, cast back."""
    return F.rms_norm(x.float(), (x.shape[-1],), eps=eps).to(x.dtype)


def fuse_rows(*linears: nn.Linear) -> Tensor:
    """The weights of several projections of one input as one matrix.

    The projections' own weights become views of it, so nothing is held twice.
    """
    fused = torch.cat([linear.weight.detach() for linear in linears])
    begin = 0
    for linear in linears:
        end = begin + linear.out_features
        linear.weight = nn.Parameter(fused[begin:end], requires_grad=False)
        begin = end
    return fused


def rope_table(positions: Tensor, config: DecoderConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of each position, each [Q, 1, D] in float32, half-split (NeoX) order.

    The first half of the sines is negated: `rotate` then needs no sign of its own.
    """
    exponent = torch.arange(0, config.head_dim, 2, device=positions.device).float()
    inv_freq = 1.0 / config.rope_theta ** (exponent / config.head_dim)
    angle = positions.float()[:, None] * inv_freq
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([cos, cos], dim=1)[:, None], torch.cat([-sin, sin], dim=1)[:, None]


def rotate(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Heads [Q, H, D] turned by their positions."""
    cos, sin = rope
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


def _causal_mask(n: int, total: int, device: torch.device) -> Tensor:
    """Which of `total` keys each of the last `n` positions may see: bool [n, total]."""
    return torch.ones(n, total, dtype=torch.bool, device=device).tril(total - n)
