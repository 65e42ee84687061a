"""A comparison's checks as JUnit XML, a test case each, as continuous integration reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from evalkit.reports.compare_text import check_text
from evalkit.reports.display import clean


def render(comparison: Mapping[str, Any]) -> str:
    """The XML. A failed check is a failure, an undecided one is skipped (a failure where the comparison is strict).

    Names are somebody else's: what XML can't hold is made visible, the rest is escaped.
    """
    checks, strict = comparison["checks"], comparison["strict"]
    failures = sum(_fails(check, strict) for check in checks)
    skipped = sum(check["result"] == "undecided" and not strict for check in checks)
    counts = {"tests": str(len(checks)), "failures": str(failures), "errors": "0", "skipped": str(skipped), "time": "0"}
    name = f"evalkit compare {clean(comparison['a']['id'])} {clean(comparison['b']['id'])}"
    root = ElementTree.Element("testsuites", {"name": name, **counts})
    stamp = str(comparison["b"]["created_at"]).rstrip("Z")
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts, "timestamp": stamp})
    for check in checks:
        _case(suite, check, strict)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _fails(check: Mapping[str, Any], strict: bool) -> bool:
    return check["result"] == "fail" or (strict and check["result"] == "undecided")


def _case(suite: ElementTree.Element, check: Mapping[str, Any], strict: bool) -> None:
    name = f"{clean(check['model'])}: {clean(check['check'])}"
    attributes = {"classname": f"evalkit.{check['kind']}", "name": name, "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    said = clean(check_text(check))
    if _fails(check, strict):
        failure = ElementTree.SubElement(case, "failure", {"message": said, "type": check["result"]})
        failure.text = said
    elif check["result"] == "undecided":
        ElementTree.SubElement(case, "skipped", {"message": f"undecided: {said}"})
    else:
        ElementTree.SubElement(case, "system-out").text = said
