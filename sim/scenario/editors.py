"""The JSON Schemas of documents, for editors that complete, explain and check while one types.

What a key means stands once: in the docstring under its field, or in the description of the field where it has one. A
docstring that ends in "Such as `...`." gives examples too. The documents of the program are made from the same schemas.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from sim.scenario.fields import UNIT
from sim.scenario.schema import World
from sim.scenario.tree import compose
from sim.scenario.units import duration_text, percent

EDITED_WITH: Final = "# yaml-language-server: $schema={}"
"""The first line of a document, by which an editor knows the schema; `{}` is its file."""

_SUCH_AS: Final = re.compile(r"\bSuch as ((?:`[^`]+`(?:, | or )?)+)\.?$")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of scenarios as people write them; names that must exist elsewhere are not part of it."""
    found = schema_of(World, "scenario")
    properties = found["properties"]
    properties["extends"] = {
        "type": "string",
        "description": "A file below this one's folder, on which this one is laid: what this one says comes first, and "
        "a list replaces a list.",
        "examples": ["base.yaml"],
    }
    found["$defs"]["Surge"]["required"].remove("name")  # one without is named by its number
    # A document that extends another may leave to it what every scenario needs, and take away what that one names.
    needed = found.pop("required")
    run = {"required": found["$defs"]["Run"].pop("required")}
    found["anyOf"] = [{"required": needed, "properties": {"run": run}}, {"required": ["extends"]}]
    for part in properties.values():
        if named := part.get("additionalProperties"):
            part["additionalProperties"] = {"if": {"type": "null"}, "else": named}
    return found


def ledger_schema() -> dict[str, Any]:
    """The JSON Schema of ledgers of claims."""
    from sim.scenario.ledger import Ledger

    return schema_of(Ledger, "ledger")


def schema_of(model: type[BaseModel], kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of documents, with what its model says of every key."""
    found = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Told)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tipline:{kind}",
        "title": f"tipline {kind}",
    }
    return {**head, **{key: value for key, value in found.items() if key != "title"}}


class _Told(GenerateJsonSchema):
    """Schemas in which every key says what it means, in what unit, and what is so without it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, BaseModel):
            type(
                dft
            ).model_rebuild()  # parts are built when they are first needed, which pydantic 2.11 does not see here
        return super().encode_default(dft)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        found = super().default_schema(schema)
        if "default" in found:
            given = schema.get("default")
            written = None if isinstance(given, BaseModel) else as_written(found.pop("default"), unit_of(found))
            found.pop("default", None)
            if written not in (None, "", [], {}):
                found["default"] = written
        return found

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        told = meanings(model)
        for name, field in model.model_fields.items():
            at = field.alias or name
            if at not in found.get("properties", {}):
                continue
            one = found["properties"][at]
            says, examples = _parted(one.get("description") or told.get(name, ""))
            whole = [value for value in examples if isinstance(value, dict | list)]
            unit = unit_of(one)
            if says:
                written = f"{says} Written as {unit}." if unit else says
                one["description"] = " ".join([written, *(f"Such as `{flow(value)}`." for value in whole)])
            if whole:
                # Editors offer texts and numbers from `examples`, and mappings and lists from these.
                one["defaultSnippets"] = [{"label": flow(value), "body": value} for value in whole]
            if found_examples := [value for value in examples if value not in whole] or _examples(one):
                one["examples"] = found_examples
        if "description" in found:
            found["description"] = " ".join(found["description"].partition(">>>")[0].split())
        return found


def as_written(value: Any, unit: str) -> Any:
    """A value inside the program as a document writes it, by the unit that the schema names.

    >>> as_written(60_000_000, "a duration"), as_written(0.4, "a share"), as_written(3, "")
    ('1 min', '40 %', 3)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if unit.startswith("a duration"):
        return duration_text(int(value))
    return percent(value) if unit.startswith("a share") else value


def flow(value: Any) -> str:
    """A value on one line, as a document may write it.

    >>> flow({"at": "07:00", "days": ["sat", "sun"], "factor": 3})
    '{at: "07:00", days: [sat, sun], factor: 3}'
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str):
        return f'"{value}"' if re.fullmatch(r"[\d:]+|", value) or set(value) & set(",{}[]") else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def unit_of(schema: dict[str, Any]) -> str:
    """What a value is written in: of the schema itself, or of the first of its forms that says; "" without."""
    if UNIT in schema:
        return str(schema[UNIT])
    forms = (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *([schema["items"]] if "items" in schema else ()))
    return next((unit for one in forms if (unit := unit_of(one))), "")


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings under the fields of a model say, by the name of the field."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= _under_fields(one.__module__).get(one.__qualname__.partition("[")[0], {})
    return found


@cache
def _under_fields(module: str) -> dict[str, dict[str, str]]:
    """By class and field, the docstrings under the fields of a module; none where its source is not at hand."""
    import importlib

    try:
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    except (OSError, TypeError):
        return {}
    return {one.name: dict(_told(one)) for one in ast.walk(tree) if isinstance(one, ast.ClassDef)}


def _told(one: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(one.body, one.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            yield field.target.id, " ".join(after.value.value.split())


def _examples(schema: dict[str, Any]) -> list[Any]:
    """The examples of a schema, or of the first of its forms that has some."""
    forms = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    return schema.get("examples") or next((some for one in forms if (some := _examples(one))), [])


def _parted(text: str) -> tuple[str, list[Any]]:
    """What a docstring says, and the examples with which it ends.

    >>> _parted("Who serves. Such as `staff: 3`, `desk`.")
    ('Who serves.', [{'staff': 3}, 'desk'])
    """
    text = " ".join(text.split())
    found = _SUCH_AS.search(text)
    if found is None:
        return text, []
    return text[: found.start()].strip(), [_value(one) for one in re.findall(r"`([^`]+)`", found[1])]


def _value(written: str) -> Any:
    of_keys = ": " in written and written[0] not in "{["
    return compose(f"it: {{{written}}}" if of_keys else f"it: {written}", "").plain()["it"]
