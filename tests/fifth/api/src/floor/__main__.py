"""`GET /api/posts/{id}` with the octets, the headers and the server of the API on a hit, but from memory."""

import os
import socket
import sys

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fifth.answers import json_answer, to_json
from fifth.configuration import Configuration, read_configuration
from fifth.database import Database
from fifth.process import listen
from fifth.server import Server
from fifth.store import Store

_PAGE = 1_000


async def _read_posts(configuration: Configuration) -> dict[str, Response]:
    database = Database(configuration.postgres, 1)
    await database.open()
    store = Store(database)
    answers: dict[str, Response] = {}
    before = None
    while posts := await store.newest_posts(_PAGE, before):
        before = posts[-1].id
        for post in posts:
            headers = {"ETag": post.tag, "X-Cache": "HIT", "X-Content-Type-Options": "nosniff"}
            answers[str(post.id)] = json_answer(to_json(post.document()), headers=headers)
    database.close()
    return answers


async def _serve(configuration: Configuration, listener: socket.socket) -> None:
    answers = await _read_posts(configuration)

    async def post(request: Request) -> Response:
        return answers[request.path_params["id"]]

    async def ready(_request: Request) -> Response:
        return Response()

    routes = [Route("/readyz", ready), Route("/api/posts/{id}", post)]
    await Server(Starlette(routes=routes)).serve([listener])


def main() -> int:
    """Serve until a signal comes."""
    configuration = read_configuration(os.environ)
    uvloop.run(_serve(configuration, listen(configuration.host, configuration.port)))
    return 0


sys.exit(main())
