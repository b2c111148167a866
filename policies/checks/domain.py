"""The input belongs to the task: what is unlike everything the student was made for goes to the teacher."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domain.errors import ConfigError, ModelError
from domain.records import Decision, Verdict
from policies.gate import Gate, read

if TYPE_CHECKING:
    from domain.ports import Check, Subject


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gate file, written by `preceptor reference gate`."""

    model: str

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError("model", "give the gate file; `preceptor reference gate` writes one")


class DomainCheck:
    """Reasons: `out_of_domain`, `longer_than_domain` (far longer than any input of the task; it is not read).

    It looks at the last user message.  What it says is "not our task", never "unsafe".
    """

    name = "domain"
    triggers: tuple[str, ...] = ()  # what it looks for is what it does not know
    window: int | None = None  # a finding is about a whole input

    def __init__(self, options: Options, *, root: Path) -> None:
        """Read the gate at `root / options.model` once.

        Raises:
            ConfigError: the file is missing, damaged or no gate.
        """
        try:
            self._gate = Gate(read(root / options.model))
        except ModelError as error:
            raise ConfigError("model", str(error)) from None

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        text = subject.input_text
        if len(text) > self._gate.model.longest:
            return Decision(self.name, Verdict.FALLBACK, "longer_than_domain")
        return Decision(self.name, Verdict.FALLBACK, "out_of_domain") if self._gate.foreign(text) else None


if TYPE_CHECKING:
    _: Check = DomainCheck(Options("gate"), root=Path())
