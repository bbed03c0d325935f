"""Write docs/config.md and docs/findings.md from the code; with --check, fail where they are not what it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, get_args, get_origin

from convergent.cli import flag
from convergent.config import Config
from convergent.doctor.findings import CODES

CONFIG_HEAD = """# Options

Made from the schema in `src/convergent/config.py` by `make docs`. The same names serve everywhere: `--batch-size 64`
on the command line, `batch_size: 64` in the YAML file of `--config`, `batch_size=64` in Python. An option that is not
given is chosen from the data where its default is empty; the complete result stands in `RUN/config.yaml`.
"""

FINDINGS_HEAD = """# What the doctor may find

Made from the vocabulary in `src/convergent/doctor/codes/` by `make docs`. A code is a public contract: it stands in
the JSON of `convergent diagnose`, in reports and in tests, and is never renamed. A finding adds to what stands here
where it was found, the evidence as numbers, and how severe it is: `critical` means that this training will fail or that
its result is not to be trusted; `warning` that it could be clearly better; `info` is good to know.
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


def config_page() -> str:
    """Return docs/config.md."""
    lines, group = [CONFIG_HEAD], ""
    for name, field in Config.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        if extra["group"] != group:
            group = str(extra["group"])
            lines.append(f"\n## {group}\n\n| option | type | default | meaning |\n|---|---|---|---|")
        default = "" if field.default in (None, []) else f"`{field.default}`"
        lines.append(f"| `{flag(name)}` | {type_name(field.annotation)} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def findings_page() -> str:
    """Return docs/findings.md."""
    lines, family = [FINDINGS_HEAD], ""
    for name, code in CODES.items():
        if name.partition("/")[0] != family:
            family = name.partition("/")[0]
            lines.append(f"\n## {family}\n")
        remedies = "\n".join(f"{index}. {remedy}" for index, remedy in enumerate(code.remedies, 1))
        lines.append(f"### {name}\n\nWhat it says: {code.says}. {code.why}\n\n{remedies}\n\nSource: {code.source}\n")
    return "\n".join(lines)


PAGES = {"config.md": config_page, "findings.md": findings_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        path = Path(__file__).with_name(name)
        if "--check" not in sys.argv:
            path.write_text(page(), encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page():
            sys.exit(f"docs/{name} is not what the code says: run `make docs` and commit it.")
