"""Settings of a task to the comparer of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.comparers import comparer
from domain.errors import ConfigError
from monitors.comparers.fields import FieldsComparer
from monitors.comparers.judge import JudgeComparer
from monitors.comparers.plain import PlainComparer
from monitors.comparers.text import LEAST_PAIRS, TextComparer, similarities, threshold
from monitors.teacher import Teacher, client

if TYPE_CHECKING:
    from domain.ports import Embedder
    from domain.settings import TaskSettings, UpstreamSettings
    from monitors.comparers.port import AnswerComparer

_HERE = Path()


def build(
    task: TaskSettings,
    upstreams: Mapping[str, UpstreamSettings],
    *,
    path: str,
    embedder: Embedder | None = None,
    teacher_pairs: Sequence[tuple[str, str]] = (),
    root: Path = _HERE,
) -> AnswerComparer:
    """The comparer that `task` asks for.  With `text` it embeds the teacher's pairs, which takes a moment.

    Args:
        task: its `agreement` section is what counts.
        upstreams: by name, for the judge.
        path: of that section, for errors: `tasks.NAME.agreement`.
        embedder: the one that `agreement.embedder`, else `drift.embedder`, names; only `text` needs it.
        teacher_pairs: two answers of the teacher to one input each, to learn when texts agree.
        root: what the `ca_file` of an upstream starts from.

    Raises:
        ConfigError: the comparer is unknown, or lacks something.
        OSError: the `ca_file` of the judge's upstream cannot be read.
        ValueError: it holds no certificates.
    """
    if task.comparer == "text":
        return _text(task, embedder, teacher_pairs, path)
    if task.comparer == "judge":
        return _judge(task, upstreams, path, root)
    fields = task.agreement.json_fields
    if task.comparer == "json" and fields is not None:
        return FieldsComparer(fields)
    return PlainComparer(comparer(task.comparer, path=f"{path}.comparer"))


def _text(
    task: TaskSettings, embedder: Embedder | None, teacher_pairs: Sequence[tuple[str, str]], path: str
) -> TextComparer:
    if embedder is None:
        raise ConfigError(f"{path}.embedder", "comparer text needs an embedder")
    least = task.agreement.least_similarity
    if least is None:
        least = threshold(similarities(embedder, teacher_pairs)) if len(teacher_pairs) >= LEAST_PAIRS else None
    if least is None:
        problem = (
            f"with {len(teacher_pairs)} inputs that the teacher answered twice nothing tells when two texts agree; "
            f"set a cosine such as 0.8 until shadow.selfcheck_rate has collected {LEAST_PAIRS}"
        )
        raise ConfigError(f"{path}.least_similarity", problem)
    return TextComparer(embedder, least=least)


def _judge(task: TaskSettings, upstreams: Mapping[str, UpstreamSettings], path: str, root: Path) -> JudgeComparer:
    judge = task.agreement.judge
    if judge is None:
        raise ConfigError(f"{path}.judge", "comparer judge needs {upstream, model}")
    upstream = upstreams.get(judge.upstream)
    if upstream is None:
        raise ConfigError(f"{path}.judge.upstream", f"unknown upstream {judge.upstream!r}")
    price = judge.priced(path=f"{path}.judge")
    sdk = client(upstream, timeout_s=task.shadow.timeout_s, root=root)
    return JudgeComparer(Teacher(judge, sdk, shadow=task.shadow, role="judge"), price=price)
