"""Train, validation and test rows by content, as three types: a threshold cannot be chosen on the wrong one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from distill.examples import Example, content_key
from domain.errors import DatasetError
from domain.sampling import draw


class Train(msgspec.Struct, frozen=True):
    """Rows that weights are fitted to."""

    examples: tuple[Example, ...]


class Validation(msgspec.Struct, frozen=True):
    """Rows that settings and thresholds are chosen on."""

    examples: tuple[Example, ...]


class Test(msgspec.Struct, frozen=True):
    """Rows that nothing is chosen on: only for the numbers that are reported."""

    __test__ = False  # pytest would take the class for a test

    examples: tuple[Example, ...]


class Split(msgspec.Struct, frozen=True):
    """The three parts of a data set."""

    train: Train
    validation: Validation
    test: Test


def split(examples: Iterable[Example], *, validation: float = 0.15, test: float = 0.15) -> Split:
    """Each example goes where the hash of its input says: the same input to the same part, in every data set.

    That keeps the held-out rows of one student held out from the next, however the data set grows.

    Raises:
        DatasetError: no example fell to training.
    """
    parts: tuple[list[Example], list[Example], list[Example]] = ([], [], [])
    for example in examples:
        number = draw(content_key(example.text))
        parts[(number < test + validation) + (number < test)].append(example)
    result = Split(Train(tuple(parts[0])), Validation(tuple(parts[1])), Test(tuple(parts[2])))
    if not result.train.examples:
        raise DatasetError(f"no training rows among {sum(map(len, parts))} examples; generate more")
    check_leakage(result)
    return result


def check_leakage(parts: Split) -> None:
    """Make sure that no input stands in two parts.

    Raises:
        DatasetError: one does; a number measured on such parts would be too good.
    """
    keys = [
        {content_key(example.text) for example in part.examples} for part in (parts.train, parts.validation, parts.test)
    ]
    shared = len(keys[0] & keys[1]) + len(keys[0] & keys[2]) + len(keys[1] & keys[2])
    if shared:
        raise DatasetError(f"{shared} inputs stand in two of train, validation and test; split the data set again")
