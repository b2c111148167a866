"""The students in a folder, loaded when first asked for.  Blocking: call it from the thread that runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from distill.student import MANIFEST, HeadStudent, load, read_manifest, student_folder
from domain.errors import ModelError
from domain.ports import Embedder
from domain.records import Manifest

_LOG = logging.getLogger(__name__)


class Shelf:
    """Finds students by name; a folder that appears later is found without a restart."""

    def __init__(self, root: Path, embedder_of: Callable[[str], Embedder]) -> None:
        self._root = root
        self._embedder_of = embedder_of  # by the name in the configuration; raises ModelError
        self._embedders: dict[str, Embedder] = {}

    def manifests(self) -> list[Manifest]:
        """What stands on the shelf, by name; what is damaged is left out and logged."""
        found = []
        for path in sorted(self._root.glob(f"*/{MANIFEST}")):
            try:
                found.append(read_manifest(path.parent))
            except ModelError as error:
                _LOG.warning("student_unreadable folder=%s error=%s", path.parent.name, error)
        return found

    def has(self, model: str) -> bool:
        """Whether a student of that name is there."""
        try:
            return (student_folder(self._root, model) / MANIFEST).is_file()
        except ModelError:
            return False

    def student(self, model: str) -> HeadStudent:
        """The student, verified and ready; takes seconds when its embedder is not loaded yet.

        Raises:
            ModelError: it is missing, damaged, or its embedder is not the one it was trained on.
        """
        manifest, head = load(student_folder(self._root, model))
        return HeadStudent(manifest, head, self.embedder(manifest.embedder))

    def embedder(self, name: str) -> Embedder:
        """The embedder of that name, loaded once.

        Raises:
            ModelError: it is not configured, or its weights are missing.
        """
        if name not in self._embedders:
            self._embedders[name] = self._embedder_of(name)
        return self._embedders[name]
