"""The JSON Schema of scenario files, for editors: it completes and underlines, and `check` decides."""

from __future__ import annotations

from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def editor_schema() -> dict[str, Any]:
    """The schema of a document as it is written, also of one that extends another and so may leave things out."""
    from sim.scenario.schema import World

    found: dict[str, Any] = _plain(World.model_json_schema(by_alias=True))
    found["$defs"]["Surge"]["required"].remove("name")  # an unnamed surge is named by its number
    needed = found.pop("required")
    found["properties"]["extends"] = {"type": "string", "description": "The file that this one is laid on."}
    run = {**found["properties"]["run"], "required": found["$defs"]["Run"].pop("required")}
    return {
        "$schema": DIALECT,
        **found,
        "title": "A scenario of tipline",
        "if": {"required": ["extends"]},
        "else": {"required": needed, "properties": {"run": run}},
    }


def _plain(node: Any) -> Any:
    """The schema without its mentions of nothing: what may be left out is left out, not set to null."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _plain(value) for key, value in node.items() if not (key == "default" and value is None)}
    kinds = [kind for kind in found.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del found["anyOf"]
        return {**kinds[0], **found}
    if kinds:
        found["anyOf"] = kinds
    return found
