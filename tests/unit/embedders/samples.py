"""Exports made by hand, which need no torch, and sentence-transformers models small enough to export in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from domain.settings import EmbedderSettings
from embedders import app, exports
from embedders.onnx_int8 import INPUT, MODEL, OUTPUT
from embedders.static import VECTORS

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = (*SPECIAL, "[unused1]", "where", "is", "my", "order", "refund", "the", "parcel", "##s", "?", "x", "a", "é")
DIMENSIONS = 32
MAX_LENGTH = 16
WEIGHTS = "ab" * 32  # the sha256 of the source of a hand-made export


def tokenizer() -> Tokenizer:
    """WordPiece over WORDS, like BERT's."""
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", WORDS.index("[CLS]")), ("[SEP]", WORDS.index("[SEP]"))]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    made.add_special_tokens(list(SPECIAL))
    return made


def table() -> np.ndarray:
    """A vector for each word."""
    return np.random.default_rng(5).normal(size=(len(WORDS), DIMENSIONS)).astype(np.float32)


def static_export(folder: Path, *, model: str = "by hand", source: str = WEIGHTS) -> Path:
    """A table whose special and unused tokens say nothing."""
    folder.mkdir(parents=True)
    rows = table()
    rows[: len(SPECIAL) + 1] = 0
    np.savez(folder / VECTORS, rows=rows)
    return _seal(folder, "static", model, source)


def int8_export(folder: Path, *, model: str = "by hand", source: str = WEIGHTS) -> Path:
    """A graph that looks its tokens up and takes their mean."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    nodes = [
        helper.make_node("Gather", ["table", INPUT], ["hidden"]),
        helper.make_node("ReduceMean", ["hidden", "axes"], [OUTPUT], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "by_hand",
        [helper.make_tensor_value_info(INPUT, TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [DIMENSIONS])],
        [numpy_helper.from_array(table(), "table"), numpy_helper.from_array(np.array([0, 1]), "axes")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(made, folder / MODEL)
    return _seal(folder, "onnx-int8", model, source)


def described(backend: str, *, model: str = "by hand", source: str = WEIGHTS) -> exports.Export:
    """What `meta.json` says of a hand-made export, before it is sealed."""
    return exports.Export(
        backend=backend,
        model=model,
        source_sha256=source,
        pooling="mean",
        max_length=MAX_LENGTH,
        dimensions=DIMENSIONS,
        files={},
        versions={},
    )


def _seal(folder: Path, backend: str, model: str, source: str) -> Path:
    tokenizer().save(str(folder / exports.TOKENIZER))
    exports.write(folder, described(backend, model=model, source=source))
    return folder


def tiny_model(folder: Path, *, pooling: str = "mean") -> Path:
    """A random BERT of two layers as a sentence-transformers folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=DIMENSIONS,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder / "bert")
    named = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer(), model_max_length=MAX_LENGTH, **named)
    fast.save_pretrained(folder / "bert")
    parts = [Transformer(str(folder / "bert")), Pooling(DIMENSIONS, pooling_mode=pooling), Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def minilm_exports(base: Path) -> Path:
    """A cache with both exports of the default model, made once under a test run's folder."""
    for backend in app.EXPORTED:
        app.export(EmbedderSettings(backend=backend, cache=str(base / "minilm")))
    return base / "minilm"
