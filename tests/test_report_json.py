"""`report.json`: valid against its schema, and read back as it was."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.report import badge
from conformance.report.data import Report
from conformance.report.json_ import from_json, to_json
from tests.report_samples import HOSTILE, hostile_report

SCHEMA = json.loads(files("conformance.report").joinpath("report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_report_is_ascii_and_valid(text: str) -> None:
    written = to_json(hostile_report(text))
    assert written.isascii()
    assert all(character.isprintable() or character == "\n" for character in written)
    VALIDATOR.validate(json.loads(written))


@given(st.text())
@settings(deadline=None)
def test_round_trip(text: str) -> None:
    report = hostile_report(text)
    assert from_json(to_json(report)) == report


@given(st.text(st.characters(exclude_categories=())))
@settings(deadline=None)
def test_lone_surrogates_become_escapes(text: str) -> None:
    written = to_json(hostile_report(text))
    json.loads(written)["target"]["name"].encode()
    assert to_json(from_json(written)) == written


def changed(path: str, value: Any) -> str:
    """Return a report in which the item at `path` is another."""
    record = json.loads(to_json(hostile_report("x")))
    place = record
    *parents, last = path.split(".")
    for step in parents:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    return json.dumps(record)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a report: Expecting value"),
        ("[]", "not a report: it has no schema number"),
        ("{}", "not a report: it has no schema number"),
        (changed("schema", 2), "the report has schema 2; this version reads schema 1"),
        (changed("schema", "1"), "the report has schema '1'; this version reads schema 1"),
        (changed("checks.0.verdict", "green"), "not a report: checks.0.verdict: "),
        (changed("checks.0.surprise", 1), "not a report: checks.0.surprise: "),
        (changed("run.seed", "1"), "not a report: run.seed: "),
        (changed("checks.0.violated", ["R1-1-X-01"]), "not a report: .*names R1-1-X-01"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as error:
        from_json(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 2),
        ("surprise", 1),
        ("checks.0.verdict", "green"),
        ("checks.0.transcript.0.from", "nobody"),
        ("checks.0.duration_s", "1"),
        ("requirements.0.checks", "one"),
        ("target.greeting", 1),
        ("target.capabilities.x", "TOP"),
        ("run.options.gate", 1),
        ("summary.checks.pass", -1),
    ],
)
def test_the_schema_is_strict(path: str, value: Any) -> None:
    assert not VALIDATOR.is_valid(json.loads(changed(path, value)))


def test_the_schema_asks_for_every_field() -> None:
    def objects(value: Any) -> list[dict[str, Any]]:
        nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = [item for part in nested for item in objects(part)]
        return [value, *found] if isinstance(value, dict) and "properties" in value else found

    described = objects(SCHEMA)
    assert len(described) > 10
    for entry in described:
        assert set(entry["required"]) == set(entry["properties"])
        assert entry["additionalProperties"] is False


@pytest.mark.parametrize("text", HOSTILE)
def test_the_badge_is_a_shields_endpoint(text: str) -> None:
    made = json.loads(badge.render(hostile_report(text)))
    assert set(made) == {"schemaVersion", "label", "message", "color"}
    assert made["schemaVersion"] == 1
    assert made["label"]
    assert made["message"].endswith(": 1 violation")
    assert len(made["message"]) < 500
    assert made["color"] == "red"


def test_the_badge_names_suite_and_server() -> None:
    report: Report = hostile_report("MyServer")
    assert json.loads(badge.render(report)) == {
        "schemaVersion": 1,
        "label": "MyServer MyServer",
        "message": "MyServer: 1 violation",
        "color": "red",
    }
