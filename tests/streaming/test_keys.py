"""Keys: every form a client may show one in, and what happens without one."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from hark.streaming.errors import UnauthorizedError
from hark.streaming.keys import Keyring
from hark.streaming.protocols.base import Handshake
from tests.streaming.support import HELLO, serving_ready

FORMS = {
    "bearer": Handshake("/", headers={"authorization": "Bearer k-1"}),
    "lower case": Handshake("/", headers={"authorization": "bearer k-1"}),
    "deepgram": Handshake("/", headers={"authorization": "Token k-1"}),
    "header": Handshake("/", headers={"x-api-key": "k-1"}),
    "query": Handshake("/", query={"token": ["k-1"]}),
    "skynet": Handshake("/", query={"auth_token": ["k-1"]}),
    "openai browser": Handshake("/", subprotocols=("realtime", "openai-insecure-api-key.k-1")),
    "deepgram browser": Handshake("/", subprotocols=("token", "k-1", "x-deepgram-session-id")),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_key_opens(form: str) -> None:
    Keyring.of("k-0, k-1").check(FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_key_does_not(form: str) -> None:
    with pytest.raises(UnauthorizedError, match="not one of"):
        Keyring.of("k-0,k-2").check(FORMS[form])


def test_no_key_does_not_either() -> None:
    with pytest.raises(UnauthorizedError, match="a key is needed"):
        Keyring.of("k-0").check(Handshake("/", headers={"authorization": "Basic k-0"}))


@pytest.mark.parametrize("form", FORMS)
def test_without_keys_any_key_does(form: str) -> None:
    Keyring.of("").check(FORMS[form])
    Keyring.of(" , ").check(Handshake("/"))


@pytest.mark.parametrize(
    ("query", "standing"), [("", "missing"), ("?token=", "missing"), ("?token=x", "wrong")]
)
async def test_a_browser_can_ask_how_its_key_stands(query: str, standing: str) -> None:
    async with serving_ready(api_keys="right") as running:
        assert (await running.get(f"/readyz{query}")).json()["key"] == standing
        assert (await running.get("/readyz?token=right")).json()["key"] == "right"
    async with serving_ready() as running:
        assert "key" not in (await running.get(f"/readyz{query}")).json()


async def test_a_wrong_key_is_refused_at_the_upgrade_and_a_right_one_streams(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving_ready(api_keys="right") as running:
        url = f"ws://{running.address}/v1/stream"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={"Authorization": "Bearer wrong"}, proxy=None)
        assert refused.value.response.status_code == 401
        assert b"not one of" in (refused.value.response.body or b"")
        assert caplog.records == []  # anybody may knock, and fill the log
        async with connect(
            f"{url}?token=right", subprotocols=[Subprotocol("hark.v1.json")], proxy=None
        ) as socket:
            await socket.send(json.dumps(HELLO))
            assert json.loads(await socket.recv())["type"] == "ready"
