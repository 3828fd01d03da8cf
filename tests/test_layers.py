"""Who may import whom, read off the source: one direction, and resources in few files.

clients → wire events ← streaming → engine → torch
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("engine", "streaming", "clients", "web")
TOP_FOLDERS = (*FOLDERS, "training", "benchmarks")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
ALL_SOURCES = [
    path for folder in (*TOP_FOLDERS, "tests") for path in sorted((ROOT / folder).rglob("*.py"))
]

FORBIDDEN = {
    # The engine computes; it neither waits for peers nor knows users.
    "engine": {"asyncio", "websockets", "starlette", "uvicorn", "hark.streaming", "hark.clients"},
    # The wire side never computes.
    "streaming": {"torch", "hark.clients"},
    # Clients know the wire, not the server behind it.
    "clients": {"starlette", "uvicorn"},
    "web": {"asyncio", "torch", "hark"},
}

# Of the server, clients may use the vocabulary alone.
CLIENTS_MAY_USE = {"hark.streaming.events"}

# Of the engine, the wire side may use the nouns. `serve` composes the whole.
STREAMING_MAY_USE = {"hark.engine.types", "hark.engine.config", "hark.engine.languages"}
COMPOSITION = {
    "streaming/offline.py": {"hark.engine.audio.files"},
    "streaming/serve.py": {
        "hark.engine.load",
        "hark.engine.loop",
        "hark.engine.processes.fleet",
        "hark.engine.processes.process",
        "hark.engine.host",
    },
}

# Pure: no waiting, no clock, no sockets, no logging.
PURE_NAMES = (
    *("session", "effects", "terms", "stall"),
    *("outbox", "admission", "events", "errors"),
)
PURE = ["streaming/" + name for name in PURE_NAMES]
IMPURE_MODULES = {"asyncio", "time", "threading", "socket", "logging", "starlette", "uvicorn"}

# The few files that own threads or the event loop.
OWNERS = {
    "threading": {
        "streaming/bridge.py",
        "engine/loop.py",
        "engine/processes/process.py",
        "engine/processes/child.py",
        "engine/processes/wire.py",
        "engine/processes/fleet.py",
    },
    "multiprocessing": {
        "engine/processes/process.py",
        "engine/processes/child.py",
        "engine/processes/wire.py",
    },
    "asyncio": {
        *("streaming/bridge.py", "streaming/connection.py", "streaming/server.py"),
        *("streaming/alarm.py", "streaming/head.py", "streaming/reader.py"),
        *("streaming/serve.py", "streaming/service.py", "streaming/websocket.py"),
        *("streaming/http.py", "streaming/offline.py", "streaming/body.py"),
        "streaming/turned_away.py",
    },
    "concurrent": {"streaming/offline.py"},
}


# The engine from the top floor down. A file uses its own room and those below.
ENGINE_FLOORS = (
    ("processes",),
    ("load", "loop", "offline"),
    ("engine",),
    ("scheduling", "alignment"),
    ("streams", "limits"),
    ("decoding",),
    ("model",),
    ("attention",),
    ("audio", "config", "languages"),
    ("types", "host", "pulse"),
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every absolute import of a file, also inside functions, as (module, line)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno
            if node.module.startswith("hark"):
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node.lineno


def neighbours(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file of the engine imports from it, as paths below the folder."""
    package = path.relative_to(ROOT / "engine").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) + 1 - node.level]
            names = node.module.split(".") if node.module else [node.names[0].name]
            yield (*base, *names)


def matches(module: str, forbidden: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in forbidden)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_layers_point_one_way(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    broken = [(m, line) for m, line in imports(path) if matches(m, FORBIDDEN[folder])]
    assert broken == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_folder_never_imports_itself_by_its_full_name(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    assert [(m, line) for m, line in imports(path) if matches(m, {f"hark.{folder}"})] == []


@pytest.mark.parametrize("path", ALL_SOURCES, ids=name_of)
def test_no_folder_is_imported_by_its_bare_name(path: Path) -> None:
    # `training` and `benchmarks` are not part of the package and know no other name.
    assert [(m, line) for m, line in imports(path) if matches(m, set(FOLDERS))] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if name_of(path).startswith("streaming/")], ids=name_of
)
def test_streaming_sees_the_engine_s_nouns_only(path: Path) -> None:
    allowed = STREAMING_MAY_USE | COMPOSITION.get(name_of(path), set())
    used = {m for m, _ in imports(path) if m.startswith("hark.engine.")}
    assert {m for m in used if not matches(m, allowed)} == set()


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if name_of(path).startswith("clients/")], ids=name_of
)
def test_clients_see_the_wire_s_vocabulary_only(path: Path) -> None:
    used = {m for m, _ in imports(path) if m.startswith("hark.streaming.")}
    assert {m for m in used if not matches(m, CLIENTS_MAY_USE)} == set()


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in SOURCES
        if name_of(path).removesuffix(".py") in PURE
        or name_of(path).startswith("streaming/protocols/")
    ],
    ids=name_of,
)
def test_machines_and_dialects_do_no_io(path: Path) -> None:
    assert [(m, line) for m, line in imports(path) if matches(m, IMPURE_MODULES)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "engine").rglob("*.py")), ids=name_of)
def test_the_engine_s_floors_rest_on_those_below(path: Path) -> None:
    floor_of = {room: floor for floor, rooms in enumerate(ENGINE_FLOORS) for room in rooms}
    room, *_ = path.relative_to(ROOT / "engine").with_suffix("").parts
    if room != "__init__":
        used = {parts[0] for parts in neighbours(path)} - {room}
        assert {other for other in used if floor_of[other] <= floor_of[room]} == set()


@pytest.mark.parametrize("module", sorted(OWNERS))
def test_only_their_owners_touch_threads_and_the_loop(module: str) -> None:
    server_side = [path for path in SOURCES if path.relative_to(ROOT).parts[0] != "clients"]
    users = {
        name_of(path) for path in server_side if any(matches(m, {module}) for m, _ in imports(path))
    }
    assert users == OWNERS[module]


def test_the_walk_sees_what_it_should() -> None:
    """A layer test that reads no files would pass."""
    names = {name_of(path) for path in SOURCES}
    assert {"engine/types.py", "streaming/session.py", "streaming/protocols/native.py"} <= names
    bridge = ROOT / "streaming" / "bridge.py"
    assert {"asyncio", "hark.engine.types"} <= {m for m, _ in imports(bridge)}
    sequence = ROOT / "engine" / "decoding" / "sequence.py"
    assert {("types",), ("model", "encoder"), ("decoding", "clip")} <= set(neighbours(sequence))
