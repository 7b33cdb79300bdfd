"""The process: from the environment to a server, and to its end."""

import os
import socket
import sys

import uvloop

from fifth.application import make_application
from fifth.cache import Cache
from fifth.configuration import Configuration, ConfigurationError, read_configuration
from fifth.database import Database
from fifth.failures import Outages
from fifth.files import Files
from fifth.health import Health
from fifth.logs import start_logging
from fifth.passwords import Passwords
from fifth.posts import Posts
from fifth.server import Server
from fifth.storage import Storage
from fifth.store import Store
from fifth.tokens import Tokens
from fifth.users import Users

_EXIT_NO_ADDRESS = 1
_EXIT_BAD_ENVIRONMENT = 2
_BACKLOG = 1_024


def run() -> int:
    """Serve until a signal comes; returns the exit status."""
    try:
        configuration = read_configuration(os.environ)
    except ConfigurationError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        return _EXIT_BAD_ENVIRONMENT
    try:
        listener = listen(configuration.host, configuration.port)
    except OSError as error:
        host = f"[{configuration.host}]" if ":" in configuration.host else configuration.host
        print(f"fairground: cannot listen on {host}:{configuration.port}: {error.strerror}", file=sys.stderr)
        return _EXIT_NO_ADDRESS
    start_logging(configuration.log_level)
    uvloop.run(_serve(configuration, listener))
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        OSError: it can't.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    return listener


async def _serve(configuration: Configuration, listener: socket.socket) -> None:
    database = Database(configuration.postgres, configuration.pool_size)
    cache = Cache(configuration.redis)
    passwords = Passwords()
    tokens = Tokens(configuration.secret)
    store = Store(database)
    outages = Outages()
    application = make_application(
        Health(store, cache, outages),
        Users(store, passwords, tokens),
        Posts(store, cache, tokens),
        Files(store, Storage(configuration.uploads), tokens),
        outages,
    )
    await database.open()
    await Server(application).serve([listener])
    passwords.close()
    database.close()
    await cache.close()
