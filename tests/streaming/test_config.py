"""Settings: which layer wins, and what a wrong one is told."""

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from hark.engine.config import EngineConfig
from hark.engine.types import ConfigError
from hark.streaming.config import (
    ServerConfig,
    Settings,
    add_flags,
    read_settings,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(*flags: str, **environment: str) -> Settings:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--config")
    add_flags(parser, "engine", EngineConfig)
    add_flags(parser, "server", ServerConfig)
    return read_settings(vars(parser.parse_args(flags)), environment)


def test_without_any_layer_the_defaults_hold() -> None:
    assert read() == Settings(ServerConfig(), EngineConfig())
    assert (ServerConfig().host, ServerConfig().port) == ("127.0.0.1", 8765)


def test_each_layer_beats_the_one_before(empty_folder: Path) -> None:
    (empty_folder / "hark.toml").write_text(
        '[server]\nport = 1\nhost = "1.1.1.1"\nstall_s = 3\n[engine]\nmodel = "toml"\nthreads = 1\n'
    )
    settings = read("--port", "3", "--model=flag", HARK_PORT="2", HARK_THREADS="2")
    assert (settings.server.port, settings.server.host) == (3, "1.1.1.1")
    assert (settings.engine.model, settings.engine.threads) == ("flag", 2)
    assert settings.server.stall_s == 3


def test_every_field_has_a_flag_a_variable_and_a_help_text() -> None:
    for config in (ServerConfig, EngineConfig):
        parser = argparse.ArgumentParser()
        add_flags(parser, "either", config)
        for field, action in zip(fields(config), parser._actions[1:], strict=True):
            assert action.option_strings == ["--" + field.name.replace("_", "-")]
            assert action.help is not None
            assert len(action.help) > 20
            value = str(field.default)
            assert read(**{f"HARK_{field.name.upper()}": value}) == read()


def test_variables_that_set_nothing_are_found() -> None:
    environment = {"HARK_PORTS": "1", "HARK_PORT": "1", "HARK_CONFIG": "x", "HOME": "/"}
    environment |= {"HARK_API_KEY": "a client's"}
    assert unknown_variables(environment) == ["HARK_PORTS"]


@pytest.mark.parametrize("place", ["--config", "HARK_CONFIG"])
def test_the_file_can_be_named(empty_folder: Path, place: str) -> None:
    path = empty_folder / "other.toml"
    path.write_text("[server]\nport = 9000\n")
    named = read(place, str(path)) if place.startswith("-") else read(HARK_CONFIG=str(path))
    assert named.server.port == 9000


@pytest.mark.parametrize(
    ("flags", "environment", "toml", "words"),
    [
        (["--port", "x"], {}, "", ["port", "--port", "'x'", "a whole number"]),
        ([], {"HARK_STALL_S": "soon"}, "", ["stall_s", "HARK_STALL_S", "'soon'", "a number"]),
        (["--port", "70000"], {}, "", ["port is 70000", "0 to 65535"]),
        (["--stall-s", "0"], {}, "", ["stall_s is 0", "above 0"]),
        (["--stall-s", "nan"], {}, "", ["stall_s is nan", "above 0"]),
        (["--stall-s", "inf"], {}, "", ["stall_s is inf", "at most 86,400"]),
        (["--drain-s", "-1"], {}, "", ["drain_s is -1"]),
        ([], {"HARK_API_KEYS": " ,"}, "", ["api_keys is ' ,'", "no key", "HARK_API_KEYS"]),
        (["--max-upload-mb", "0"], {}, "", ["max_upload_mb is 0", "at least 1"]),
        (["--max-waiting-events", "0"], {}, "", ["max_waiting_events is 0", "at least 1"]),
        (["--engine-process", "no"], {}, "", ["engine_process is 'no'", "on, off"]),
        (["--engines", "257"], {}, "", ["engines is 257", "0 to 256"]),
        (["--log-level", "loud"], {}, "", ["log_level", "'loud'", "debug, info"]),
        (["--host", ""], {}, "", ["host is empty"]),
        (["--max-streams", "0"], {}, "", ["max_streams is 0"]),
        (["--max-streams", "100001"], {}, "", ["max_streams is 100001", "1 to 100000"]),
        (["--threads", "1025"], {}, "", ["threads is 1025", "0 to 1024"]),
        (["--device", "tpu"], {}, "", ["device", "'tpu'", "cuda"]),
        ([], {}, '[server]\nport = "1"', ["port", "hark.toml", "'1'", "a whole number"]),
        ([], {}, "[server]\nport = true", ["port", "True", "a whole number"]),
        ([], {}, "[server]\nport = 70000", ["port is 70000", "in hark.toml"]),
        ([], {}, "[server]\nports = 1", ["ports", "hark.toml", "port"]),
        ([], {}, "[sever]\nport = 1", ["sever", "[server] and [engine]"]),
        ([], {}, "port = 1", ["port", "[server] and [engine]"]),
        ([], {}, "[server", ["hark.toml", "cannot be read"]),
        (["--config", "none.toml"], {}, "", ["none.toml", "cannot be read"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_place_and_what_is_allowed(
    empty_folder: Path, flags: list[str], environment: dict[str, str], toml: str, words: list[str]
) -> None:
    (empty_folder / "hark.toml").write_text(toml)
    with pytest.raises(ConfigError) as caught:
        read(*flags, **environment)
    assert [word for word in words if word not in str(caught.value)] == []
