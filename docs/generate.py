"""Write docs/config.md from the schema; with --check, fail where it is not what the schema says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, get_args, get_origin

from convergent.cli import flag
from convergent.config import Config

PAGE = Path(__file__).with_name("config.md")
HEAD = """# Options

Made from the schema in `src/convergent/config.py` by `make docs`. The same names serve everywhere: `--batch-size 64`
on the command line, `batch_size: 64` in the YAML file of `--config`, `batch_size=64` in Python. An option that is not
given is chosen from the data where its default is empty; the complete result stands in `RUN/config.yaml`.
"""


def type_name(annotation: object) -> str:
    """Return a field's type as a reader of the page would write it."""
    if annotation is type(None):
        return ""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is list:
        return "list"
    parts = [type_name(part) for part in get_args(annotation)]
    if parts:
        return " or ".join(part for part in parts if part)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[annotation.__name__]


def page() -> str:
    """Return docs/config.md."""
    lines, group = [HEAD], ""
    for name, field in Config.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        if extra["group"] != group:
            group = str(extra["group"])
            lines.append(f"\n## {group}\n\n| option | type | default | meaning |\n|---|---|---|---|")
        default = "" if field.default in (None, []) else f"`{field.default}`"
        lines.append(f"| `{flag(name)}` | {type_name(field.annotation)} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/config.md is not what the schema says: run `make docs` and commit it.")
    else:
        PAGE.write_text(page(), encoding="utf-8")
