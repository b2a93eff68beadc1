"""Writes the JSON Schema of feed declarations to `catalog/feed.schema.json`: `python -m loaders.schema_file`.

Editors that know YAML complete and check a declaration by it; a test holds it current.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loaders.declaration import PARAMETERS, Feed
from ontology import ONTOLOGY
from ontology.terms import CATALOG

PATH = CATALOG / "feed.schema.json"


def feed_schema() -> dict[str, Any]:
    """The schema, JSON Schema 2020-12; with what pydantic does not know: transforms, labels, relationship types."""
    schema = Feed.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Quanxi feed 数据源声明"
    parts = schema["$defs"]
    for part in parts.values():
        part.pop("title", None)
        for spec in part.get("properties", {}).values():
            spec.pop("title", None)
    for spec in schema["properties"].values():
        spec.pop("title", None)
    words = [name for name, valued in PARAMETERS.items() if not valued]
    valued = [name for name, valued in PARAMETERS.items() if valued]
    parts["Column"]["properties"]["transforms"]["items"] = {
        "anyOf": [
            {"enum": words},
            *(
                {"type": "object", "properties": {n: {"type": "string"}}, "required": [n], "additionalProperties": False}
                for n in valued
            ),
        ]
    }  # fmt: skip
    parts["EntityClaim"]["properties"]["label"] = {"enum": sorted(ONTOLOGY.entities)}
    parts["LinkClaim"]["properties"]["type"] = {"enum": sorted(ONTOLOGY.links)}
    one = {"type": "object", "additionalProperties": {"type": "string"}}
    # One way of knowing an entity need not be put in a list.
    parts["EntityClaim"]["properties"]["id"] = {"anyOf": [{"type": "array", "items": one}, one]}
    return schema


def schema_text() -> str:
    """The file's text."""
    return json.dumps(feed_schema(), ensure_ascii=False, indent=2) + "\n"


def main(path: Path = PATH) -> None:
    """Writes the file."""
    path.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
