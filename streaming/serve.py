"""`hark serve`: reads the settings, builds the server around an engine, runs it to its end."""

import argparse
import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from importlib.metadata import version
from typing import NoReturn

from hark.engine.config import EngineConfig
from hark.engine.host import allow_many_files, settle_heap, wait_calmly
from hark.engine.processes.fleet import EngineFleet, machine, pick_num_engines
from hark.engine.processes.process import EngineProcess, kill_children
from hark.engine.types import ConfigError

from .bridge import EnginePort, OnCrash, Publish, StartEngine
from .config import ServerConfig, Settings, add_flags, read_settings, unknown_variables
from .server import HarkServer, listen
from .service import Service

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="settings file (default: ./hark.toml)")
    add_flags(parser, "engine, [engine] in the settings file", EngineConfig)
    add_flags(parser, "server, [server] in the settings file", ServerConfig)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; 0 after an orderly end.

    Raises:
        ConfigError: a setting is wrong, or the address cannot be listened on.
        Exception: whatever kept the engine from starting.
    """
    settings = read_settings(vars(args), os.environ)
    set_up_logging(settings.server.log_level)
    allow_many_files()
    wait_calmly(os.environ)  # before torch is imported, here or in the engine's process
    unknown = unknown_variables(os.environ)
    if unknown:
        _log.warning("ignored, as they are no settings: %s", ", ".join(unknown))
    if "HARK_API_KEY" in os.environ and not settings.server.api_keys:
        _log.warning(
            "every client is let in: HARK_API_KEY is a client's; a server's: HARK_API_KEYS"
        )
    elif not settings.server.api_keys and settings.server.host not in _THIS_MACHINE:
        _log.warning("everybody in the network is let in, as HARK_API_KEYS is not set")
    return serve(settings, starter(settings))


def starter(settings: Settings) -> StartEngine:
    """What starts the real engine; torch is imported on the thread or process that loads it."""

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        port = _load(settings, publish, on_crash)
        settle_heap()
        return port

    return start


def _load(settings: Settings, publish: Publish, on_crash: OnCrash) -> EnginePort:
    """As many engines as the settings ask for or the machine suggests, where they ask for them."""
    config = settings.engine
    num_cores, has_gpu = machine()
    num_engines = settings.server.engines or pick_num_engines(
        config, num_cores=num_cores, has_gpu=has_gpu
    )
    if num_engines > 1:
        return EngineFleet(config, num_engines, publish, on_crash)
    if settings.server.engine_process == "on":
        return EngineProcess(config, publish, on_crash).wait()

    from hark.engine.load import load_engine
    from hark.engine.loop import EngineThread

    thread = EngineThread(load_engine(config), publish, on_crash)
    thread.start()
    return thread


def serve(settings: Settings, start_engine: StartEngine) -> int:
    """Run a server in this process until a signal stops it, with any engine."""
    set_up_logging(settings.server.log_level)
    # uvicorn repeats the signal that stopped it when it is done: that is the end of a good run.
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        with _listen(settings.server) as listener:
            asyncio.run(_serve(settings, start_engine, listener))
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def set_up_logging(level: str) -> None:
    """One plain line for each log entry, on stderr. `level` is ours; others only warn."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    logging.getLogger("hark").setLevel(level.upper())
    logging.getLogger("asyncio").addFilter(ScarceWarnings())
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # warns of each bad form


class ScarceWarnings(logging.Filter):
    """asyncio says a thousand times a second that file descriptors are short: now 10 s apart."""

    _quiet_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if "out of system resource" not in record.getMessage():
            return True
        is_due = record.created >= self._quiet_until
        if is_due:
            self._quiet_until = record.created + 10
        return is_due


async def _serve(settings: Settings, start_engine: StartEngine, listener: socket.socket) -> None:
    service = Service(settings.server, start_engine)
    server = HarkServer(service, lambda: _say("Stopping the server."))
    announcer = asyncio.create_task(_announce(settings, service, server, _address(listener)))
    try:
        await server.serve(sockets=[listener])
    finally:  # uvicorn repeats the signal, which raises SystemExit here
        announcer.cancel()
        if server.should_exit and not service.bridge.has_ended:
            _leave_at_once()
        if service.bridge.failure is not None:
            raise service.bridge.failure


def _leave_at_once() -> NoReturn:
    """End the process while a thread loads an engine or has just loaded it, in the middle of torch.

    torch aborts the process when the interpreter goes away beneath it.
    """
    kill_children()
    sys.stdout.flush()
    os._exit(0)


async def _announce(settings: Settings, service: Service, server: HarkServer, address: str) -> None:
    """Say where the server is and when it is ready; stop it if its engine cannot start."""
    _say(f"Hark {version('hark-asr')} at http://{address}/, loading {settings.engine.model} …")
    await service.bridge.settled()
    port = service.bridge.port
    if port is None:
        server.should_exit = True
        return
    _say(
        f"  model      {port.model_name} on {port.device}, up to {port.max_streams} streams\n"
        f"  page       http://{address}/\n"
        f"  WebSocket  ws://{address}/v1/stream\n"
        "Ready. Ctrl-C stops it."
    )


def _listen(config: ServerConfig) -> socket.socket:
    try:
        return listen(config.host, config.port)
    except OSError as error:
        # asyncio and socket put the address in parentheses behind the reason.
        reason = (error.strerror or str(error)).partition(" (")[0]
        hint = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {reason}{hint}"
        ) from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
