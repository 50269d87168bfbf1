"""The requirements catalogue: what is in it, and what its loader refuses."""

from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from conformance.requirements import Requirement, Suffering, catalogue_digest, load_catalogue

ENTRY = """
[[requirement]]
id = "R1939-5-DELE-03"
section = "5"
line = 456
level = "DESCRIPTIVE"
cap = "FAIL"
statement = "DELE marks one message as deleted."
"""


def catalogue_of(directory: Path, text: str) -> Path:
    (directory / "rfc.toml").write_text(text, encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("rfc", "count"), [(1081, 1), (1082, 6), (1460, 7), (1725, 4), (1939, 221), (1957, 3)], ids=str
)
def test_each_rfc_is_there_with_all_its_requirements(rfc: int, count: int) -> None:
    assert Counter(requirement.rfc for requirement in load_catalogue().values())[rfc] == count


def test_the_catalogue_is_ordered_by_rfc_and_place() -> None:
    places = [(requirement.rfc, requirement.line) for requirement in load_catalogue().values()]
    assert places == sorted(places)


def test_each_key_is_the_id_of_its_requirement() -> None:
    assert all(id_ == requirement.id for id_, requirement in load_catalogue().items())


def test_each_statement_is_a_sentence() -> None:
    no_sentence = [
        requirement.id
        for requirement in load_catalogue().values()
        if len(requirement.statement.split()) < 5 or not requirement.statement.endswith(".")
    ]
    assert no_sentence == []


def test_no_two_requirements_of_a_section_say_the_same() -> None:
    said = Counter(requirement.statement for requirement in load_catalogue().values())
    assert [statement for statement, count in said.items() if count > 1] == []


def test_what_cannot_be_tested_cannot_be_judged_and_says_why() -> None:
    for requirement in load_catalogue().values():
        untestable = requirement.testable == "no"
        assert untestable == (requirement.cap == "NONE") == bool(requirement.why_not), requirement.id


def test_recommendations_are_never_a_failure() -> None:
    capped = {
        requirement.id
        for requirement in load_catalogue().values()
        if requirement.level in ("SHOULD", "SHOULD NOT") and requirement.cap == "FAIL"
    }
    assert capped == set()


def test_an_ambiguous_requirement_says_what_is_lawful() -> None:
    silent = {
        requirement.id
        for requirement in load_catalogue().values()
        if requirement.ambiguous and requirement.cap == "FAIL" and not requirement.fairness
    }
    # Nobody reads a command that its CRLF never ended as given: what is doubtful there is only the server's tolerance.
    assert silent == {"R1939-3-CMD-SYNTAX-05"}


def test_each_suffering_client_has_an_effect_and_a_source() -> None:
    sufferings = [suffering for requirement in load_catalogue().values() for suffering in requirement.clients]
    assert sufferings
    assert all(suffering.client and suffering.effect and suffering.source for suffering in sufferings)


