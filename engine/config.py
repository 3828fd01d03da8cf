"""ModelConfig, read from a checkpoint, and EngineConfig, chosen by whoever runs the engine.

Knows the two published layouts of config.json by their keys only; knows no tensors.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from .types import ConfigError

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
DtypeChoice = Literal["auto", "float32", "mixed", "bfloat16"]
AttentionChoice = Literal["auto", "flash", "varlen", "sdpa", "reference"]
GraphsChoice = Literal["auto", "off"]
Quant = Literal["none", "int8"]

_CHOICES = {
    "device": DeviceChoice,
    "dtype": DtypeChoice,
    "attention": AttentionChoice,
    "quant": Quant,
    "cuda_graphs": GraphsChoice,
}

UNSURE_BELOW = 0.5
"""Where a checkpoint does not say at which confidence its texts become guesses."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Shape of the AuT audio encoder (Qwen3-ASR report, section 2)."""

    d_model: int
    layers: int
    heads: int
    ffn: int
    stem_channels: int
    output_dim: int
    mel_bins: int = 128
    chunk_frames: int = 100
    max_window_chunks: int = 8

    @property
    def head_dim(self) -> int:
        return self.d_model // self.heads


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Shape of the Qwen3 decoder."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    rope_theta: float
    rms_eps: float
    max_positions: int
    tied: bool


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A checkpoint's shape. `num_time_classes` is None for a recogniser, 5000 for an aligner.

    A final whose confidence is below `unsure_below` is more likely a guess than a transcript. An
    aligner is exact up to `reach_s` from the beginning of what it hears; None is all of it.
    """

    encoder: EncoderConfig
    decoder: DecoderConfig
    audio_token_id: int
    timestamp_token_id: int | None
    eos_token_ids: tuple[int, ...]
    num_time_classes: int | None = None
    languages: tuple[str, ...] = ()
    unsure_below: float = UNSURE_BELOW
    reach_s: int | None = None

    @property
    def is_aligner(self) -> bool:
        return self.num_time_classes is not None


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How one engine runs. `max_streams` bounds streams, `kv_memory_mb` the KV pool.

    `max_segment_s` is the longest segment a client may ask for, 5 to 120 s.

    `dtype` mixed is float32 with matrix products in bfloat16 (weights, inputs and results), which
    some CPUs multiply many times faster. auto is mixed for small models on such a CPU and float32
    on others, and bfloat16 for large models where the device computes it fast.
    `threads` 0 leaves torch's own choice.

    `attention` and `cuda_graphs` auto take what is fastest on the device. `quant` int8 keeps the
    decoder's weights as whole numbers: on a CPU, where reading them is what a token costs.

    `aligner` names the forced aligner that times the words of finals: a checkpoint folder, a hub
    id, "embedded", or "none" for estimated times. auto is the embedded one beside the embedded
    model and none beside others.
    """

    model: str = "embedded"
    device: DeviceChoice = "auto"
    dtype: DtypeChoice = "auto"
    max_streams: int = 16
    max_segment_s: int = 30
    kv_memory_mb: int = 0
    threads: int = 0
    attention: AttentionChoice = "auto"
    quant: Quant = "none"
    cuda_graphs: GraphsChoice = "auto"
    aligner: str = "auto"

    def __post_init__(self) -> None:
        if not 5 <= self.max_segment_s <= 120:
            raise ConfigError(f"max_segment_s is {self.max_segment_s}, allowed are 5 to 120")
        if not 1 <= self.max_streams <= 100_000:
            raise ConfigError(f"max_streams is {self.max_streams}, allowed are 1 to 100000")
        for name, choices in _CHOICES.items():
            value, allowed = getattr(self, name), get_args(choices)
            if value not in allowed:
                raise ConfigError(f"{name} is {value!r}, allowed are {', '.join(allowed)}")
        if not 0 <= self.threads <= 1024:
            raise ConfigError(f"threads is {self.threads}, allowed are 0 to 1024")
        if self.kv_memory_mb < 0:
            raise ConfigError(f"kv_memory_mb is {self.kv_memory_mb}, it must not be negative")
