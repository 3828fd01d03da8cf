"""The recipe of Hark's built-in model: synthesise, train, evaluate and export."""

from __future__ import annotations

import argparse
import os
import signal
import sys

# Read when torch is loaded. A thread that waits spins for some tens of microseconds: sleeping at
# once costs a fifth of a step, spinning for long takes cores from others. A new matmul shape costs
# a kernel build, so many of them are kept.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy makes batches in a single thread

from training import commands, commands_eval
from training.errors import RecipeError, advice


def main() -> int:
    """Run one step of the recipe.

    0 when it is done, 3 when training was stopped and can be resumed, 130 when any other step was
    stopped, 1 when something is wrong with what it was given.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=__doc__,
        epilog="Order: corpus, train, cooldown, eval, card; align makes the aligner. An "
        "interrupted step continues when the same command is given again.",
    )
    steps = parser.add_subparsers(dest="command", required=True)
    commands.add(steps)
    commands_eval.add(steps)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that workers are ended, too
    try:
        is_stopped = arguments.call(arguments) is False
    except (RecipeError, OSError) as error:
        said = advice(error) if isinstance(error, OSError) else error
        print(f"{parser.prog} {arguments.command}: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on behind what is finished", file=sys.stderr)
        return 130
    return 3 if is_stopped else 0


if __name__ == "__main__":
    sys.exit(main())
