"""Secrets are in no log, and causes in no answer."""

import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
import pytest

from apis.contract.checks.expect import CAUSES
from apis.contract.checks.wire import CONTENT_TYPE, PNG, Part, multipart, named
from tests.hostile.test_smuggling import MALFORMED
from tests.stand.client import Answer, Line, NoAnswerError, ask, request_octets
from tests.stand.stand import Api, Stand

pytestmark = pytest.mark.usefixtures("unharmed", "next_client")

_MARK = f"marked-{secrets.token_hex(6)}"
"""Stands in bodies, emails, passwords and file names."""


@dataclass
class Talk:
    """What was said to an instance that logs all requests, and what it wrote."""

    answers: list[Answer] = field(default_factory=list[Answer])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    log: str = ""


@pytest.fixture(scope="module")
def talk(stand: Stand, implementation: str) -> Talk:
    """Requests with something secret in each, good ones and bad ones."""
    talk, api = Talk(), stand.apis[implementation]
    launcher = stand.launcher(implementation)
    with launcher.start({**launcher.services, "LOG_LEVEL": "info"}, cpus=launcher.cpus) as instance:
        _talk(instance.base_url, api, talk)
        instance.send_signal("TERM")
        ended = instance.wait()
        talk.log = ended.stdout + ended.stderr
    return talk


def _talk(base_url: str, api: Api, talk: Talk) -> None:
    def say(method: str, path: str, *, token: str | None = None, content: object = None) -> Answer:
        talk.answers.append(ask(base_url, method, path, token=token, content=content))
        return talk.answers[-1]

    name, password = f"secret_{secrets.token_hex(6)}", f"{_MARK}-password"
    email = f"{_MARK}.{name}@example.test"
    registration = {"username": name, "email": email, "password": password}
    user = say("POST", "/api/users", content=registration).json()
    say("POST", "/api/users", content=registration)
    say("POST", "/api/users", content={"username": _MARK, "email": _MARK, "password": _MARK * 9})
    token = str(say("POST", "/api/auth/login", content={"email": email, "password": password}).json()["access_token"])
    say("POST", "/api/auth/login", content={"email": email, "password": f"{_MARK}-wrong"})
    say("GET", "/api/users/me", token=token)
    say("GET", f"/api/users/me?access_token={token}", token=f"{token}{_MARK}")
    for text in (_MARK, token[:-5], f"{token}.{_MARK}"):
        say("GET", "/api/users/me", token=text)
    say("POST", "/api/posts", token=token, content={"title": _MARK, "body": _MARK})
    say("POST", "/api/posts", token=token, content={"title": _MARK * 99, "body": 5})
    say("GET", "/api/posts?limit=x&before=x")
    form, headers = multipart(Part(PNG + _MARK.encode(), named(f"{_MARK}.png"))), [("Content-Type", CONTENT_TYPE)]
    kinds = [[("Content-Type", kind)] for kind in ("text/plain", "application/json")]
    octets = (
        request_octets("POST", "/api/files", headers=headers, token=token, body=form),
        *(request_octets("POST", "/api/posts", headers=kind, token=token, body=_MARK.encode()) for kind in kinds),
        *(head + b"\r\nX-Secret: " + _MARK.encode() + b"\r\n\r\n" for head in MALFORMED[:10]),
    )
    for one in octets:
        with Line(base_url, seconds=2) as line:
            try:
                talk.answers.append(line.ask(one))
            except NoAnswerError:
                continue
    with psycopg.connect(api.database_url) as database:
        row = database.execute("SELECT password_hash FROM users WHERE id = %s", (user["id"],)).fetchone()
    talk.secrets = {
        "a mark": _MARK,
        "an email": email,
        "a token": token,
        "a token's signature": token.rpartition(".")[2],
        "a password's hash": str(row[0]) if row else "",
        "the key of the tokens": api.jwt_secret,
    }
    for service, url in (("PostgreSQL", urlsplit(api.database_url)), ("Redis", urlsplit(api.redis_url))):
        # A service that was started by hand may have no password, or one that is a name as well.
        if len(url.password or "") > 7 and url.password != url.username:
            talk.secrets[f"the password of {service}"] = url.password or ""


def test_no_secret_is_logged(talk: Talk):
    assert talk.log.count("/api/users") > 2, "requests aren't logged at info"
    for what, secret in talk.secrets.items():
        assert len(secret) > 7, what
        assert secret not in talk.log, f"the log has {what}"
    assert not re.search(r"\$argon2id\$|eyJ[\w-]+\.eyJ", talk.log)


def test_no_answer_shows_a_cause(talk: Talk):
    refused = [answer for answer in talk.answers if answer.status >= 400]
    assert len(refused) > 10
    assert [answer for answer in refused if CAUSES.search(answer.body.decode(errors="replace"))] == []
