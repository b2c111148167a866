"""Folders of exported embedders: what is in one, where it lies, and how it gets there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from domain.errors import ModelError
from domain.settings import EmbedderSettings
from embedders.weights import checksum, local_folder

META = "meta.json"
TOKENIZER = "tokenizer.json"
_COMMAND = "preceptor embedder export"
_READABLE = 0o755  # a server may run as another user than the one who exported

Pooling = Literal["mean", "cls"]
Progress = Callable[[int, int], None]  # steps done, steps in all


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What an export was made from and what it consists of: `meta.json` in its folder."""

    backend: str
    model: str  # as configured
    source_sha256: str  # of the weights it was made from
    pooling: Pooling
    max_length: int  # tokens of a text that are read
    dimensions: int
    files: dict[str, str]  # the sha256 of each file beside this one
    versions: dict[str, str]  # of what made it
    cosine: float | None = None  # mean cosine with the source's vectors of a few sentences; None: not comparable

    @property
    def sha256(self) -> str:
        """The embedder's hash: of every file and of every setting that a vector depends on."""
        parts = [f"{name}:{found}" for name, found in sorted(self.files.items())]
        return hashlib.sha256(
            "\n".join([self.backend, self.pooling, str(self.max_length), *parts]).encode()
        ).hexdigest()


class Place:
    """Where the export of a configured embedder lies, or will lie."""

    def __init__(self, settings: EmbedderSettings, root: Path) -> None:
        """`root` is the folder that a relative `cache` starts from."""
        self._settings = settings
        self._cache = root / Path(settings.cache).expanduser()
        self._suffix = "-" + settings.backend.removeprefix("onnx-")

    def of(self, weights: str) -> Path:
        """The folder of the export of weights with this sha256, whether it is there or not."""
        return self._cache / f"{weights[:12]}{self._suffix}"

    def find(self) -> Path:
        """The folder of the export, without loading the model it was made from, or even having it.

        Raises:
            ModelError: there is none, or the choice is open.
        """
        if known := self._settings.sha256 or local_weights(self._settings.model):
            found = [folder for folder in (self.of(known),) if (folder / META).is_file()]
        else:
            folders = sorted(self._cache.glob(f"[!.]*{self._suffix}"))
            found = [folder for folder in folders if _meta(folder).model == self._settings.model]
        if len(found) == 1:
            return found[0]
        wanted = f"{self._settings.backend} export of {self._settings.model!r} in {self._cache}"
        if not found:
            raise ModelError(f"there is no {wanted}; run: {_COMMAND}")
        raise ModelError(f"there are {len(found)} of the {wanted}; choose one by its source's sha256")

    @contextlib.contextmanager
    def draft(self, weights: str) -> Iterator[Path]:
        """An empty folder to export into, which takes its place when the block ends without an error.

        Raises:
            ModelError: the disk refused.
        """
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._cache))
        except OSError as error:
            raise ModelError(f"cannot write to {self._cache}: {error.strerror}") from None
        try:
            yield folder
            folder.chmod(_READABLE)
            _settle(folder, self.of(weights))
        except OSError as error:
            raise ModelError(f"cannot write the export to {self._cache}: {error.strerror}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def local_weights(model: str) -> str:
    """The sha256 of a model's weights on this machine; empty: they are not here, or have no single file."""
    try:
        folder = local_folder(model)
        return "" if folder is None else checksum(folder)
    except ModelError:
        return ""


def write(folder: Path, export: Export) -> None:
    """Seal an export: its files are all those in the folder."""
    files = {path.name: _checksum(path) for path in sorted(folder.iterdir()) if path.name != META}
    sealed = msgspec.structs.replace(export, files=files)
    (folder / META).write_bytes(msgspec.json.format(msgspec.json.encode(sealed)))


def read(folder: Path) -> Export:
    """The export in a folder, each file compared with its hash.

    Raises:
        ModelError: something is missing or damaged.
    """
    export = _meta(folder)
    for name, expected in export.files.items():
        try:
            found = _checksum(folder / name)
        except OSError as error:
            raise ModelError(f"cannot read {folder / name}: {error.strerror}; run: {_COMMAND}") from None
        if found != expected:
            raise ModelError(f"{folder / name} is damaged (sha256 {found[:12]}, not {expected[:12]}); run: {_COMMAND}")
    return export


def _meta(folder: Path) -> Export:
    try:
        return msgspec.json.decode((folder / META).read_bytes(), type=Export)
    except OSError as error:
        raise ModelError(f"cannot read {folder / META}: {error.strerror}; run: {_COMMAND}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{folder / META} is damaged ({error}); delete the folder and run: {_COMMAND}") from None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(draft: Path, folder: Path) -> None:
    """Another process may have been faster: what it wrote stays, unless it is damaged."""
    if folder.exists():
        with contextlib.suppress(ModelError):
            read(folder)
            return
        shutil.rmtree(folder)
    draft.rename(folder)
