"""What we serve answers to the names of this machine, and to no page of another site."""

import asyncio

import pytest

from flows.guarded_server import OwnHostOnly


async def inner(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


def answer(headers, kind="http", names=()):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(n.encode(), v.encode()) for n, v in headers]}
    asyncio.run(OwnHostOnly(inner, names)(scope, None, send))
    return sent[0].get("status", sent[0].get("code"))


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "127.0.0.1:4200")],
        [("host", "localhost")],
        [("host", "[::1]:4200")],
        [("host", "LOCALHOST:1"), ("origin", "http://127.0.0.1:4200")],
    ],
)
def test_the_names_of_this_machine_are_answered(headers):
    assert answer(headers) == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("host", "evil.example")],
        [("host", "evil.example:4200")],
        [("host", "127.0.0.1.evil.example")],
        [("host", "x@evil.example")],
        [("host", "localhost"), ("host", "evil.example")],
        [("host", "localhost"), ("origin", "https://evil.example")],
        [("host", "localhost"), ("origin", "null")],
        [("host", "[::1")],
    ],
)
def test_strange_hosts_and_pages_get_403(headers):
    assert answer(headers) == 403
    assert answer(headers, "websocket") == 1008


def test_a_further_name_is_answered_where_it_is_given():
    assert answer([("host", "prefect.lab.example")], names=["prefect.lab.example"]) == 200
