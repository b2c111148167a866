"""JSON values that a pydantic model of the openai SDK accepts: what is required is made up from the annotations."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from openai import BaseModel

_PLAIN: dict[Any, Any] = {str: "string", int: 1, float: 0.5, bool: False, object: "anything", Any: "anything"}


def example(model: type[BaseModel], /, **given: Any) -> dict[str, Any]:
    """A value of `model`: its required fields, with `given` in their place and beside them.

    Raises:
        ValueError: a field that was given is none of the model, or its value does not fit (pydantic.ValidationError).
    """
    found = {
        field.alias or name: _value(field.annotation)
        for name, field in model.model_fields.items()
        if field.is_required() and (field.alias or name) not in given
    }
    found |= given
    unknown = model.model_validate(found, strict=False).model_extra
    if unknown:
        raise ValueError(f"{model.__name__} has no field {', '.join(unknown)}; correct the replay upstream")
    return found


def schema_example(schema: dict[str, Any]) -> Any:
    """A value of a JSON Schema of the kind that structured outputs allow."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf"):
        return schema_example(options[0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: schema_example(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [schema_example(schema.get("items", {"type": "string"}))]
    return {"string": "string", "integer": 1, "number": 0.5, "boolean": True}.get(kind)


def _value(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if hasattr(annotation, "__value__"):  # an alias by `type`, or by its backport
        return _value(annotation.__value__)
    if origin is Annotated:
        return _value(get_args(annotation)[0])
    if origin is Literal:
        return get_args(annotation)[0]
    if origin in {Union, types.UnionType}:
        return _value(get_args(annotation)[0])
    if origin is list:
        return [_value(get_args(annotation)[0])]
    if origin is dict:
        key, item = get_args(annotation)
        return {_value(key): _value(item)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example(annotation)
    return _PLAIN.get(annotation)
