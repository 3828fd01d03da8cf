"""ServerConfig, and the layers settings come from: defaults < hark.toml < environment < flags.

Knows the fields of ServerConfig and of the engine's EngineConfig, and builds flags from them;
starts nothing.

    hark.toml     [server] port = 9000        [engine] model = "Qwen/Qwen3-ASR-0.6B"
    environment   HARK_PORT=9000              HARK_MODEL=Qwen/Qwen3-ASR-0.6B
    flags         --port 9000                 --model Qwen/Qwen3-ASR-0.6B
"""

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from hark.engine.config import EngineConfig
from hark.engine.types import ConfigError

DEFAULT_FILE = Path("hark.toml")

_PREFIX = "HARK_"
_LONGEST_S = 86_400
_OTHER_VARIABLES = ("HARK_API_KEY", "HARK_CONFIG", "HARK_TRACEBACK")
_KINDS = {int: "a whole number", float: "a number", str: "a text"}

_Config = TypeVar("_Config", "ServerConfig", EngineConfig)

_ENGINE_HELP = {
    "model": "embedded, a checkpoint's folder, or a hub id such as Qwen/Qwen3-ASR-0.6B",
    "device": "where the model runs",
    "dtype": "the numbers it computes with; auto is what suits the device and the model",
    "max_streams": "how many streams may be open at once",
    "max_segment_s": "the longest segment in seconds a client may ask for",
    "kv_memory_mb": "MiB for attention caches; 0 takes what the streams need, a GPU's free memory",
    "threads": "CPU threads of an engine; 0 takes torch's choice, or its share of the cores",
    "attention": "the attention kernels; auto is the fastest that runs on the device",
    "quant": "int8 keeps the decoder's weights as whole numbers, which a CPU reads faster",
    "aligner": "what times the words of finals: embedded, a forced aligner's folder or hub id, or "
    "none to estimate them; auto is embedded beside the embedded model",
    "cuda_graphs": "auto replays recorded kernels for batches that repeat, on CUDA devices",
}


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How the server listens, and how patient it is with clients."""

    host: str = _setting("127.0.0.1", "address to listen on; 0.0.0.0 for every network")
    port: int = _setting(8765, "port to listen on; 0 takes a free one")
    hello_timeout_s: float = _setting(10.0, "how long a client may take to say hello")
    stall_s: float = _setting(2.0, "silence on the wire after which the open segment ends")
    ping_interval_s: float = _setting(20.0, "time between pings, and for their answers")
    send_timeout_s: float = _setting(20.0, "how long a message may wait for a slow client")
    max_waiting_events: int = _setting(256, "messages that may wait for a slow client")
    max_upload_mb: int = _setting(500, "MiB that a file sent by HTTP may have")
    drain_s: float = _setting(7.0, "how long streams may take to finish when the server stops")
    engines: int = _setting(
        0,
        "how many engines share the streams, each in a process of its own; 0 takes, for the "
        "embedded model on a CPU, one for each 16 streams and at most one a core",
    )
    engine_process: Literal["on", "off"] = _setting(
        "off", "whether a single engine runs in a process of its own, or in a thread"
    )
    api_keys: str = _setting(
        "", "keys of which clients must show one, with commas between them; without any, all may in"
    )
    jigasi_public_key: str = _setting(
        "", "PEM file of the key that Jigasi's tokens are signed with; they let in as API keys do"
    )
    jigasi_audience: str = _setting("jitsi", "whom Jigasi's tokens are for: its jwt_audience")
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "least level logged")

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise ConfigError("host is empty; 0.0.0.0 stands for every network")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port is {self.port}, allowed are 0 to 65535")
        for name in ("hello_timeout_s", "stall_s", "ping_interval_s", "send_timeout_s"):
            if not 0 < getattr(self, name) <= _LONGEST_S:  # nor what is not a number
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, it must be above 0, at most {_LONGEST_S:,}"
                )
        if not 0 <= self.drain_s <= _LONGEST_S:
            raise ConfigError(f"drain_s is {self.drain_s}, allowed are 0 to {_LONGEST_S:,}")
        if self.api_keys and not self.api_keys.strip(", "):
            raise ConfigError(
                f"api_keys is {self.api_keys!r} and holds no key; left empty it lets everybody in"
            )
        if self.max_waiting_events < 1:
            raise ConfigError(
                f"max_waiting_events is {self.max_waiting_events}, it must be at least 1"
            )
        if self.max_upload_mb < 1:
            raise ConfigError(f"max_upload_mb is {self.max_upload_mb}, it must be at least 1")
        if not 0 <= self.engines <= 256:
            raise ConfigError(f"engines is {self.engines}, allowed are 0 to 256")
        for name in ("engine_process", "log_level"):
            allowed = get_args(get_type_hints(ServerConfig)[name])
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}, allowed are {', '.join(allowed)}"
                )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `hark serve` can be told."""

    server: ServerConfig
    engine: EngineConfig


