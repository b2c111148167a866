"""Canary prompts: a file of inputs that the teacher is asked again and again, to see whether it is still the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import DatasetError
from domain.records import Arm, Exchange


class Prompt(msgspec.Struct, frozen=True):
    """A request to the teacher; `key` is the sha256 of its canonical JSON."""

    key: str
    request: bytes
    text: str  # the last user message


class _Message(msgspec.Struct):
    role: str
    content: Any = None


_ROW = msgspec.json.Decoder(dict[str, Any])


def read_prompts(path: Path, *, system: str = "", most: int = 50) -> tuple[Prompt, ...]:
    """The first `most` prompts of a JSONL file that differ from each other.

    A row is the body of a chat request, `{"messages": [...]}` with any other field such as `temperature`, or
    `{"input": "..."}` with any other field: then the task's `system` prompt stands before it.

    Raises:
        DatasetError: the file cannot be read, a row is neither, or there is none.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}; it should hold the canary prompts") from None
    prompts: dict[str, Prompt] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and len(prompts) < most:
            prompt = _prompt(line, system, f"{path}:{number}")
            prompts.setdefault(prompt.key, prompt)
    if not prompts:
        raise DatasetError(f'{path}: there is no prompt in it; write a line such as {{"input": "where is my order?"}}')
    return tuple(prompts.values())


def _prompt(line: bytes, system: str, place: str) -> Prompt:
    try:
        fields = _ROW.decode(line)
        if "input" in fields:
            told = [{"role": "system", "content": system}] if system else []
            fields["messages"] = [*told, {"role": "user", "content": fields.pop("input")}]
        messages = msgspec.convert(fields.get("messages"), list[_Message])
        text = next(message.content for message in reversed(messages) if message.role == "user")
    except (msgspec.DecodeError, StopIteration, RecursionError):
        raise DatasetError(f'{place}: no prompt; write {{"messages": [...]}} or {{"input": "..."}}') from None
    request = msgspec.json.encode(fields, order="sorted")
    return Prompt(hashlib.sha256(request).hexdigest(), request, text if isinstance(text, str) else "")


def exchange_of(prompt: Prompt, task: str) -> Exchange:
    """The prompt as an exchange, which is what comparers know inputs by; nobody sent it and nobody answered."""
    return Exchange(
        id=prompt.key,
        task=task,
        at=0.0,
        arm=Arm.NONE,
        model="",
        draw=0.0,
        journal_rate=1.0,
        request=prompt.request,
        input_text=prompt.text,
        output_text="",
        status=200,
        usable=False,
    )
