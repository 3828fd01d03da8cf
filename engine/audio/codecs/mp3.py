"""MP3 frame by frame: FFmpeg's parser cuts them, its decoder decodes them."""

from ...types import BadAudioError
from .ffmpeg import Decoder
from .steps import Format, Some, Sound

_MAX_FRAME_BYTES = 1 << 20  # and what stands between two frames: the tags of the next song
_INFO_FIELDS = (
    (1, 4),
    (2, 4),
    (4, 100),
    (8, 4),
)  # flag and bytes: frames, bytes, seek table, quality
_DECODER_DELAY = 529  # samples; any MP3 decoder adds them


def mp3(first: bytes) -> Format:
    """An MP3 stream that begins with the bytes `first`. A damaged frame is silence.

    Raises:
        BadAudioError: no frame in a MiB, or more bad ones in a row than `ffmpeg.MAX_BAD_IN_A_ROW`.
    """
    decoder = Decoder("mp3float")
    data, num_waiting, num_frames, surplus = first, 0, 0, 0
    while True:
        frames = decoder.parse(data) if data else []  # no data are a flush, and no end
        num_waiting = 0 if frames else num_waiting + len(data)
        if num_waiting > _MAX_FRAME_BYTES:
            raise BadAudioError(f"no MP3 frame in {_MAX_FRAME_BYTES} bytes")
        for frame in frames:
            num_frames += 1
            if num_frames == 1 and (delay := _encoder_delay(frame)) is not None:
                surplus = delay
                continue
            for sound in decoder.sound_of(frame):
                yield Sound(sound.samples[surplus:], sound.rate)
                surplus = max(0, surplus - sound.samples.shape[0])
        data = yield Some()


def _encoder_delay(frame: bytes) -> int | None:
    """How many samples to leave out, if the frame is not sound but tells of the file.

    Encoders put it in front: `Xing` or `Info` behind the frame's side information, with flags for
    the fields that follow, and behind those LAME's own, where the delay is the 12 bits at 21.
    """
    at = max(frame.find(b"Xing", 4, 40), frame.find(b"Info", 4, 40))
    if at < 0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    lame = at + 8 + sum(size for bit, size in _INFO_FIELDS if flags & bit)
    delay = int.from_bytes(frame[lame + 21 : lame + 23], "big") >> 4
    return delay + _DECODER_DELAY if delay else 0
