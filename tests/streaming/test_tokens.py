"""Jigasi's tokens: which are let in, and what a key that cannot be used is told."""

import base64
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from hark.engine.types import ConfigError
from hark.streaming.config import ServerConfig
from hark.streaming.errors import UnauthorizedError
from hark.streaming.keys import keyring_of
from hark.streaming.protocols.base import Handshake
from hark.streaming.tokens import JigasiTokens
from tests.streaming.support import serving_ready

Key = rsa.RSAPrivateKey


def pem_of(key: Key | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.fixture(scope="module")
def key() -> Key:
    return rsa.generate_private_key(65_537, 2048)


@pytest.fixture(scope="module")
def stranger() -> Key:
    return rsa.generate_private_key(65_537, 2048)


@pytest.fixture(scope="module")
def public_key(key: Key, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "jigasi.pem"
    path.write_bytes(pem_of(key))
    return path


def claims(**changes: Any) -> dict[str, Any]:
    """What Jigasi says of itself; a change to None leaves a claim out."""
    now = int(time.time())
    said = {"iss": "jigasi", "aud": "jitsi", "iat": now, "exp": now + 300} | changes
    return {name: value for name, value in said.items() if value is not None}


def sign(key: Any, algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": "jitsi/jigasi"})


def test_jigasi_s_own_token_opens_in_each_form(key: Key, public_key: Path) -> None:
    keys = keyring_of(ServerConfig(jigasi_public_key=str(public_key)))
    token = sign(key)
    keys.check(Handshake("/ws/1", headers={"authorization": f"Bearer {token}"}))
    keys.check(Handshake("/ws/1", query={"auth_token": [token]}))
    with pytest.raises(UnauthorizedError):
        keys.check(Handshake("/ws/1"))


def test_api_keys_and_tokens_open_side_by_side(key: Key, public_key: Path) -> None:
    config = ServerConfig(api_keys="k-1", jigasi_public_key=str(public_key), jigasi_audience="us")
    for shown in ("k-1", sign(key, aud="us"), sign(key, aud=["them", "us"])):
        keyring_of(config).check(Handshake("/ws/1", query={"token": [shown]}))
    for shown in ("k-2", sign(key)):
        with pytest.raises(UnauthorizedError):
            keyring_of(config).check(Handshake("/ws/1", query={"token": [shown]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "others"},
        {"aud": None},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
    ],
)
def test_a_token_that_says_the_wrong_thing_does_not(
    key: Key, public_key: Path, changes: dict[str, Any]
) -> None:
    assert not JigasiTokens(public_key, "jitsi").accept(sign(key, **changes))


def test_a_token_of_another_key_or_algorithm_does_not(
    key: Key, stranger: Key, public_key: Path
) -> None:
    tokens = JigasiTokens(public_key, "jitsi")
    assert tokens.accept(sign(key))
    assert not tokens.accept(sign(stranger))
    assert not tokens.accept(sign(key, "RS512"))
    assert not tokens.accept(sign("k" * 64, "HS256"))
    assert not tokens.accept(sign(None, "none"))
    head, body, signature = sign(key).split(".")
    assert not tokens.accept(f"{head}.{body}.{signature[:-8]}AAAAAAAA")


@settings(max_examples=300)
@given(
    head=st.text() | st.just("[" * 5_000) | st.just('{"alg":"RS256"}') | st.just("9" * 5_000),
    body=st.text() | st.just("[" * 5_000),
    parts=st.integers(1, 5),
)
def test_garbage_is_no_token(public_key: Path, head: str, body: str, parts: int) -> None:
    def encoded(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode(errors="replace")).rstrip(b"=").decode()

    tokens = JigasiTokens(public_key, "jitsi")
    assert not tokens.accept(".".join([encoded(head), *[encoded(body)] * (parts - 1)]))
    assert not tokens.accept(head)


def test_a_key_that_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigError, match=r"key\.pem cannot be read: .*No such file"):
        JigasiTokens(path, "jitsi")
    path.write_text("no key")
    with pytest.raises(ConfigError, match=r"key\.pem cannot be read"):
        JigasiTokens(path, "jitsi")
    path.write_bytes(pem_of(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ConfigError, match=r"key\.pem is no RSA key"):
        JigasiTokens(path, "jitsi")
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ConfigError, match=r"pip install 'PyJWT\[crypto\]'"):
        JigasiTokens(path, "jitsi")


async def test_a_token_is_asked_for_at_the_upgrade(key: Key, public_key: Path) -> None:
    async with serving_ready(jigasi_public_key=str(public_key)) as running:
        async with running.client(headers={"Authorization": f"Bearer {sign(key)}"}):
            pass
        with pytest.raises(InvalidStatus) as refused:
            async with running.client(headers={"Authorization": "Bearer x.y.z"}):
                pass
        assert refused.value.response.status_code == 401
