"""`hark serve` with scripted tokens: a real shape under sockets, without a trained model.

    python -m benchmarks.serve_scripted --shape 0.6b --device cuda --max-streams 1024 --port 8765
    hark bench --url ws://127.0.0.1:8765 --find-limit --json

Takes the flags of `hark serve`, but `--model`: the shape decides. What comes back are the texts of
the script, whatever was said. They are disguised, so that no word is taken for one that was spoken:
`hark bench` then finds every word wrong, and has no delay of stable words to judge; the times from
finalize to finals, the cadence, and that finals are those of an unhurried server, it judges.
"""

import argparse
import os
import sys
from dataclasses import replace

from benchmarks.scripted import NOTICE, ScriptedEngine
from benchmarks.shapes import SHAPE_NAMES, model_spec
from hark.engine.load import load_engine
from hark.engine.loop import EngineThread
from hark.engine.types import ConfigError
from hark.streaming import serve
from hark.streaming.bridge import EnginePort, OnCrash, Publish, StartEngine
from hark.streaming.config import Settings, read_settings


def starter(settings: Settings) -> StartEngine:
    """What starts a scripted engine on a thread of this process."""

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        engine = ScriptedEngine(load_engine(settings.engine), disguised=True)
        thread = EngineThread(engine, publish, on_crash)
        thread.start()
        return thread

    return start


def main() -> int:
    parser = argparse.ArgumentParser(description="A server whose tokens are scripted.")
    parser.add_argument("--shape", choices=SHAPE_NAMES, default="0.6b")
    serve.add_arguments(parser)
    flags = vars(parser.parse_args())
    shape = flags.pop("shape")
    settings = read_settings(flags, os.environ)
    if settings.server.engine_process == "on" or settings.server.engines > 1:
        raise ConfigError("a scripted engine is a single one, in a thread")
    engine = replace(settings.engine, model=model_spec(shape))
    print(NOTICE, flush=True)
    settings = replace(settings, engine=engine)
    return serve.serve(settings, starter(settings))


if __name__ == "__main__":
    sys.exit(main())
