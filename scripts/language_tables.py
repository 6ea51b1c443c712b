"""Writes the tables of fields into ``docs/language.md``: ``python -m scripts.language_tables``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from orchestrator.workflow.field_tables import TABLES, FieldTable
from orchestrator.workflow.mapreduce_tables import MAPREDUCE_TABLES
from orchestrator.workflow.schema_types import TYPES

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "language.md"
_PLACE = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.S)
_ALL = {**TABLES, **MAPREDUCE_TABLES}


def table_text(table: FieldTable) -> str:
    """A table as Markdown."""
    lines = ["| field | type | default | meaning |", "|---|---|---|---|"]
    for row in table.rows:
        names = ", ".join(f"`{name}`" for name in row.names)
        default = "required" if row.required else row.default
        cells = (names, _type_of(row.type), default, row.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _type_of(name: str) -> str:
    return TYPES[name][0] if name in TYPES else "map"


def with_tables(text: str) -> str:
    """The document with every marked table as it is now."""
    return _PLACE.sub(lambda m: f"{m[1]}{table_text(_ALL[m[2]])}\n{m[3]}", text)


def main() -> int:
    """Write the tables; 1 when ``--check`` finds old ones."""
    old = DOCUMENT.read_text("utf-8")
    new = with_tables(old)
    if "--check" in sys.argv[1:]:
        return 0 if new == old else 1
    DOCUMENT.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