def add_flags(
    parser: argparse.ArgumentParser, title: str, config: type[ServerConfig | EngineConfig]
) -> None:
    """One flag for each field of the config, with its default in the help text."""
    hints = get_type_hints(config)
    group = parser.add_argument_group(title)
    for setting in fields(config):
        default = "none" if setting.default == "" else setting.default
        group.add_argument(
            _flag(setting.name),
            default=argparse.SUPPRESS,
            metavar=_values(hints[setting.name]),
            help=f"{_help(setting)} (default: {default})",
        )


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from all layers. `flags` are the parsed ones, `config` among them names the file.

    Raises:
        ConfigError: names the setting, where it was given, and what is allowed.
    """
    named = flags.get("config") or environment.get("HARK_CONFIG")
    path = Path(named) if named else DEFAULT_FILE
    tables = {} if not named and not path.exists() else _read_file(path)
    layers = _Layers(path, tables, environment, flags)
    return Settings(
        server=_merge(ServerConfig, "server", layers), engine=_merge(EngineConfig, "engine", layers)
    )


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """The HARK_ variables that name no setting, sorted."""
    names = [setting.name for config in (ServerConfig, EngineConfig) for setting in fields(config)]
    known = {*map(_variable, names), *_OTHER_VARIABLES}
    return sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)


def _merge(config: type[_Config], table: str, layers: "_Layers") -> _Config:
    """The config with each field from the highest layer that gives it."""
    hints = get_type_hints(config)
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, value in layers.tables.get(table, {}).items():
        place = f"{name} in {layers.path}"
        if name not in hints:
            raise ConfigError(f"{place} is unknown, allowed are {', '.join(hints)}")
        values[name] = _typed(place, value, hints[name])
        places[name] = f"in {layers.path}"
    for name, hint in hints.items():
        for source, text in layers.texts(name):
            values[name] = _parsed(f"{name} (from {source})", text, hint)
            places[name] = f"from {source}"
    try:
        return config(**values)
    except ConfigError as error:  # begins with the setting's name
        place = places.get(str(error).partition(" ")[0])
        raise ConfigError(f"{error} ({place})" if place else str(error)) from None


@dataclass(frozen=True, slots=True)
class _Layers:
    """The settings file's tables; then, as text, environment variables and flags."""

    path: Path
    tables: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, str]
    flags: Mapping[str, Any]

    def texts(self, name: str) -> list[tuple[str, str]]:
        """Where the setting is given as text and as what, the strongest last."""
        variable = _variable(name)
        found = [(variable, self.environment[variable])] if variable in self.environment else []
        return [*found, (_flag(name), self.flags[name])] if name in self.flags else found


def _read_file(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    for name, table in tables.items():
        if name not in ("server", "engine") or not isinstance(table, dict):
            raise ConfigError(f"{name} in {path} is unknown, allowed are [server] and [engine]")
    return tables


def _typed(place: str, value: object, hint: Any) -> object:
    """A value of the settings file, if it is of the field's type."""
    if get_origin(hint) is Literal:
        hint = str
    fits = type(value) is hint or (hint is float and type(value) is int)
    if not fits:
        raise ConfigError(f"{place} is {value!r}, allowed is {_KINDS[hint]}")
    return value


def _parsed(place: str, text: str, hint: Any) -> object:
    """A text of the environment or of a flag as the field's type."""
    if hint not in (int, float):
        return text
    try:
        return hint(text)
    except ValueError:
        raise ConfigError(f"{place} is {text!r}, allowed is {_KINDS[hint]}") from None


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _help(setting: Field[Any]) -> str:
    return setting.metadata.get("help") or _ENGINE_HELP.get(setting.name, setting.name)


def _values(hint: Any) -> str:
    """What a field takes, in words short enough for a usage line."""
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    return {int: "INT", float: "NUMBER", str: "TEXT"}[hint]
