"""docs/protocol.md says what the code does: its tables are compared with the types behind them."""

import json
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

from hark.engine.types import AudioFormat, Encoding, Endpointing, EndpointingMode, StreamOptions
from hark.streaming import errors
from hark.streaming.admission import Readiness
from hark.streaming.events import EVENT_TYPES, Event, options_to_wire
from hark.streaming.protocols.native import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, JsonAdapter

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "protocol.md").read_text()
COMMON = {field.name for field in fields(Event)}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = DOC.split(f"\n{heading}", 1)[1]
    rows = re.findall(r"^\|(.+)\|$", section.split("\n\n#")[0], re.MULTILINE)
    cells = [[cell.strip() for cell in row.split(" | ")] for row in rows]
    return [row for row in cells if not set(row[0]) <= {"-", " "}][1:]


def names(cell: str) -> list[str]:
    return re.findall(r"`([a-z_0-9]+)`", cell)


def test_hello_has_these_fields_with_these_defaults() -> None:
    documented = {
        names(field)[0]: json.loads(default.strip("`"))
        for field, _, default, _ in table("### `hello`")
        if names(field) != ["type"]
    }
    assert documented == options_to_wire(AudioFormat(), StreamOptions())


def test_hello_s_documented_bounds_are_the_real_ones() -> None:
    adapter = JsonAdapter(None)
    bounds = {
        names(field)[0]: tuple(map(int, found.groups()))
        for field, _, _, allowed in table("### `hello`")
        if (found := re.match(r"(\d+) to (\d+)", allowed))
    }
    assert set(bounds) == {
        *("sample_rate", "cadence_ms", "partial_window_s", "final_window_s", "segment_limit_s")
    }
    for name, (low, high) in bounds.items():
        for value, is_allowed in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
            assert _is_accepted(adapter, {"type": "hello", name: value}) is is_allowed, name


def test_hello_s_encodings_are_all_of_them() -> None:
    [allowed] = [row[3] for row in table("### `hello`") if names(row[0]) == ["encoding"]]
    assert names(allowed) == list(Encoding)


def test_endpointing_has_these_fields_defaults_and_bounds() -> None:
    rows = {names(field)[0]: row for field, *row in table("### `endpointing`")}
    documented = {name: json.loads(default.strip("`")) for name, (_, default, _) in rows.items()}
    assert documented == asdict(Endpointing())
    assert tuple(names(rows.pop("mode")[-1])) == get_args(EndpointingMode)
    for name, (_, _, allowed) in rows.items():
        found = re.match(r"(\d+) to (\d+)", allowed)
        assert found, name
        low, high = map(int, found.groups())
        for value, is_allowed in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
            hello = {"type": "hello", "endpointing": {name: value}}
            assert _is_accepted(JsonAdapter(None), hello) is is_allowed, name


def _is_accepted(adapter: JsonAdapter, message: dict[str, Any]) -> bool:
    try:
        adapter.decode(json.dumps(message))
    except errors.BadOptionError:
        return False
    return True


def test_every_server_message_has_these_fields() -> None:
    documented = {names(kind)[0]: set(names(cell)) for kind, cell in table("## Server messages")}
    assert set(documented) == set(EVENT_TYPES)
    for kind, cls in EVENT_TYPES.items():
        own = {field.name for field in fields(cls)} - COMMON
        named = documented[kind] - {"options", "segment", "start_ms", "end_ms", "seq"}
        assert own - {"options"} == named, kind


def test_every_error_has_its_row_and_close_code() -> None:
    documented = {
        names(code)[0]: int(found[1])
        for code, _, effect in table("## Errors and close codes")
        if (found := re.search(r"ends, (\d{4})", effect))
    }
    known = {error.code: error.close_code for error in all_errors(errors.StreamError)}
    for code in ("unauthorized", "slow_sender"):
        del known[code]  # told by HTTP
    assert documented == known


def all_errors(parent: type[errors.StreamError]) -> list[type[errors.StreamError]]:
    """The leaves of the tree: the errors that have a code."""
    children = parent.__subclasses__()
    return [leaf for child in children for leaf in all_errors(child)] if children else [parent]


def test_other_names_are_in_the_text() -> None:
    for name in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, *Readiness):
        assert f"`{name}`" in DOC or f'"{name}"' in DOC, name


def test_every_wire_field_occurs_in_a_conversation() -> None:
    paths = (ROOT / "tests" / "data" / "protocol").glob("*.jsonl")
    conversations = "".join(path.read_text() for path in paths)
    wire_names = {
        *options_to_wire(AudioFormat(), StreamOptions()),
        *asdict(Endpointing()),
        *(field.name for cls in EVENT_TYPES.values() for field in fields(cls)),
        *EVENT_TYPES,
        *(error.code for error in all_errors(errors.StreamError)),
    }
    # These need a socket: test_server.py, test_keys.py, test_http.py.
    unseen_here = {"slow_reader", "slow_sender", "too_large", "unauthorized"}
    assert {name for name in wire_names if f'"{name}"' not in conversations} == unseen_here
