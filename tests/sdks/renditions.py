"""The bundled samples in every form a client may send; runs in Hark's own environment."""

import json
from pathlib import Path

import av
import numpy as np
import soxr

from hark.clients.samples import load_samples
from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE

RATES = (8_000, 16_000, 24_000)
G711_RATE = 8_000
G711 = ("mulaw", "alaw")


def write_renditions(folder: Path) -> None:
    """Write NAME-RATE.pcm (s16le), NAME-8000.mulaw and .alaw for each sample, and samples.json."""
    samples = load_samples()
    for sample in samples:
        wide = np.concatenate(list(open_audio(sample.path).blocks()))
        for rate in RATES:
            pcm = _as_int16(soxr.resample(wide, SAMPLE_RATE, rate))
            (folder / f"{sample.name}-{rate}.pcm").write_bytes(pcm.astype("<i2").tobytes())
            for law in G711 if rate == G711_RATE else ():
                (folder / f"{sample.name}-{rate}.{law}").write_bytes(_g711(pcm, law))
    facts = {sample.name: {"text": sample.text, "language": sample.language} for sample in samples}
    (folder / "samples.json").write_text(json.dumps(facts), "utf-8")


def _g711(pcm: np.ndarray, law: str) -> bytes:
    """Samples int16 [n] at 8 kHz, one byte each."""
    codec = av.CodecContext.create(f"pcm_{law}", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = G711_RATE, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = G711_RATE
    return b"".join(map(bytes, [*codec.encode(frame), *codec.encode(None)]))


def _as_int16(samples: np.ndarray) -> np.ndarray:
    """Samples float32 [n] in -1..1; those that came from int16 come out as they were."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)
