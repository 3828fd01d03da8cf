"""Settings that cannot be served are refused when the engine starts, by name."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hark.engine.audio.files import open_audio
from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.model.hub import embedded_folder
from hark.engine.model.weights import has_fast_bfloat16
from hark.engine.offline import transcribe
from hark.engine.types import ConfigError, Final, StreamOptions


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"attention": "fast"}, "attention is 'fast', allowed are auto, flash, varlen, sdpa, ref"),
        ({"quant": "int4"}, "quant is 'int4', allowed are none, int8"),
        ({"cuda_graphs": "on"}, "cuda_graphs is 'on', allowed are auto, off"),
        ({"dtype": "int8"}, "dtype is 'int8', allowed are auto, float32, mixed, bfloat16"),
    ],
)
def test_a_word_no_setting_knows(setting: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EngineConfig(**setting)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (EngineConfig(device="cpu", attention="flash"), "attention is 'flash', but .* cuda only"),
        (EngineConfig(device="cpu", attention="varlen"), "attention is 'varlen', but .* cuda only"),
        (EngineConfig(device="cpu", kv_memory_mb=1), "kv_memory_mb is 1, one segment needs"),
    ],
)
def test_what_this_machine_cannot_do(config: EngineConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_engine(config)


def test_an_aligner_that_is_none() -> None:
    with pytest.raises(ConfigError, match="aligner is '/nope', which is no folder here"):
        load_engine(EngineConfig(device="cpu", aligner="/nope"))
    recogniser = str(embedded_folder())
    with pytest.raises(ConfigError, match=r"aligner is '.*embedded', which is a recogniser"):
        load_engine(EngineConfig(device="cpu", aligner=recogniser))


@pytest.mark.parametrize(
    ("config", "times"),
    [
        (EngineConfig(device="cpu"), "aligned"),
        (EngineConfig(device="cpu", aligner="none"), "estimated"),
        (EngineConfig(device="cpu", model=str(embedded_folder())), "estimated"),
        (EngineConfig(device="cpu", model=str(embedded_folder()), aligner="embedded"), "aligned"),
    ],
)
def test_the_aligner_in_the_package_times_words_beside_its_model(
    config: EngineConfig, times: str
) -> None:
    clip = Path(__file__).parents[2] / "clients" / "samples" / "question.wav"
    updates = transcribe(load_engine(config), open_audio(clip).blocks(), StreamOptions())
    assert {each.times for each in updates if isinstance(each, Final)} == {times}


def test_int8_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    with pytest.raises(ConfigError, match="quant is 'int8'"):
        load_engine(EngineConfig(device="cpu", quant="int8"))


def test_mixed_where_the_cpu_has_no_instructions_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    with pytest.raises(ConfigError, match="dtype is 'mixed'"):
        load_engine(EngineConfig(device="cpu", dtype="mixed"))


def test_what_was_taken_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hark.engine.load"):
        engine = load_engine(EngineConfig(device="cpu", max_streams=1_000))
    products = ", products bfloat16" if has_fast_bfloat16() else ""
    assert f"cpu, weights float32{products}, attention sdpa" in caplog.text
    assert "streams of 30 s" in caplog.text
    assert engine.runner.ledger.num_pages == 1_500


def test_loading_does_not_import_torch_s_compiler() -> None:
    program = (
        "import sys; from hark.engine.config import EngineConfig; "
        "from hark.engine.load import load_engine; "
        "load_engine(EngineConfig(device='cpu')); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
