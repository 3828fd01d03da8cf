"""The name of a model → its folder, downloading it when it is a hub id; reads no checkpoint.

The hub's own client keeps no part of a file whose download was broken off. Weights are gigabytes,
so they are fetched here into the client's cache, resumably; the client then finds them there and
fetches the small files. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE work as they do for it.
"""

import errno
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.errors import (
    HTTPError as TransportError,  # pyright: ignore[reportPrivateImportUsage] # of its HTTP library
)
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers

from ..types import CheckpointError, ConfigError

EMBEDDED = "embedded"
EMBEDDED_ALIGNER = "embedded_aligner"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS_SUFFIX = ".safetensors"
_NEEDED_FILES = [
    "config.json",
    "generation_config.json",
    f"*{_WEIGHTS_SUFFIX}",
    "*.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
]


class DownloadError(CheckpointError):
    """A model could not be fetched. What was fetched of its weights is kept for the next try."""

    code = "download_error"


class HubUnreachableError(DownloadError):
    """No connection to the hub, or it broke and did not come back."""

    retry = True


class UnknownModelError(DownloadError):
    """The hub has no such model, or does not show it to this user."""


class GatedModelError(DownloadError):
    """The model's terms must be accepted on the hub first."""


class DiskFullError(DownloadError):
    """Not enough room for the model on the disk of the hub's cache."""

    retry = True


def embedded_folder() -> Path:
    """Where the model that ships with the package lies."""
    return Path(__file__).parent.parent / EMBEDDED


def resolve_aligner(spec: str) -> Path:
    """As `resolve_model`, where "embedded" is the aligner that ships with the package."""
    if spec == EMBEDDED:
        return embedded_folder().parent / EMBEDDED_ALIGNER
    return resolve_model(spec, "aligner")


def resolve_model(spec: str, option: str = "model") -> Path:
    """The folder of "embedded", of a folder's path, or of a hub id such as Qwen/Qwen3-ASR-0.6B.

    A hub id is downloaded with a progress bar, and a broken download is taken up where it
    stopped. Raises ConfigError when `spec`, the value of `option`, is none of the three,
    DownloadError otherwise.
    """
    if spec == EMBEDDED:
        return embedded_folder()
    folder = Path(spec).expanduser()
    if spec and folder.is_dir():
        return folder
    if spec.startswith((".", "/", "~")) or not _HUB_ID.fullmatch(spec):
        raise ConfigError(
            f"{option} is {spec!r}, which is no folder here; allowed are {EMBEDDED!r}, "
            "a folder, or a hub id such as 'Qwen/Qwen3-ASR-0.6B'"
        )
    with _typed_errors(spec):
        return _download(spec)


@dataclass(frozen=True, slots=True)
class _WeightFile:
    """A weight file as the hub lists it; `etag` names its content in the cache."""

    name: str
    commit: str
    etag: str
    num_bytes: int


def _download(repo_id: str) -> Path:
    try:
        files = _list_weights(repo_id)
    except (TransportError, OfflineModeIsEnabled):
        try:
            return _snapshot(repo_id, local_files_only=True)
        except LocalEntryNotFoundError:
            pass  # nothing usable in the cache: what the hub said is the better message
        raise
    blobs = _blob_folder(repo_id)
    wanted = [file for file in files if not (blobs / file.etag).exists()]
    _check_room(blobs, wanted)
    for file in wanted:
        _fetch(repo_id, file, blobs)
    return _snapshot(repo_id)


def _snapshot(repo_id: str, *, local_files_only: bool = False) -> Path:
    return Path(
        snapshot_download(repo_id, allow_patterns=_NEEDED_FILES, local_files_only=local_files_only)
    )


def _list_weights(repo_id: str) -> list[_WeightFile]:
    info = HfApi().model_info(repo_id, files_metadata=True)
    return [
        _WeightFile(
            name=file.rfilename,
            commit=str(info.sha),
            etag=file.lfs.sha256 if file.lfs is not None else str(file.blob_id),
            num_bytes=file.size or 0,
        )
        for file in info.siblings or []
        if file.rfilename.endswith(_WEIGHTS_SUFFIX)
    ]


def _blob_folder(repo_id: str) -> Path:
    repo_folder = repo_folder_name(repo_id=repo_id, repo_type="model")
    return Path(constants.HF_HUB_CACHE).expanduser().resolve() / repo_folder / "blobs"


def _part_file(blobs: Path, file: _WeightFile) -> Path:
    return blobs / f"{file.etag}.hark.incomplete"


def _check_room(blobs: Path, files: list[_WeightFile]) -> None:
    blobs.mkdir(parents=True, exist_ok=True)
    parts = [_part_file(blobs, file) for file in files]
    fetched = sum(part.stat().st_size for part in parts if part.exists())
    needed = sum(file.num_bytes for file in files) - fetched
    free = shutil.disk_usage(blobs).free
    if needed > free:
        raise DiskFullError(
            f"{needed / 1e9:.1f} GB are needed in {blobs.parents[1]}, {free / 1e9:.1f} GB are free"
        )


def _fetch(repo_id: str, file: _WeightFile, blobs: Path) -> None:
    """Download one weight file into the cache, going on from a part left by an earlier try."""
    part = _part_file(blobs, file)
    with WeakFileLock(part.with_suffix(".lock")):
        if (blobs / file.etag).exists():  # another process fetched it meanwhile
            return
        if part.exists() and part.stat().st_size > file.num_bytes:
            part.unlink()  # not ours: there is nothing to go on from
        with part.open("ab") as target:
            http_get(
                hf_hub_url(repo_id, file.name, revision=file.commit),
                target,
                resume_size=target.tell(),
                headers=build_hf_headers(),
                expected_size=file.num_bytes,
                displayed_filename=file.name,
            )
        _check_content(repo_id, file, part)
        part.replace(blobs / file.etag)


def _check_content(repo_id: str, file: _WeightFile, part: Path) -> None:
    is_sha256 = len(file.etag) == hashlib.sha256().digest_size * 2
    if not is_sha256:  # small files are kept by their git hash
        return
    with part.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.etag:
        part.unlink()
        raise DownloadError(f"{file.name} of {repo_id} arrived damaged and was dropped: try again")


@contextmanager
def _typed_errors(repo_id: str) -> Iterator[None]:
    """Turn what the hub's client, its HTTP library and the disk raise into our own errors."""
    endpoint = constants.ENDPOINT
    try:
        yield
    except GatedRepoError as error:
        raise GatedModelError(
            f"{repo_id} is gated: accept its terms at {endpoint}/{repo_id}, then set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise UnknownModelError(f"{endpoint} has no model {repo_id} for this user") from error
    except OfflineModeIsEnabled as error:
        raise HubUnreachableError(
            f"{repo_id} is not in the cache {constants.HF_HUB_CACHE} and HF_HUB_OFFLINE is set"
        ) from error
    except (TransportError, LocalEntryNotFoundError) as error:
        raise HubUnreachableError(
            f"{repo_id} could not be fetched from {endpoint}: {_reason(error)}. "
            "What has arrived is kept; run the same command again to go on."
        ) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise DownloadError(f"{repo_id} could not be fetched: {error}") from error
        raise DiskFullError(f"the disk of {constants.HF_HUB_CACHE} is full") from error


def _reason(error: Exception) -> str:
    if isinstance(error, HfHubHTTPError):
        return f"HTTP status {error.response.status_code}"
    return str(error).partition("\n")[0] or type(error).__name__
