"""`junit.xml`: valid, and with the outcome that a CI server must show."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from conformance.report import junit
from conformance.verdict import Verdict
from tests.report_samples import HOSTILE, A, hostile_report, report_of, result

# What the Jenkins plugin and the readers that follow it accept, in our own words: the parts of a suite and of a case
# in their order, the attributes each must and may have, and nothing else.
XSD = etree.XMLSchema(
    etree.fromstring("""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:simpleType name="seconds"><xs:restriction base="xs:string">
  <xs:pattern value="[0-9]+(\\.[0-9]{1,3})?"/>
 </xs:restriction></xs:simpleType>
 <xs:complexType name="outcome"><xs:simpleContent><xs:extension base="xs:string">
  <xs:attribute name="type" type="xs:string"/>
  <xs:attribute name="message" type="xs:string"/>
 </xs:extension></xs:simpleContent></xs:complexType>
 <xs:element name="property"><xs:complexType>
  <xs:attribute name="name" type="xs:string" use="required"/>
  <xs:attribute name="value" type="xs:string" use="required"/>
 </xs:complexType></xs:element>
 <xs:element name="testcase"><xs:complexType><xs:sequence>
   <xs:choice minOccurs="0">
    <xs:element name="skipped" type="outcome"/>
    <xs:element name="error" type="outcome"/>
    <xs:element name="failure" type="outcome"/>
   </xs:choice>
   <xs:element name="system-out" type="xs:string" minOccurs="0"/>
   <xs:element name="system-err" type="xs:string" minOccurs="0"/>
  </xs:sequence>
  <xs:attribute name="name" type="xs:string" use="required"/>
  <xs:attribute name="classname" type="xs:string" use="required"/>
  <xs:attribute name="time" type="seconds"/>
 </xs:complexType></xs:element>
 <xs:element name="testsuite"><xs:complexType><xs:sequence>
   <xs:element name="properties" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:element ref="property" maxOccurs="unbounded"/>
   </xs:sequence></xs:complexType></xs:element>
   <xs:element ref="testcase" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
  <xs:attribute name="name" type="xs:string" use="required"/>
  <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
  <xs:attribute name="time" type="seconds"/>
  <xs:attribute name="timestamp"><xs:simpleType><xs:restriction base="xs:dateTime">
   <xs:pattern value="[0-9-]{10}T[0-9:]{8}"/>
  </xs:restriction></xs:simpleType></xs:attribute>
  <xs:attribute name="hostname" type="xs:string"/>
 </xs:complexType></xs:element>
 <xs:element name="testsuites"><xs:complexType><xs:sequence>
   <xs:element ref="testsuite" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence>
  <xs:attribute name="name" type="xs:string"/>
  <xs:attribute name="tests" type="xs:nonNegativeInteger"/>
  <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
  <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
  <xs:attribute name="time" type="seconds"/>
 </xs:complexType></xs:element>
</xs:schema>
""")
)


def parsed(text: str) -> etree._Element:
    root = etree.fromstring(text.encode())
    XSD.assertValid(root)
    return root


@pytest.mark.parametrize("gate", ["must", "should", "never"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str, gate: str) -> None:
    root = parsed(junit.render(hostile_report(text, gate)))
    assert len(root.findall(".//testcase")) == len(Verdict) + 1


@given(st.text(st.characters(exclude_categories=())))
@settings(deadline=None)
def test_any_text_is_valid_xml(text: str) -> None:
    parsed(junit.render(hostile_report(text)))


def test_control_characters_are_seen() -> None:
    root = parsed(junit.render(hostile_report("a\x00\x1b\ufffe")))
    assert root.find(".//failure").get("message") == "a\\x00\\x1b\\u{fffe}"


@pytest.mark.parametrize(
    ("verdict", "gate", "outcome"),
    [
        (Verdict.PASS, "must", []),
        (Verdict.FAIL, "must", ["failure"]),
        (Verdict.FAIL, "never", ["failure"]),
        (Verdict.WARN, "must", ["system-out"]),
        (Verdict.WARN, "should", ["failure"]),
        (Verdict.INFO, "should", ["system-out"]),
        (Verdict.KNOWN, "should", ["system-out"]),
        (Verdict.ERROR, "must", ["error"]),
        (Verdict.NOT_RUN, "must", ["skipped"]),
        (Verdict.NOT_APPLICABLE, "must", ["skipped"]),
    ],
)
def test_outcomes(verdict: Verdict, gate: str, outcome: list[str]) -> None:
    root = parsed(junit.render(hostile_report("x", gate)))
    case = root.find(f".//testcase[@classname='pop3.{verdict}']")
    assert [child.tag for child in case] == outcome
    assert case.get("name") == "x"


def test_a_skip_says_why() -> None:
    root = parsed(junit.render(report_of(result("topic/a", Verdict.NOT_RUN, A, reason="one account only"))))
    assert root.find(".//skipped").get("message") == "not-run: one account only"


def test_totals() -> None:
    root = parsed(junit.render(hostile_report("x")))
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "9",
        "failures": "1",
        "errors": "1",
    }
    (skipping,) = root.findall(".//testsuite[@name='not-run']")
    assert (skipping.get("tests"), skipping.get("skipped")) == ("1", "1")


def test_a_run_that_tested_nothing_is_not_green() -> None:
    root = parsed(junit.render(report_of(exit=3, notes=("cannot connect",))))
    (error,) = root.findall(".//testcase[@classname='pop3.run']/error")
    assert error.get("message").startswith("Could not be tested.")
    assert error.text == "cannot connect"


def test_names_stay_the_same() -> None:
    text = junit.render(report_of(result("states/refused:STAT", Verdict.PASS, A)))
    assert re.search('<testcase classname="pop3.states" name="refused:STAT" time="0.000" ?/>', text)
    assert 'timestamp="2026-01-02T03:04:05"' in text
