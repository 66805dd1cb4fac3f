"""How the API speaks HTTP: compression, ETags, methods, other origins, errors that say what to do."""

from __future__ import annotations

import gzip
import html
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.api import answers, routes
from dashboard.api.answers import Body, choose, json_body, kept, wants_gzip
from dashboard.api.openapi import Operation
from ingest.store.systems import SystemTables
from tests.support.api_world import client, eventful
from tests.support.dashboard_world import World, frame

FORECAST = "/api/systems/dublin/forecast?minutes=30"


def test_an_answer_that_the_client_has_is_not_sent_again_until_it_changes(world: World) -> None:
    world.commit(frame())
    first = client().get(FORECAST)
    etag = first.headers["etag"]
    for held in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        again = client().get(FORECAST, headers={"If-None-Match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert client().get(FORECAST, headers={"If-None-Match": '"other"'}).status_code == 200
    world.now += timedelta(minutes=1)
    world.commit(frame(at=world.now))
    changed = client().get(FORECAST, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_an_error_is_never_not_modified(world: World) -> None:
    assert client().get("/api/systems/atlantis", headers={"If-None-Match": "*"}).status_code == 404
    assert client().get("/healthz/ready", headers={"If-None-Match": "*"}).status_code == 503


@pytest.mark.parametrize("address", [FORECAST, "/api/systems", "/metrics", "/api/openapi.json"])
def test_an_answer_is_compressed_for_a_client_that_accepts_gzip(world: World, address: str) -> None:
    eventful(world)
    plain = client().get(address, headers={"Accept-Encoding": "gzip;q=0"})
    packed = client().get(address, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert "Accept-Encoding" in plain.headers["vary"]
    if address != "/metrics":  # whose numbers are never the same twice
        assert packed.content == plain.content
        assert packed.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize("address", [FORECAST, "/api/scores?format=csv", "/healthz", "/api/systems/atlantis"])
def test_a_head_request_gets_the_same_headers_and_no_body(world: World, address: str) -> None:
    eventful(world)
    whole, head = client().get(address), client().head(address)
    assert head.content == b""
    assert head.status_code == whole.status_code
    assert head.headers == whole.headers


@pytest.mark.parametrize("operation", routes.OPERATIONS, ids=lambda operation: operation.path)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_methods_that_change_something_are_refused(operation: Operation, method: str) -> None:
    response = client().request(method, operation.path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert set(response.json()) == {"code", "error", "try"}


def test_pages_of_other_origins_may_ask(world: World) -> None:
    world.commit(frame())
    origin = {"Origin": "https://else.example"}
    preflight = client().options(FORECAST, headers=origin | {"Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["access-control-allow-methods"]
    for address in (FORECAST, "/api/systems/atlantis", "/api/nowhere"):
        response = client().get(address, headers=origin)
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("path", ["/api/", "/api/nowhere", "/api/systems/", "/healthz/x"])
def test_an_unknown_address_points_to_the_description(path: str) -> None:
    response = client().get(path)
    assert response.status_code == 404
    assert "/api/openapi.json" in response.json()["try"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/systems?x=1", "'x'"),
        ("/api/systems/dublin/forecast?minutes=1441", "from 0 to 1440"),
        ("/api/systems/dublin/forecast?minutes=-1", "from 0 to 1440"),
        ("/api/systems/dublin/forecast?minutes=3.5", "whole number"),
        ("/api/systems/dublin/forecast?minutes=１０", "whole number"),
        ("/api/systems/dublin/forecast?minutes=" + "9" * 5000, "whole number"),
        ("/api/systems/dublin/forecast?minutes=", "whole number"),
        ("/api/systems/dublin/forecast?minutes=5&minutes=10", "twice"),
        ("/api/systems/dublin/forecast?minutes=5&at=2026-03-02T12:30:00Z", "Give one of them"),
        ("/api/systems/dublin/forecast?at=2026-03-02T12:30:00", "with its zone"),
        ("/api/systems/dublin/forecast?at=0001-01-01T00:00:00%2B14:00", "with its zone"),
        ("/api/systems/dublin/forecast?at=tomorrow", "with its zone"),
        ("/api/systems/du%00blin/forecast", "as /api/systems lists them"),
        ("/api/systems/dublin%0A", "as /api/systems lists them"),
        ("/api/systems/" + "x" * 65, "as /api/systems lists them"),
        ("/api/systems/dublin/stations/" + "x" * 201 + "/forecast", "up to 200 characters"),
        ("/api/scores?minutes=31", "one of 5, 10, 15"),
        ("/api/scores?minutes=" + ",".join(["30"] * 13), "up to 12 values"),
        ("/api/scores?models=a%00b", "up to 40 characters"),
        ("/api/scores?span=year", "one of 5min, hour, day"),
        ("/api/scores?format=xml", "one of json, csv, parquet"),
        ("/api/scores?since=2026-03-02T12:00:00Z&until=2026-03-02T12:00:00Z", "earlier since"),
        ("/api/scores?until=0001-01-01T00:00:00Z", "later until"),
    ],
)
def test_a_parameter_beyond_its_limits_is_refused_and_the_limits_are_named(
    world: World, address: str, words: str
) -> None:
    world.commit(frame())
    response = client().get(address)
    assert response.status_code == 400
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert set(answer) == {"code", "error", "try"}
    assert words in f"{answer['error']} {answer['try']}"
    assert len(response.content) < 600


def test_an_unknown_type_is_refused_and_the_known_types_are_named() -> None:
    response = client().get("/api/systems", headers={"Accept": "text/html, application/json;q=0"})
    assert response.status_code == 406
    assert "application/json" in response.json()["try"]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.4, application/json;q=0.5", "application/json"),
        ("text/csv; charset=utf-8; Q=0.9, */*; q=0.1", "text/csv"),
        ("text/csv;q=nonsense", "text/csv"),
        (";;,,q=1,*/*", "application/json"),
    ],
)
def test_the_type_that_is_accepted_most_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept, ("application/json", "text/csv")) == chosen


def test_gzip_is_sent_where_it_is_named() -> None:
    assert wants_gzip("GZIP;q=0.5")
    assert not wants_gzip("br, identity")


def test_a_body_is_compressed_once() -> None:
    body = json_body({"a": "b" * 1000})
    assert gzip.decompress(body.pack().content) == body.content
    assert body.pack().pack() == body.pack()
    assert body.pack().etag == body.etag


def test_a_failure_is_logged_and_answered_without_a_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: SystemTables) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(SystemTables, "states", broken)
    response = client().get("/api/systems")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert set(response.json()) == {"code", "error", "try"}
    assert any("secret of the house" in (record.exc_text or "") for record in caplog.records)
    assert caplog.records[0].levelno == logging.ERROR


def test_a_coroutine_may_answer_too() -> None:
    async def soon() -> Body:
        return json_body(1)

    endpoint = routes.Endpoint(Operation("/soon", soon, "Soon", {answers.JSON: {}}))
    assert TestClient(Starlette(routes=[Route("/soon", endpoint)])).get("/soon").json() == 1


def test_the_description_is_valid_openapi_and_names_every_route() -> None:
    described = client().get("/api/openapi.json").json()
    OpenAPIV31SpecValidator(described).validate()
    paths = {route.path.replace(":path}", "}") for route in routes.ROUTES if isinstance(route, Route)}
    nowhere = {"/api/{path}", "/gbfs/{path}", "/healthz/{path}"}
    assert set(described["paths"]) == paths - nowhere
    operations = [path["get"] for path in described["paths"].values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, operation in zip(described["paths"], operations, strict=True):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert all(parameter["description"] for parameter in operation["parameters"])


def test_many_requests_at_once_make_one_answer() -> None:
    begun, made = Barrier(8), []

    @kept(4)
    def make(number: int) -> Body:
        made.append(number)
        time.sleep(0.05)  # lets the others in
        return json_body([number] * 1000)

    def ask(_: int) -> Body:
        begun.wait()
        return make(7)

    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(ask, range(8)))
    assert made == [7]
    assert all(body.packed and body == bodies[0] for body in bodies)


def test_an_answer_that_failed_is_made_again() -> None:
    found: list[Body] = []

    @kept(4)
    def make() -> Body:
        if not found:
            raise LookupError
        return found[0]

    with pytest.raises(LookupError):
        make()
    found.append(json_body(1))
    assert make().packed


def test_the_page_for_people_lists_every_route_with_an_example_that_answers(world: World) -> None:
    world.commit(frame())
    page = client().get("/api", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    headings = re.findall(r"<h2>(.*?)</h2>", page.text)
    assert headings == [operation.path for operation in routes.OPERATIONS]
    examples = re.findall(r'<a href="(/[^"]*)"', page.text)
    assert len(examples) == len(headings) + 1
    for address in examples:
        answer = client().get(html.unescape(address))
        assert answer.status_code == 200 or address.startswith("/healthz"), (address, answer.text)


def test_every_code_of_an_error_has_a_status_and_each_occurs() -> None:
    root = Path(answers.__file__).parents[1]
    raised = {
        code
        for path in root.rglob("*.py")
        for code in re.findall(r'ApiError\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert raised == set(answers.STATUS)
