"""The JSON Schema of scenario documents, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from sim.scenario.schema import World


def json_schema() -> dict[str, Any]:
    """The JSON Schema of documents as people write them; names that must exist elsewhere are not part of it."""
    found = World.model_json_schema(by_alias=True, mode="validation")
    properties = found["properties"]
    properties["extends"] = {
        "type": "string",
        "description": "A file below this one's folder, on which this one is laid.",
    }
    found["$defs"]["Surge"]["required"].remove("name")  # one without is named by its number
    # A document that extends another may leave to it what every scenario needs, and take away what that one names.
    needed = found.pop("required")
    run = {"required": found["$defs"]["Run"].pop("required")}
    found["anyOf"] = [{"required": needed, "properties": {"run": run}}, {"required": ["extends"]}]
    for part in properties.values():
        if named := part.get("additionalProperties"):
            part["additionalProperties"] = {"if": {"type": "null"}, "else": named}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tipline scenario", **found}
