"""ITU-T G.711: the sample each code of A-law and µ-law stands for."""

import numpy as np


def _mulaw_table() -> np.ndarray:
    """Code to sample, float32 [256]: inverted sign, 3 bits of exponent, 4 of mantissa; bias 33."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 0x07
    mantissa = (code & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float32) / 32768.0


def _alaw_table() -> np.ndarray:
    """Code to sample, float32 [256]: even bits inverted; exponents 0 and 1 have the same step."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 0x07).astype(np.int32)
    mantissa = (code & 0x0F).astype(np.int32)
    in_first = (mantissa << 4) + 0x08
    magnitude = np.where(exponent == 0, in_first, (in_first + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.float32) / 32768.0


MULAW = _mulaw_table()
ALAW = _alaw_table()
