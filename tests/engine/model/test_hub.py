"""Hub ids are resolved in a process of their own: the hub's client reads HF_* when imported."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from hark.engine.model.hub import EMBEDDED, resolve_model
from hark.engine.types import ConfigError

from .fake_hub import FakeHub

REPO = "some-org/tiny-asr"
WEIGHTS = bytes(range(256)) * 100_000  # 25.6 MB: the hub's client writes blocks of 10
CUT_AFTER = 15_000_000
FILES = {
    "config.json": b"{}",
    "model-00001-of-00001.safetensors": WEIGHTS,
    "model.safetensors.index.json": b'{"weight_map": {}}',
    "tokenizer.json": b"{}",
    "README.md": b"# not needed",
    "pytorch_model.bin": b"not needed",
}
_SCRIPT = """
import json, sys
from hark.engine.model.hub import resolve_model
from hark.engine.types import EngineError
try:
    print(json.dumps({"folder": str(resolve_model(sys.argv[1]))}))
except EngineError as error:
    said = {"error": type(error).__name__, "message": str(error), "retry": error.retry}
    print(json.dumps(said))
"""


def resolve(url: str, home: Path, *, spec: str = REPO, **settings: str) -> dict[str, Any]:
    """What `resolve_model` returned or raised, and under "shown" what a terminal showed of it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    proxies = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    env = clean | proxies | {"HF_ENDPOINT": url, "HF_HOME": str(home)} | settings
    terminal, screen = pty.openpty()
    termios.tcsetwinsize(screen, (24, 120))
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, spec],
            env=env,
            stdout=subprocess.PIPE,
            stderr=screen,
            text=True,
            timeout=60,
            check=False,
        )
        shown = _read_all(terminal, screen)
    finally:
        os.close(terminal)
    assert done.returncode == 0, shown
    return json.loads(done.stdout) | {"shown": shown}


def _read_all(terminal: int, screen: int) -> str:
    os.close(screen)
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the other end is closed and all has been read
        while block := os.read(terminal, 65_536):
            shown += block
    return shown.decode("utf-8", "replace")


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES, cut_after=CUT_AFTER).running() as hub:
        broken = resolve(hub.url, tmp_path)
        assert broken["error"] == "HubUnreachableError"
        assert broken["retry"] is True
        assert "run the same command again to go on" in broken["message"]
        [part] = tmp_path.rglob("*.incomplete")
        kept = part.stat().st_size
        assert 0 < kept <= CUT_AFTER

        hub.mend()
        hub.requests.clear()
        whole = resolve(hub.url, tmp_path)
        assert hub.gets(".safetensors") == [f"bytes={kept}-"]
        assert "model-00001-of-00001.safetensors" in whole["shown"], "a progress bar is shown"
        folder = Path(whole["folder"])
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        unneeded = {"README.md", "pytorch_model.bin"}
        assert found == {name: FILES[name] for name in FILES if name not in unneeded}

        hub.requests.clear()
        assert resolve(hub.url, tmp_path)["folder"] == str(folder)
        assert hub.gets("") == [], "what is in the cache is not fetched again"
    for settings in ({}, {"HF_HUB_OFFLINE": "1"}):
        assert resolve(hub.url, tmp_path, **settings)["folder"] == str(folder)


def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES).running() as hub:
        pass  # its port is now closed
    away = resolve(hub.url, tmp_path)
    assert (away["error"], away["retry"]) == ("HubUnreachableError", True)
    assert hub.url in away["message"]
    offline = resolve(hub.url, tmp_path, HF_HUB_OFFLINE="1")
    assert (offline["error"], offline["retry"]) == ("HubUnreachableError", True)
    assert "HF_HUB_OFFLINE is set" in offline["message"]


def test_a_model_the_hub_does_not_have(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES).running() as hub:
        unknown = resolve(hub.url, tmp_path, spec="some-org/other")
    assert (unknown["error"], unknown["retry"]) == ("UnknownModelError", False)
    assert "some-org/other" in unknown["message"]


def test_a_gated_model(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES, gated=True).running() as hub:
        gated = resolve(hub.url, tmp_path)
    assert (gated["error"], gated["retry"]) == ("GatedModelError", False)
    assert f"{hub.url}/{REPO}" in gated["message"]
    assert "HF_TOKEN" in gated["message"]


def test_a_disk_without_room_is_noticed_before_the_download(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES, claimed_size=10**17).running() as hub:
        full = resolve(hub.url, tmp_path)
        assert (full["error"], full["retry"]) == ("DiskFullError", True)
        assert "100000000.0 GB are needed" in full["message"]
        assert hub.gets(".safetensors") == []


def test_weights_that_arrive_damaged_are_dropped(tmp_path: Path) -> None:
    with FakeHub(REPO, FILES, damage=True).running() as hub:
        damaged = resolve(hub.url, tmp_path)
        assert damaged["error"] == "DownloadError"
        assert "arrived damaged" in damaged["message"]
        assert list(tmp_path.rglob("*.incomplete")) == []
        hub.damage = False
        assert "folder" in resolve(hub.url, tmp_path)


def test_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    assert resolve_model(str(tmp_path)) == tmp_path
    assert resolve_model(EMBEDDED).name == "embedded"


@pytest.mark.parametrize("spec", ["", "nowhere", "/no/such/folder", "a/b/c", "a b/c", "../x/y"])
def test_what_is_neither_folder_nor_hub_id_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="allowed are 'embedded'"):
        resolve_model(spec)
