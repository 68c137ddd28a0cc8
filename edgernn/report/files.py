"""report.json, report.html and report.md as files: validated, written whole or not at all, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgernn import archive
from edgernn.errors import ExportError, InputError

_FOLDER = Path(__file__).parent


def schema_path() -> Path:
    """The JSON Schema (draft 2020-12) of report.json."""
    return _FOLDER / "schema.json"


def fault(report: Any) -> str | None:
    """What is wrong with a report, as `where: what` on one line; None when it satisfies the schema."""
    import jsonschema

    schema = json.loads(schema_path().read_text("utf-8"))
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(report))
    if error is None:
        return None
    return " ".join(f"{error.json_path.removeprefix('$.')}: {error.message}"[:300].split())


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Write report.json, report.html and report.md into `folder`, each atomically.

    Raises ExportError when the report does not satisfy the schema, InputError when the folder cannot be
    written.
    """
    from edgernn.report.render import html, markdown

    text = _canonical(report)
    plain = json.loads(text)  # what `load` will read, so that both render the same
    wrong = fault(plain)
    if wrong:
        raise ExportError(f"the report does not satisfy its schema at {wrong}")
    contents = {"report.json": text, "report.html": html(plain), "report.md": markdown(plain)}
    for name, content in contents.items():
        archive.write_text(folder / name, content)


def load(folder: Path) -> dict[str, Any]:
    """Read report.json of a build folder.

    Raises InputError when it is missing, is not JSON, is of another schema, or does not satisfy it.
    """
    path = folder / "report.json"
    again = "run `edgernn build` again"
    try:
        report = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the folder of a finished build") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not a JSON document; {again}") from None
    if not isinstance(report, dict) or report.get("schema") != 1:
        raise InputError(f"{path}: not a report of schema 1; {again} with this version")
    wrong = fault(report)
    if wrong:
        raise InputError(f"{path}: {wrong}; {again}")
    return report


def _canonical(report: Mapping[str, Any]) -> str:
    try:
        return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ExportError(f"the report holds what JSON cannot: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
