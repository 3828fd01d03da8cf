"""The Qwen3 decoder over a packed batch; attention reads and writes the KV cache it is given.

Weights are immutable after loading and no state lives here. Parameter names are those of the
transformers-native checkpoints. The released configs ask for M-RoPE, but with text and audio alone
its three position rows are equal, so plain RoPE is exact.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention.base import Attention, RowAttention, Rows
from ..config import DecoderConfig
from .weights import Layout, Matrix, lay_out


@dataclass(frozen=True, slots=True)
class Asked:
    """The new tokens whose hidden states are wanted, and how those see the tokens before them."""

    tokens: Tensor  # [S] which of the batch, rising
    attend: RowAttention


@dataclass(frozen=True, slots=True)
class Batch:
    """A packed batch of new tokens, where their keys go, and how they see those before them.

    With `asked` the last layer computes the keys and values of the other tokens and no more: what
    it would make of them is read by nobody.
    """

    positions: Tensor  # [Q] position of each new token in its row
    slots: Tensor  # [Q] where in the cache its key and value are written
    keys: Tensor  # [L, slots, K, D]
    values: Tensor  # [L, slots, K, D]
    attend: RowAttention
    asked: Asked | None = None

    @classmethod
    def of_rows(
        cls,
        rows: Rows,
        attention: Attention,
        *,
        positions: Tensor,
        slots: Tensor,
        keys: Tensor,
        values: Tensor,
        num_asked: list[int],
    ) -> "Batch":
        """The batch of these rows; of each row the last `num_asked` new tokens are asked for."""
        plan = partial(attention.rows, kv_heads=keys.shape[2], like=keys)
        asked = None
        if num_asked != rows.new_lengths:
            ends = zip(accumulate(rows.new_lengths), num_asked, strict=True)
            tokens = np.concatenate([np.arange(end - num, end) for end, num in ends])
            places = torch.from_numpy(tokens).to(keys.device)
            asked = Asked(places, plan(replace(rows, new_lengths=num_asked)))
        return cls(positions, slots, keys, values, plan(rows), asked)


class Decoder(nn.Module):
    """Embeddings, layers and final norm; the head lives in `head.py`, for it may be tied."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        # Not drawn at random: on the meta device that imports torch's compiler, for over a second.
        table = torch.empty(config.vocab, config.hidden)
        self.embed_tokens = nn.Embedding.from_pretrained(table, freeze=False)
        self.layers = nn.ModuleList(DecoderLayer(config, index) for index in range(config.layers))
        self.norm = RMSNorm(config.hidden, config.rms_eps)

    def prepare(self, layout: Layout) -> None:
        """Make the loaded weights ready for use; the model computes nothing before."""
        for module in self.modules():
            if isinstance(module, CausalAttention | MLP):
                module.prepare(layout)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        """New tokens' embeddings [Q, E] to hidden states, of all [Q, E] or those asked [S, E]."""
        cos, sin = rope_table(batch.positions, self.config)
        rope = (cos.to(x.dtype), sin.to(x.dtype))
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            x = layer(x, rope, batch, batch.asked if index == last else None)
        return self.norm(x)


class DecoderLayer(nn.Module):
    """Pre-norm attention and SwiGLU."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden, config.rms_eps)
        self.self_attn = CausalAttention(config, index)
        self.post_attention_layernorm = RMSNorm(config.hidden, config.rms_eps)
        self.mlp = MLP(config)

    def forward(
        self, x: Tensor, rope: tuple[Tensor, Tensor], batch: Batch, asked: Asked | None
    ) -> Tensor:
        mixed = self.self_attn(self.input_layernorm(x), rope, batch, asked)
        x = mixed + (x if asked is None else x[asked.tokens])
        return x + self.mlp(self.post_attention_layernorm(x))


class CausalAttention(nn.Module):
    """Grouped-query attention with per-head RMSNorm of queries and keys before RoPE."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        self.index = index
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.q_proj = nn.Linear(config.hidden, config.heads * config.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden, config.kv_heads * config.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden, config.kv_heads * config.head_dim, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_dim, config.hidden, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_eps)
        self._in: Matrix | None = None
        self._out: Matrix | None = None
        self._qk_norm: Tensor | None = None

    def prepare(self, layout: Layout) -> None:
        """Lay the three input projections, and the norms of all heads, side by side."""
        self._in = lay_out(layout, self.q_proj, self.k_proj, self.v_proj)
        self._out = lay_out(layout, self.o_proj)
        norms = [self.q_norm] * self.heads + [self.k_norm] * self.kv_heads
        self._qk_norm = torch.stack([norm.weight.detach() for norm in norms])  # [H + K, D]

    def forward(
        self, x: Tensor, rope: tuple[Tensor, Tensor], batch: Batch, asked: Asked | None
    ) -> Tensor:
        assert self._in is not None
        assert self._out is not None
        assert self._qk_norm is not None
        heads = self._in(x).view(x.shape[0], -1, self.head_dim)
        qk, v = heads.split((self.heads + self.kv_heads, self.kv_heads), dim=1)
        qk = rotate(unit_rms(qk, self.q_norm.eps).mul_(self._qk_norm), rope)
        q, k = qk.split((self.heads, self.kv_heads), dim=1)  # [Q, H, D], [Q, K, D]
        keys, values = batch.keys[self.index], batch.values[self.index]
        keys.index_copy_(0, batch.slots, k)
        values.index_copy_(0, batch.slots, v)
        if asked is None:
            return self._out(batch.attend(q, keys, values))
        return self._out(asked.attend(q[asked.tokens], keys, values))


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.down_proj = nn.Linear(config.ffn, config.hidden, bias=False)
        self._in: Matrix | None = None
        self._out: Matrix | None = None

    def prepare(self, layout: Layout) -> None:
        """Lay gate and up side by side, to be multiplied at once."""
        self._in = lay_out(layout, self.gate_proj, self.up_proj)
        self._out = lay_out(layout, self.down_proj)

    def forward(self, x: Tensor) -> Tensor:
        assert self._in is not None
        assert self._out is not None
        gate, up = self._in(x).chunk(2, dim=-1)
        return self._out(F.silu(gate).mul_(up))


class RMSNorm(nn.Module):
    """Root-mean-square norm, computed in float32 and multiplied by its weight in model dtype."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return unit_rms(x, self.eps).mul_(self.weight)


def unit_rms(x: Tensor, eps: float) -> Tensor:
    """The last dimension brought to a root mean square of 1, in float32, cast back; a new tensor.

    Written out because torch has a fused kernel for it on GPUs only.
    """
    wide, width = x.float(), x.shape[-1]
    if x.is_cuda:
        return F.rms_norm(wide, (width,), eps=eps).to(x.dtype)
    norm = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    return (wide * norm.square_().div_(width).add_(eps).rsqrt_()).to(x.dtype)


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
    half = x.shape[-1] // 2
    turned = x * cos
    turned[..., :half].addcmul_(x[..., half:], sin[..., :half])
    turned[..., half:].addcmul_(x[..., :half], sin[..., half:])
    return turned
