"""The pages on files by HTTP say what the code does: errors, formats, fields of the answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hark.streaming.errors import StreamError, told
from hark.streaming.protocols.base import HTTP_STATUS
from hark.streaming.protocols.deepgram.prerecorded import DeepgramPrerecorded
from hark.streaming.protocols.files import FileDoor
from hark.streaming.protocols.openai.bodies import FORMATS
from hark.streaming.protocols.openai.rest import Transcriptions

from .files import HEARD, ID, request

FOLDER = Path(__file__).parents[3] / "docs" / "dialects"
OPENAI = (FOLDER / "openai-rest.md").read_text("utf-8")
DEEPGRAM = (FOLDER / "deepgram-prerecorded.md").read_text("utf-8")


def documented_errors(page: str) -> set[tuple[int, str]]:
    """Status and every code of its row."""
    return {
        (int(status), code)
        for status, cells in re.findall(r"^\| (\d{3}) \| (.+)", page, re.MULTILINE)
        for code in re.findall(r"`([a-z_]{5,}|[A-Z_]{5,})`", cells.split(" | ")[0])
    }


@pytest.mark.parametrize(
    ("door", "page", "place"),
    [
        (Transcriptions(), OPENAI, ("error", "code")),
        (DeepgramPrerecorded(), DEEPGRAM, ("err_code",)),
    ],
)
def test_every_error_has_its_row(door: FileDoor, page: str, place: tuple[str, ...]) -> None:
    possible: list[StreamError] = [
        told(code, "why") for code in HTTP_STATUS if code != "out_of_order"
    ]
    given = set()
    for error in possible:
        denial = door.deny(error, ID)
        body: Any = json.loads(denial.body)
        for name in place:
            body = body[name]
        given.add((denial.status, body))
    assert documented_errors(page) - {(404, "model_not_found")} == given


def test_every_format_is_named() -> None:
    assert {form for form in FORMATS if f"`{form}`" not in OPENAI} == set()


def test_every_field_of_an_answer_is_named() -> None:
    fields = {
        "response_format": ["verbose_json"],
        "timestamp_granularities": ["word", "segment"],
    }
    verbose = Transcriptions().read(request(fields)).answer(HEARD).body
    plain = Transcriptions().read(request({"include": ["logprobs"]})).answer(HEARD).body
    query = {"detect_language": ["true"], "utterances": ["true"], "punctuate": ["true"]}
    results = DeepgramPrerecorded().read(request(query={**query, "x": ["y"]})).answer(HEARD).body
    for body, page in ((verbose, OPENAI), (plain, OPENAI), (results, DEEPGRAM)):
        assert {name for name in names_in(json.loads(body)) if not is_named(name, page)} == set()


def names_in(value: Any) -> set[str]:
    """Every key of a JSON value, but the models' ids and the parts of what is shown elsewhere."""
    if isinstance(value, list):
        return {name for each in value for name in names_in(each)}
    if not isinstance(value, dict):
        return set()
    inner = {name for key, each in value.items() if key != "model_info" for name in names_in(each)}
    return {*value, *inner}


def is_named(name: str, page: str) -> bool:
    return re.search(rf"\b{name}\b", page) is not None
