"""The least time a device could take for the passes an engine ran: its arithmetic, its memory.

For every pass the floor is the larger of two: operations over what the device computes at best, and
bytes that must be read (weights once a pass, the keys and values of each row) over what its memory
delivers at best. Both bests are measured here, on the device itself, not taken from a data sheet.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import torch

from hark.engine.config import ModelConfig
from hark.engine.decoding.kv_pool import KVPool
from hark.engine.decoding.runner import EncodeWork, ForwardWork, Runner, StemWork
from hark.engine.model.encoder import TOKENS_PER_CHUNK

_MATRIX = 4096
_READ_BYTES = 2**30
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Peak:
    """What a device reached: operations (a multiply-add is two) and bytes, each a second."""

    ops: float
    bytes: float


def measure_peak(device: torch.device, dtype: torch.dtype) -> Peak:
    """A large matrix product, and the sum of a gigabyte; the best of a few tries each."""
    matrix = torch.randn(_MATRIX, _MATRIX, device=device).to(dtype)
    product_s = _best(device, lambda: matrix @ matrix)
    row = torch.ones(_READ_BYTES // 4, device=device)
    return Peak(2 * _MATRIX**3 / product_s, _READ_BYTES / _best(device, row.sum))


def _best(device: torch.device, run: Callable[[], object]) -> float:
    times = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return min(times)


@dataclass(frozen=True, slots=True)
class Costs:
    """Multiply-adds of one chunk, token or choice of a shape, and the weights each pass reads."""

    stem_chunk: int
    encoder_token: int
    decoder_token: int
    unasked: int  # of `decoder_token`: what the last layer leaves out where no choice is asked for
    choice: int
    key: int  # one query token over one key, in all layers
    key_in_layer: int
    stem_weights: int
    encoder_weights: int

    @classmethod
    def of(cls, config: ModelConfig) -> "Costs":
        encoder, decoder = config.encoder, config.decoder
        channels, bins = encoder.stem_channels, encoder.mel_bins
        kernels = 9 * channels, 9 * channels**2, 9 * channels**2
        # Outputs of the three convolutions: half the bins and half the frames each time.
        places = bins // 2 * 50, bins // 4 * 25, bins // 8 * TOKENS_PER_CHUNK
        stem_out = channels * bins // 8 * encoder.d_model
        layer = 4 * encoder.d_model**2 + 2 * encoder.d_model * encoder.ffn
        projector = encoder.d_model * (encoder.d_model + encoder.output_dim)
        heads = 2 * (decoder.heads + decoder.kv_heads) * decoder.head_dim
        return cls(
            stem_chunk=sum(k * p for k, p in zip(kernels, places, strict=True))
            + TOKENS_PER_CHUNK * stem_out,
            encoder_token=encoder.layers * layer + projector,
            decoder_token=decoder.layers * decoder.hidden * (heads + 3 * decoder.ffn),
            unasked=decoder.hidden * (decoder.heads * decoder.head_dim + 3 * decoder.ffn),
            choice=decoder.hidden * decoder.vocab,
            key=2 * decoder.layers * decoder.heads * decoder.head_dim,
            key_in_layer=2 * decoder.heads * decoder.head_dim,
            stem_weights=sum(kernels) + stem_out,
            encoder_weights=encoder.layers * layer + projector,
        )


class Floors:
    """Sums the floors of the passes it is shown, in seconds by kind."""

    def __init__(self, runner: Runner, peak: Peak, *, int8: bool = False) -> None:
        """`int8`: the decoder's weights are a byte each; its arithmetic counts as any other."""
        config = runner.model.config
        self._peak, self._costs = peak, Costs.of(config)
        self._encoder_bytes = runner.model.product_dtype.itemsize
        self._decoder_bytes = 1 if int8 else self._encoder_bytes
        self._kv_bytes = KVPool.bytes_per_token(config.decoder, runner.model.dtype)
        self.seconds: dict[str, float] = defaultdict(float)

    def stems(self, works: list[StemWork]) -> None:
        chunks = sum(work.mel.shape[0] for work in works)
        weights = self._costs.stem_weights * self._encoder_bytes
        self._add("stem", chunks * self._costs.stem_chunk, weights)

    def encode(self, works: list[EncodeWork]) -> None:
        tokens = sum(window.shape[0] for work in works for window in work.windows)
        weights = self._costs.encoder_weights * self._encoder_bytes
        self._add("encode", tokens * self._costs.encoder_token, weights)

    def forward(self, kind: str, works: list[ForwardWork]) -> None:
        costs = self._costs
        tokens = sum(work.num_new for work in works)
        choices = sum(work.num_choices for work in works)
        kv_tokens = [work.lease.num_tokens + work.num_new for work in works]
        pairs, unasked_pairs = 0, 0
        for work, total in zip(works, kv_tokens, strict=True):
            pairs += work.num_new * total
            unasked_pairs += (work.num_new - work.num_choices) * total
        adds = tokens * costs.decoder_token + choices * costs.choice + pairs * costs.key
        adds -= (tokens - choices) * costs.unasked + unasked_pairs * costs.key_in_layer
        # Of a matrix each weight is multiplied once a token, so weights are as many as those.
        weights = (costs.decoder_token + costs.choice) * self._decoder_bytes
        self._add(kind, adds, weights + sum(kv_tokens) * self._kv_bytes)

    def _add(self, kind: str, multiply_adds: int, read_bytes: int) -> None:
        peak = self._peak
        self.seconds[kind] += max(2 * multiply_adds / peak.ops, read_bytes / peak.bytes)