def test_the_catalogue_cannot_be_changed() -> None:
    catalogue = load_catalogue()
    with pytest.raises(TypeError):
        catalogue["R1939-5-DELE-03"] = catalogue["R1939-5-DELE-03"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        catalogue["R1939-5-DELE-03"].cap = "NONE"  # type: ignore[misc]


def test_the_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_an_entry_is_read_with_its_defaults(tmp_path: Path) -> None:
    assert load_catalogue(catalogue_of(tmp_path, ENTRY))["R1939-5-DELE-03"] == Requirement(
        id="R1939-5-DELE-03",
        section="5",
        line=456,
        level="DESCRIPTIVE",
        statement="DELE marks one message as deleted.",
        cap="FAIL",
        testable="yes",
        why_not="",
        ambiguous=False,
        restates=False,
        needs=(),
        fairness="",
        clients=(),
    )


def test_an_entry_is_read_with_all_its_fields(tmp_path: Path) -> None:
    text = (
        ENTRY
        + """
testable = "partly"
ambiguous = true
restates = true
needs = ["acct", "msgs>=2"]
fairness = "A read-only maildrop may refuse."
clients = [{ client = "MailKit", effect = "stops", source = "jstedfast/MailKit#1634" }]
"""
    )
    requirement = load_catalogue(catalogue_of(tmp_path, text))["R1939-5-DELE-03"]
    assert requirement.testable == "partly"
    assert requirement.ambiguous
    assert requirement.restates
    assert requirement.needs == ("acct", "msgs>=2")
    assert requirement.fairness == "A read-only maildrop may refuse."
    assert requirement.clients == (Suffering("MailKit", "stops", "jstedfast/MailKit#1634"),)


@pytest.mark.parametrize(
    ("id_", "rfc", "topic", "url"),
    [
        ("R1939-5-DELE-03", 1939, "DELE", "https://www.rfc-editor.org/rfc/rfc1939#section-5"),
        ("R1939-3-CMD-SYNTAX-01", 1939, "CMD-SYNTAX", "https://www.rfc-editor.org/rfc/rfc1939#section-3"),
        ("R2449-6.2-USER-03", 2449, "USER", "https://www.rfc-editor.org/rfc/rfc2449#section-6.2"),
        ("R1939-A-LIST-01", 1939, "LIST", "https://www.rfc-editor.org/rfc/rfc1939#appendix-A"),
        ("R1957-x-CRAM-MD5-01", 1957, "CRAM-MD5", "https://www.rfc-editor.org/rfc/rfc1957"),
    ],
)
def test_rfc_topic_and_address_follow_from_the_id(id_: str, rfc: int, topic: str, url: str) -> None:
    requirement = Requirement(id=id_, section="", line=1, level="MUST", statement="Something is so.", cap="FAIL")
    assert (requirement.rfc, requirement.topic, requirement.url) == (rfc, topic, url)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('level = "DESCRIPTIVE"', 'level = "WILL"', r"level is 'WILL', not one of MUST, MUST NOT, SHOULD"),
        ('cap = "FAIL"', 'cap = "fail"', "cap is 'fail', not one of FAIL, WARN, INFO, NONE"),
        ('cap = "FAIL"', 'cap = "FAIL"\ntestable = "maybe"', "testable is 'maybe', not one of yes, partly, no"),
        ('cap = "FAIL"', 'cap = "FAIL"\ntestable = "no"', "why_not is missing"),
        ('cap = "FAIL"', 'cap = "NONE"', "why_not is missing"),
        ('section = "5"', 'section = "7"', "the id names section 5, the entry section 7"),
        ("line = 456", "", "missing line"),
        ("line = 456", "line = 456\nlines = 2", "unknown key lines"),
        ("line = 456", 'line = 456\nclients = [{ client = "MailKit" }]', "missing effect, source"),
    ],
    ids=["level", "cap", "testable", "untestable", "unjudged", "section", "missing", "unknown", "client"],
)
def test_a_defect_is_refused_with_the_file_and_the_id(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"rfc\.toml: R1939-5-DELE-03: {message}"):
        load_catalogue(catalogue_of(tmp_path, ENTRY.replace(old, new)))


@pytest.mark.parametrize(
    "id_", ["DELE-03", "R1939-5-DELE-3", "R1939-DELE-03", "R1939-5-dele-03", "R1939-5-DELE-03 ", "R01939-5-DELE-03"]
)
def test_an_id_of_another_form_is_refused(tmp_path: Path, id_: str) -> None:
    with pytest.raises(ValueError, match=f"rfc.toml: {id_}: the id does not have the form"):
        load_catalogue(catalogue_of(tmp_path, ENTRY.replace("R1939-5-DELE-03", id_)))


def test_an_entry_without_an_id_is_refused(tmp_path: Path) -> None:
    text = ENTRY.replace('id = "R1939-5-DELE-03"', "")
    with pytest.raises(ValueError, match=r"rfc\.toml: a requirement without an id: missing id"):
        load_catalogue(catalogue_of(tmp_path, text))


def test_an_id_that_two_files_give_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(ENTRY, encoding="utf-8")
    with pytest.raises(ValueError, match="more than one requirement has the id R1939-5-DELE-03"):
        load_catalogue(catalogue_of(tmp_path, ENTRY))


def test_a_table_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rfc\.toml: unknown key requirements"):
        load_catalogue(catalogue_of(tmp_path, ENTRY.replace("[[requirement]]", "[[requirements]]")))


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rfc\.toml: "):
        load_catalogue(catalogue_of(tmp_path, "[[requirement"))


def test_the_digest_is_stable_and_short() -> None:
    assert catalogue_digest() == catalogue_digest()
    assert len(catalogue_digest()) == 12
    assert set(catalogue_digest()) <= set("0123456789abcdef")


def test_the_digest_changes_with_the_content(tmp_path: Path) -> None:
    directories = [tmp_path / name for name in ("first", "same", "changed")]
    for directory in directories:
        directory.mkdir()
    first, same, changed = directories
    catalogue_of(first, ENTRY)
    catalogue_of(same, ENTRY)
    catalogue_of(changed, ENTRY.replace("one message", "two messages"))
    assert catalogue_digest(first) == catalogue_digest(same)
    assert catalogue_digest(first) != catalogue_digest(changed)
