"""What a process asks of its machine before its work begins: how threads wait, files, its heap.

`wait_calmly` must be called before torch is first imported. Between two parallel regions OpenMP's
threads spin for milliseconds, in case there is more to do. A server has other work for its cores:
its event loop, its clients, another engine. On two busy cores spinning made single-token decodes
take eight times as long (measured); on idle ones a thread that sleeps at once wakes too late to be
of use, and two threads do no more than one. So threads spin for some tens of microseconds, which is
longer than the pause between two operations of a pass.
"""

import contextlib
import gc
from collections.abc import MutableMapping

_SETTINGS = {
    "GOMP_SPINCOUNT": "10000",  # libgomp, which torch's Linux builds carry
    "KMP_BLOCKTIME": "0",  # the OpenMP of Intel and LLVM, in milliseconds
}
_THEIR_OWN = ("OMP_WAIT_POLICY", *_SETTINGS)

_MAX_FILES = 65_536
_MAX_YOUNG = 20_000  # objects; a stream is 240 of them for the server
_MAX_LOOKS = 2, 2
"""Looks at the young and at the middle-aged before the next older ones have their turn, too: all
are looked at when nine times as many are new, some 750 streams and 50 MB."""


def wait_calmly(environment: MutableMapping[str, str]) -> None:
    """Keep this process's OpenMP threads from spinning, unless its environment says how to wait."""
    if not any(name in environment for name in _THEIR_OWN):
        environment.update(_SETTINGS)


def pick_threads(asked: int, *, by_default: int, small_model: bool) -> int:
    """How many threads compute: as many as asked for; 0 takes torch's own choice.

    A small model's matrices are too small to be shared: on two idle cores a step took two and a
    half times as long with two threads as with one (measured, benchmarks/realtime.py).
    """
    if asked:
        return asked
    return 1 if small_model else by_default


def settle_heap() -> None:
    """Leave what was made so far to itself; to be called when all that lasts has been loaded.

    Python looks for garbage in cycles among old objects only when a quarter as many have come anew.
    Beside the 200,000 of torch and a model that is an hour of streams, and one look then takes a
    tenth of a second, with every stream waiting.

    What is young is looked at when there are more of it than messages on their way: by Python's own
    measure, 700, those that happen to be on their way are taken for objects that last. With 2,000
    streams a look at all 480,000 objects then took a third of a second, every two seconds
    (measured, `python -m benchmarks.sockets`).
    """
    gc.set_threshold(_MAX_YOUNG, *_MAX_LOOKS)
    gc.collect()
    gc.freeze()
    gc.collect()  # or the quarter would still be one of all that is frozen


def allow_many_files() -> None:
    """Raise this process's soft limit of open files, often 1024, to what it may have at most."""
    try:
        import resource
    except ImportError:  # not on this system, which then has no such limit either
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
