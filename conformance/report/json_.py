"""`report.json`: the report for programs, and the one that all others can be made from."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from conformance.report.data import SCHEMA, Report
from conformance.report.visible import visible

_REPORT = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """Return the report as pure ASCII JSON, as `report.schema.json` in this package describes it."""
    record = _REPORT.dump_python(report, mode="json", by_alias=True)
    return json.dumps(_without_surrogates(record), indent=1) + "\n"


def from_json(text: str | bytes) -> Report:
    """Return the report that `to_json` wrote.

    Raises `ValueError` with a message of one line if the text is no report, or one with another schema number.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not a report: {error}") from error
    if not isinstance(record, dict) or "schema" not in record:
        raise ValueError("not a report: it has no schema number")
    if record["schema"] != SCHEMA:
        raise ValueError(f"the report has schema {record['schema']!r}; this version reads schema {SCHEMA}")
    try:
        return _REPORT.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"not a report: {where}: {first['msg']}") from error


def _without_surrogates(value: Any) -> Any:
    """Return `value` with lone surrogates as escapes: JSON can spell them, but many readers refuse them."""
    match value:
        case str():
            return value if _encodable(value) else "".join(c if _encodable(c) else visible(c) for c in value)
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list():
            return [_without_surrogates(item) for item in value]
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
