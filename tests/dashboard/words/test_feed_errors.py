"""Every kind of feed error and of finding that ingest knows has words, which the command line has too."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import tests.support.misbehaving as server_that
from dashboard.words.feed_errors import DOCUMENTS, FEED_ERRORS, feed_error
from dashboard.words.findings import FINDINGS, done_about, example, finding, rank
from ingest.gbfs.clock import ClockFinding, offset_reason
from ingest.gbfs.errors import DocumentError, DocumentName, FetchFailed, NoBicycles, NoStations
from ingest.http.errors import FetchError, KeyNeeded, TooSlow
from ingest.own.runner import OwnFinding
from ingest.reason import Argument, Reason, ReasonedError
from ingest.store import findings_json
from ingest.worker.tick import ONLY_OLDER
from tests.support.gbfs_world import Operator

ROOT = Path(__file__).resolve().parents[3]
STORED = {ONLY_OLDER.kind, "clock_behind", "clock_ahead", "unchanged_since", "sentence"}
"""Kinds that no class of error has."""


def below(error: type[ReasonedError]) -> Iterator[type[ReasonedError]]:
    """Give all classes of errors that have a kind of their own."""
    for each in error.__subclasses__():
        if "kind" in vars(each):
            yield each
        yield from below(each)


ERRORS = {each.__name__: each for each in below(ReasonedError)}


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def raised(error: type[ReasonedError]) -> ReasonedError:
    """Make an error with an argument for each placeholder."""
    if issubclass(error, DocumentError):
        return error("station_status")
    values: dict[str, Argument] = {"seconds": 0.4, "megabytes": 20.0, "status": 418, "stations": 10_001}
    given = {name: values.get(name, f"<{name}>") for name in placeholders(error.template)}
    return error(retry_after=None, **given)


@pytest.mark.parametrize("name", ERRORS)
def test_each_kind_of_error_has_the_words_of_the_command_line(name: str) -> None:
    error = raised(ERRORS[name])
    assert feed_error(error.reason) == str(error)
    assert feed_error(Reason.from_json(error.reason.to_json())) == str(error)
    assert error.reason.kind in FEED_ERRORS


def test_each_kind_belongs_to_one_class_and_every_message_to_a_kind() -> None:
    kinds = [error.kind for error in ERRORS.values()]
    assert len(set(kinds)) == len(kinds) > 30
    assert {*kinds, *STORED} == set(FEED_ERRORS)
    coarse = {error.counted_as for error in ERRORS.values()} - {""}
    assert coarse <= set(kinds)


def calls(folder: str) -> Iterator[ast.Call]:
    for path in sorted((ROOT / "ingest" / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def test_each_error_is_raised_with_the_arguments_of_its_template() -> None:
    found = set()
    for call in (*calls("http"), *calls("gbfs")):
        for name in (node.id for node in ast.walk(call.func) if isinstance(node, ast.Name)):
            error = ERRORS.get(name)
            if error is None or issubclass(error, DocumentError):
                continue
            given = {keyword.arg for keyword in call.keywords} - {"retry_after"}
            assert given == placeholders(error.template), name
            found.add(name)
    assert len(found) > 15


def test_every_document_has_a_name_in_words() -> None:
    assert set(get_args(DocumentName)) == set(DOCUMENTS)


def test_a_failed_fetch_keeps_its_reason_and_says_who_can_mend_it() -> None:
    slow, key = (TooSlow(host="bikes.example", seconds=30), KeyNeeded(host="bikes.example", status=403))
    assert [FetchFailed(error).state for error in (slow, key)] == ["unreachable", "refused"]
    assert FetchFailed(slow).reason == slow.reason
    assert str(FetchFailed(slow)) == "bikes.example took longer than 30 seconds"
    assert isinstance(slow, FetchError)


def test_a_sentence_of_an_older_release_is_shown_as_it_is() -> None:
    assert feed_error(Reason("sentence", {"text": "no {answer} <b>"})) == "no {answer} <b>"


def test_no_reason_has_no_words_and_an_unknown_kind_its_own_name() -> None:
    assert feed_error(None) == ""
    assert feed_error(Reason("of_tomorrow", {"host": "x"})) == "of_tomorrow"


def test_a_silent_feed_that_sends_old_documents_says_so() -> None:
    assert feed_error(ONLY_OLDER) == "what it sends is older than what it sent before"


def test_a_clock_set_wrong_says_by_how_much() -> None:
    assert example(offset_reason(timedelta(hours=5)) or "") == "the feed's clock is 5 h 0 min behind"
    assert example(offset_reason(-timedelta(minutes=50)) or "") == "the feed's clock is 0 h 50 min ahead"


def test_a_system_that_cannot_be_forecast_is_polled_again_in_hours() -> None:
    assert NoStations().retry_after == NoBicycles().retry_after == timedelta(hours=6)


# ---------------------------------------------------------------- findings


def kinds_of_findings() -> set[str]:
    """Read every kind that `Findings.add` is called with, from the source; some have a type of their own."""
    found = {*get_args(ClockFinding), *get_args(OwnFinding)} - {""}
    for call in calls("gbfs"):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add" and call.args:
            kind = call.args[0]
            options = (kind.body, kind.orelse) if isinstance(kind, ast.IfExp) else (kind,)
            found |= {each.value for each in options if isinstance(each, ast.Constant)}
    return found


def test_every_kind_of_finding_has_words_and_no_other_has() -> None:
    assert kinds_of_findings() == set(FINDINGS)
    for kind in FINDINGS:
        assert finding(kind) != kind
        assert done_about(kind)
    assert "no forecast of spaces" in done_about("no_docks")


def test_kinds_of_findings_are_ranked_by_their_harm_to_a_rider() -> None:
    """Wrong counts come before hours, hours before times, and times before names."""
    ranked = ["contradicted", "bad_count", "unknown_type", "bad_hours", "no_docks", "wrong_clock", "no_name"]
    ranks = [rank(kind) for kind in (*ranked, "of_tomorrow")]
    assert ranks == sorted(ranks)
    assert len({rank(kind) for kind in FINDINGS}) == len(FINDINGS)


def test_the_example_of_a_bad_document_is_a_reason(operator: Operator) -> None:
    """No sentence is stored: the reader's language is known only when somebody reads it."""
    operator.server.at("/system_information.json", server_that.body(b"<html>"))
    findings = operator.poll().findings
    stored = json.loads(findings_json(findings))
    bad = next(each for each in stored if each["kind"] == "bad_document")
    assert bad["example"] == {"kind": "web_page", "arguments": {"document": "system_information"}}
    assert example(Reason(**bad["example"])) == "a web page came instead of the system information"
