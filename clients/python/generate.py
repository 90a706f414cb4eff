#!/usr/bin/env python3
"""Makes boxoffice_client/types.py of an OpenAPI document.

    clients/python/generate.py openapi.json           writes the file
    clients/python/generate.py --check openapi.json   fails if the file is another
"""

from __future__ import annotations

import json
import keyword
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "boxoffice_client" / "types.py"
# What the client knows: the endpoints with these tags, and what they are made of.
TAGS = {"log", "ledger"}
PREFIX = "#/components/schemas/"
HEAD = '''"""The bodies of the API. Made of its OpenAPI document by generate.py: do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''
PLAIN = {"string": "str", "integer": "int", "boolean": "bool", "number": "float", "null": "None"}


def main(arguments: list[str]) -> int:
    is_check = "--check" in arguments
    paths = [argument for argument in arguments if argument != "--check"]
    if len(paths) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    made = generate(read(Path(paths[0])))
    if not is_check:
        TARGET.write_text(made, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == made:
        return 0
    print(f"{TARGET} is not made of this document: run generate.py", file=sys.stderr)
    return 1


def read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    # A snapshot of the tests has a head of its own.
    return json.loads(text[text.index("{") :])


def generate(document: dict[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    parts = [HEAD]
    for name in sorted(reached(document, schemas)):
        parts.append(declare(name, schemas[name]))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def reached(document: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    operations = [one for path in document["paths"].values() for one in path.values()]
    waiting = [name for one in operations if TAGS & set(one.get("tags", [])) for name in names(one)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(names(schemas[name]))
    return found


def names(value: Any) -> list[str]:
    if isinstance(value, dict):
        reference = value.get("$ref", "")
        own = [reference.removeprefix(PREFIX)] if reference.startswith(PREFIX) else []
        return own + [name for part in value.values() for name in names(part)]
    if isinstance(value, list):
        return [name for part in value for name in names(part)]
    return []


def declare(name: str, schema: dict[str, Any]) -> str:
    properties = schema.get("properties")
    if schema.get("type") != "object" or not properties:
        return f"{name} = {annotation(schema)!r}" if "$ref" in json.dumps(schema) else f"{name} = {annotation(schema)}"
    required = set(schema.get("required", []))
    fields = {
        field: annotation(part) if field in required else f"NotRequired[{annotation(part)}]"
        for field, part in properties.items()
    }
    if all(field.isidentifier() and not keyword.iskeyword(field) for field in fields):
        lines = [f"class {name}(TypedDict):"]
        if about := schema.get("description"):
            lines += [f'    """{one_line(about)}"""', ""]
        for field, kind in fields.items():
            lines.append(f"    {field}: {kind}")
            if about := properties[field].get("description"):
                lines.append(f'    """{one_line(about)}"""')
        return "\n".join(lines)
    listed = ", ".join(f"{field!r}: {kind!r}" for field, kind in fields.items())
    return f"{name} = TypedDict({name!r}, {{{listed}}})"


def annotation(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return reference.removeprefix(PREFIX)
    for word in ("oneOf", "anyOf", "allOf"):
        if parts := schema.get(word):
            return union(annotation(part) for part in parts)
    if values := schema.get("enum"):
        return f"Literal[{', '.join(repr(value) for value in values)}]"
    kind = schema.get("type")
    if isinstance(kind, list):
        return union(annotation({**schema, "type": one}) for one in kind)
    if kind == "array":
        return f"list[{annotation(schema.get('items', {}))}]"
    if kind == "object":
        return f"dict[str, {annotation(schema.get('additionalProperties') or {})}]"
    return PLAIN.get(kind or "", "Any")


def union(kinds: Any) -> str:
    return " | ".join(dict.fromkeys(kinds))


def one_line(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
