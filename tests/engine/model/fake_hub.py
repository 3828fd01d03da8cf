"""A model hub on this machine: the few endpoints a download asks for, and ways to misbehave."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c0ffee" * 6 + "beef"
WEIGHTS_SUFFIX = ".safetensors"


@dataclass(slots=True)
class FakeHub:
    """`files` are those of the one repository `repo_id`; the rest says what goes wrong.

    `cut_after`: weights break off after so many bytes, and stay away until `mend()`.
    `claimed_size`: what the listing says of weights. `damage`: their first byte arrives wrong.
    `gated`: only its listing is shown.
    """

    repo_id: str
    files: Mapping[str, bytes]
    cut_after: int | None = None
    claimed_size: int | None = None
    damage: bool = False
    gated: bool = False
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""
    _is_cut: bool = False

    def mend(self) -> None:
        self.cut_after, self._is_cut = None, False

    def gets(self, suffix: str) -> list[str | None]:
        """The Range header of every GET for a file whose name ends so."""
        return [
            wanted
            for method, path, wanted in self.requests
            if method == "GET" and "/resolve/" in path and path.endswith(suffix)
        ]

    @contextmanager
    def running(self) -> Iterator["FakeHub"]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._answer(self, with_body=True)

            def do_HEAD(self) -> None:
                hub._answer(self, with_body=False)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        path = urlsplit(request.path).path
        self.requests.append((request.command, path, request.headers.get("Range")))
        api = f"/api/models/{self.repo_id}"
        resolve = f"/{self.repo_id}/resolve/"
        if path in (api, f"{api}/revision/main"):
            _send_json(request, self._info())
        elif path == f"{api}/tree/{COMMIT}":
            _send_json(request, self._tree())
        elif path.startswith(resolve) and self.gated:
            _send_error(request, HTTPStatus.FORBIDDEN, "GatedRepo")
        elif path.startswith(resolve):
            self._send_file(request, path.removeprefix(resolve).partition("/")[2], with_body)
        else:
            _send_error(request, HTTPStatus.NOT_FOUND, "RepoNotFound")

    def _info(self) -> object:
        siblings = [
            {"rfilename": name} | self._size_and_hash(name, "blobId", "sha256")
            for name in self.files
        ]
        return {"id": self.repo_id, "sha": COMMIT, "siblings": siblings}

    def _tree(self) -> object:
        return [
            {"type": "file", "path": name} | self._size_and_hash(name, "oid", "oid")
            for name in self.files
        ]

    def _size_and_hash(self, name: str, blob_key: str, lfs_key: str) -> dict[str, object]:
        size = len(self.files[name])
        if not name.endswith(WEIGHTS_SUFFIX):
            return {"size": size, blob_key: self._etag(name)}
        size = self.claimed_size or size
        lfs = {"size": size, lfs_key: self._etag(name), "pointerSize": 130}
        return {"size": size, blob_key: "0" * 40, "lfs": lfs}

    def _etag(self, name: str) -> str:
        if name.endswith(WEIGHTS_SUFFIX):
            return hashlib.sha256(self.files[name]).hexdigest()
        return hashlib.sha1(self.files[name]).hexdigest()

    def _send_file(self, request: BaseHTTPRequestHandler, name: str, with_body: bool) -> None:
        content = self.files[name]
        is_weights = name.endswith(WEIGHTS_SUFFIX)
        if with_body and is_weights and self._is_cut:
            _send_error(request, HTTPStatus.SERVICE_UNAVAILABLE, "Busy")
            return
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        request.send_response(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK)
        request.send_header("ETag", f'"{self._etag(name)}"')
        request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("Content-Length", str(len(content) - start))
        if wanted:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.end_headers()
        if not with_body:
            return
        if is_weights and self.damage:
            content = bytes([content[0] ^ 1]) + content[1:]
        if is_weights and self.cut_after is not None:
            self._is_cut = True
            request.wfile.write(content[start : self.cut_after])
            request.close_connection = True
            return
        request.wfile.write(content[start:])


def _send_json(request: BaseHTTPRequestHandler, value: object) -> None:
    body = json.dumps(value).encode()
    request.send_response(HTTPStatus.OK)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _send_error(request: BaseHTTPRequestHandler, status: HTTPStatus, code: str) -> None:
    request.send_response(status)
    request.send_header("X-Error-Code", code)
    request.send_header("Content-Length", "0")
    request.end_headers()
