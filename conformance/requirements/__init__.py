"""The requirements catalogue: each normative statement of the RFCs that the suite knows, and who suffers from a breach.

The catalogue is data: one TOML file per RFC beside this module, each a list of `[[requirement]]` tables in the order
of the RFC's text, with defaults left out. Ids are frozen: one that was published never changes its meaning.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["Requirement", "Suffering", "catalogue_digest", "load_catalogue"]

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "GRAMMAR", "DESCRIPTIVE")
CAPS = ("FAIL", "WARN", "INFO", "NONE")
TESTABLE = ("yes", "partly", "no")

_DIRECTORY = Path(__file__).parent
_ID = re.compile(
    r"R(?P<rfc>[1-9]\d*)"
    r"-(?P<section>\d+(?:\.\d+)*|[A-Z](?:\.\d+)*|x)"  # "A" is an appendix, "x" a part without a number
    r"-(?P<topic>[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*)"
    r"-\d\d"
)


@dataclass(frozen=True, slots=True)
class Suffering:
    """What a breach of a requirement did to one client, and where that is recorded."""

    client: str
    effect: str
    source: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement of one RFC.

    statement: what is required, in our own words.
    level: the RFC's word for it; GRAMMAR and DESCRIPTIVE for prose without one.
    section, line: where it stands: the section's number (its heading where it has none), the line of the RFC's text.
    cap: the worst verdict that a breach may get; NONE where nothing can be observed.
    why_not: why no check can verify it, where testable is "no".
    ambiguous: the text has more than one fair reading.
    restates: says again what another requirement says.
    needs: what a check of it needs beyond one connection: "acct" and "acct2" are accounts, "conn2" a second connection,
        "msgs>=2" that many messages, "known-messages" seeded ones, "cap:TOP" a capability, "long-wait" minutes of time.
    fairness: lawful behaviours that must not be blamed.
    """

    id: str
    section: str
    line: int
    level: str
    statement: str
    cap: str
    testable: str = "yes"
    why_not: str = ""
    ambiguous: bool = False
    restates: bool = False
    needs: tuple[str, ...] = ()
    fairness: str = ""
    clients: tuple[Suffering, ...] = ()

    @property
    def rfc(self) -> int:
        """The number of the RFC."""
        return int(_parts(self.id)["rfc"])

    @property
    def topic(self) -> str:
        """What it is about: `DELE`, `CMD-SYNTAX`."""
        return _parts(self.id)["topic"]

    @property
    def url(self) -> str:
        """The address of the section at the RFC Editor, or of the RFC where the part has no number."""
        parts = _parts(self.id)
        page = f"https://www.rfc-editor.org/rfc/rfc{parts['rfc']}"
        section = parts["section"]
        if section == "x":
            return page
        return f"{page}#{'section' if section[0].isdigit() else 'appendix'}-{section}"


@cache
def load_catalogue(directory: Path = _DIRECTORY) -> Mapping[str, Requirement]:
    """Return all requirements by id, ordered by RFC and by their place in its text.

    Raises ValueError, naming the file and the entry, where the catalogue contradicts itself.
    """
    found = [requirement for file in _files(directory) for requirement in _read(file)]
    if twice := [id_ for id_, count in Counter(requirement.id for requirement in found).items() if count > 1]:
        raise ValueError(f"{directory}: more than one requirement has the id {', '.join(twice)}")
    found.sort(key=lambda requirement: (requirement.rfc, requirement.line))
    return MappingProxyType({requirement.id: requirement for requirement in found})


@cache
def catalogue_digest(directory: Path = _DIRECTORY) -> str:
    """Return 12 hexadecimal digits that change with the catalogue's content: the start of the files' SHA-256."""
    digest = hashlib.sha256()
    for file in _files(directory):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.toml"))


def _read(file: Path) -> Iterator[Requirement]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        _require_known(document, {"requirement"})
        for table in document.get("requirement", []):
            yield _requirement(table)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _requirement(table: dict[str, Any]) -> Requirement:
    name = table.get("id", "a requirement without an id")
    try:
        _require_keys(Requirement, table)
        clients = tuple(_suffering(client) for client in table.get("clients", []))
        requirement = Requirement(**table | {"needs": tuple(table.get("needs", ())), "clients": clients})
        _validate(requirement)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return requirement


def _suffering(table: dict[str, Any]) -> Suffering:
    _require_keys(Suffering, table)
    return Suffering(**table)


def _validate(requirement: Requirement) -> None:
    section = _parts(requirement.id)["section"]
    if section not in ("x", requirement.section):
        raise ValueError(f"the id names section {section}, the entry section {requirement.section}")
    _require_one_of("level", requirement.level, LEVELS)
    _require_one_of("cap", requirement.cap, CAPS)
    _require_one_of("testable", requirement.testable, TESTABLE)
    if (requirement.testable == "no" or requirement.cap == "NONE") and not requirement.why_not:
        raise ValueError("why_not is missing: say why it cannot be verified")


def _parts(id_: str) -> dict[str, str]:
    match = _ID.fullmatch(id_)
    if not match:
        raise ValueError("the id does not have the form R<rfc>-<section>-<TOPIC>-<nn>")
    return match.groupdict()


def _require_keys(cls: type[Requirement] | type[Suffering], table: dict[str, Any]) -> None:
    _require_known(table, {field.name for field in fields(cls)})
    if missing := [field.name for field in fields(cls) if field.default is MISSING and field.name not in table]:
        raise ValueError(f"missing {', '.join(missing)}")


def _require_known(table: Collection[str], known: set[str]) -> None:
    if unknown := sorted(set(table) - known):
        raise ValueError(f"unknown key {', '.join(unknown)}")


def _require_one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key} is {value!r}, not one of {', '.join(allowed)}")
