"""The contract as a function: what one implementation may answer to a request, given what it holds."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

import jwt

from apis.contract.tokens import AUDIENCE, ISSUER, LIFETIME
from tests.differential.expectation import AN_ID, ANY_TEXT, ANYTHING, LARGEST_ID, Cache, Expected, New, a_time
from tests.differential.steps import Form, Json, Step
from tests.differential.world import File, Post, User, World

JSON_MAXIMUM = 64 * 1024
FILE_MAXIMUM = 2 * 1024 * 1024

Page = Callable[[int, int | None], object]
"""Gives the page of posts that the database holds, from its limit and `before`."""

_SIMPLE_EMAIL = re.compile(r"[a-z0-9]+([._+-][a-z0-9]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_KEPT_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"%PDF-": "application/pdf"}

_RULES: dict[str, Callable[[str], object]] = {
    "username": lambda text: re.fullmatch(r"[a-z0-9_]{3,32}", text),
    "email": lambda text: len(text) <= 254,
    "password": lambda text: 8 <= len(text.encode()) <= 72,
    "title": lambda text: 1 <= len(text) <= 200,
    "body": lambda text: 1 <= len(text) <= 20_000,
}


def expect(world: World, step: Step, page: Page) -> Expected:
    """What the answer to a step may be."""
    return _Reading(world, step, page).expect()


class _Reading:
    """One request while it is read: its faults are noted by the statuses of the contract's table."""

    def __init__(self, world: World, step: Step, page: Page) -> None:
        self._world = world
        self._step = step
        self._page = page
        self._path, _, self._query = world.fill(step.path).partition("?")
        self._id = 0
        self._statuses: set[int] = set()
        self._fields: set[str] = set()
        self._has_other_faults = False
        self._is_open = step.is_open or step.method in {"HEAD", "OPTIONS"}
        self._is_bad_token = False
        self._routes: dict[str, dict[str, Callable[[], Expected]]] = {
            "/healthz": {"GET": lambda: Expected(200, {"status": "ok"})},
            "/readyz": {"GET": lambda: Expected(200, {"postgres": "up", "redis": "up"})},
            "/api/users": {"POST": self._register},
            "/api/auth/login": {"POST": self._log_in},
            "/api/users/me": {"GET": self._me},
            "/api/users/{id}": {"GET": self._user},
            "/api/posts": {"GET": self._list, "POST": self._create},
            "/api/posts/{id}": {"GET": self._post, "PUT": self._update, "DELETE": self._delete},
            "/api/files": {"POST": self._upload},
            "/api/files/{id}": {"GET": self._file},
        }

    def expect(self) -> Expected:
        route = self._read_path()
        if self._is_open:
            # What is free here may not write: nobody would know what it wrote.
            assert self._step.method in {"GET", "HEAD", "OPTIONS"}, self._step
            for post in self._world.posts:
                post.is_cached = None if post.id == self._id else post.is_cached
            return Expected(is_open=True)
        handler = self._routes.get(route, {}).get(self._step.method)
        if route and handler is None:
            self._fault(404, 405)
        correct = Expected() if handler is None else handler()
        if not self._statuses:
            return replace(correct, is_open=self._is_open)
        return Expected(
            wrong=frozenset(self._statuses),
            is_open=self._is_open,
            needs_challenge=self._is_bad_token,
            fields=frozenset(self._fields),
            has_other_faults=self._has_other_faults,
        )

    def _fault(self, *statuses: int, named: str | None = None) -> None:
        """Note a fault, of a field or of something else."""
        self._statuses |= {*statuses}
        if named is None:
            self._has_other_faults = True
        else:
            self._fields.add(named)

    def _read_path(self) -> str:
        """The route of the path; empty if there is none."""
        if self._path in self._routes:
            return self._path
        match = re.fullmatch(r"/api/(users|posts|files)/([^/]+)", self._path)
        if match is None:
            # A trailing or doubled slash, capitals and percent-encoding are free.
            self._is_open |= bool(re.search(r"//|%|[A-Z]|./$", self._path))
            self._fault(404)
            return ""
        if re.fullmatch(r"[1-9]\d{0,18}", match[2]) and int(match[2]) <= LARGEST_ID:
            self._id = int(match[2])
        else:
            self._is_open |= bool(re.fullmatch(r"\+?0*[1-9]\d*|.*%.*", match[2])) and len(match[2]) < 19
            self._fault(400, 404)
        return f"/api/{match[1]}/{{id}}"

    def _caller(self) -> tuple[int, str]:
        """The id and name of the token's user; 0 without a good token."""
        token = self._step.token
        if token is None or token.verdict == "wrong":
            self._is_bad_token = True
            self._fault(401)
            return 0, ""
        self._is_open |= token.verdict == "open"
        user_id = int(self._world.fill(token.user))
        if self._world.user(user_id) is None:
            self._fault(401, 404)
        return user_id, self._world.fill(token.name)

    def _members(self, *names: str) -> dict[str, str]:
        """The members of a JSON body that are texts; the faults of the others are noted."""
        body = self._step.body
        if self._step.content_type.partition(";")[0] != "application/json":
            self._fault(400, 415)
        if not isinstance(body, Json) or body.verdict == "wrong":
            self._fault(400, 422)
            return {}
        if len(body.render(self._world)) > JSON_MAXIMUM:
            self._fault(400, 413)
        self._is_open |= body.verdict == "open"
        found: dict[str, str] = {}
        for name, value in ((name, body.read(self._world).get(name)) for name in names):
            if isinstance(value, str):
                found[name] = value
            if not isinstance(value, str) or "\0" in value:
                self._fault(400, 422, named=name)
            # A reader may stop at the first value that isn't text.
            self._has_other_faults |= not isinstance(value, str | None)
        return found

    def _checked(self, *names: str) -> dict[str, str]:
        """The same members, and the faults of those that are out of bounds."""
        found = self._members(*names)
        for name, text in found.items():
            if not _RULES[name](text):
                self._fault(400, 422, named=name)
        self._is_open |= "email" in found and not _SIMPLE_EMAIL.fullmatch(found["email"])
        return found

    def _register(self) -> Expected:
        found = self._checked("username", "email", "password")
        username, email, password = (found.get(name, "") for name in ("username", "email", "password"))
        if self._world.is_taken(username, email.lower()):
            self._fault(409)

        def learn(seen: Mapping[str, Any]) -> None:
            self._world.users.append(User(seen["id"], username, seen["email"], password, seen["created_at"]))

        shown_email = ANY_TEXT if self._is_open else email.lower()
        value = {"id": AN_ID, "username": username, "email": shown_email, "created_at": a_time()}
        return Expected(201, value, headers={"location": "/api/users/{id}"}, learn=learn)

    def _log_in(self) -> Expected:
        found = self._members("email", "password")
        email = found.get("email", "")
        user = self._world.user_of(email.lower())
        if len(found) == 2 and (user is None or user.password != found["password"]):
            self._fault(401)
        is_bound = all(_RULES[name](text) for name, text in found.items()) and _SIMPLE_EMAIL.fullmatch(email)
        if self._statuses and not is_bound:
            # The contract doesn't say whether a login has the bounds of a registration.
            self._fault(400, 422)
        token = New("a token of the user", lambda seen: user is not None and self._is_token(seen, user))
        return Expected(200, {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    def _is_token(self, seen: object, user: User) -> bool:
        try:
            claims = jwt.decode(str(seen), self._world.secret, ["HS256"], audience=AUDIENCE, issuer=ISSUER, leeway=60)
        except jwt.InvalidTokenError:
            return False
        named = (claims["sub"], claims["name"], claims["aud"]) == (str(user.id), user.username, AUDIENCE)
        return named and type(claims["iat"]) is int and claims["exp"] == claims["iat"] + LIFETIME

    def _me(self) -> Expected:
        user = self._world.user(self._caller()[0])
        return Expected(200, None if user is None else user.shown(with_email=True))

    def _user(self) -> Expected:
        user = self._world.user(self._id)
        if user is None:
            self._fault(404)
        return Expected(200, None if user is None else user.shown())

    def _list(self) -> Expected:
        limit, before = self._number("limit", 100), self._number("before", LARGEST_ID)
        is_known = not self._statuses and not self._is_open
        return Expected(200, self._page(limit or 20, before)) if is_known else Expected()

    def _number(self, name: str, largest: int) -> int | None:
        """A number of the query; None where it isn't given."""
        values = re.findall(rf"(?:^|&){name}=([^&]*)", self._query)
        text = unquote_plus(values[0]) if values else ""
        is_plain = re.fullmatch(r"[1-9]\d*", text) is not None
        if len(values) > 1 or (not is_plain and re.fullmatch(r" *\+?0*[1-9]\d* *", text)):
            self._is_open = True
        elif values and not (re.fullmatch(r"\d{1,19}", text) and 1 <= int(text) <= largest):
            self._fault(400, 422, named=name)
        elif values:
            return int(text)
        return None

    def _create(self) -> Expected:
        caller = self._caller()
        author = self._world.user(caller[0])

        def learn(seen: Mapping[str, Any]) -> None:
            assert author is not None
            self._world.posts.append(Post(author=author, **{name: seen[name] for name in seen if name != "author"}))

        value = self._written(caller, version=1) | {"id": AN_ID, "created_at": a_time(), "updated_at": a_time()}
        return Expected(201, value, headers={"location": "/api/posts/{id}"}, learn=learn)

    def _written(self, caller: tuple[int, str], *, version: int) -> dict[str, object]:
        """A post in the answer to its creation or update. Its author is the token's; free text is as it was read."""
        found = self._checked("title", "body")
        texts = {name: ANY_TEXT if self._is_open else found.get(name) for name in ("title", "body")}
        return {"id": self._id, "author": {"id": caller[0], "username": caller[1]}, **texts, "version": version}

    def _post(self) -> Expected:
        post = self._world.post(self._id)
        if post is None:
            self._fault(404)
            return Expected()

        def learn(_: Mapping[str, Any]) -> None:
            post.is_cached = True

        asked = [self._world.fill(value) for name, value in self._step.headers if name == "If-None-Match"]
        cache: Cache = "any" if post.is_cached is None else "HIT" if post.is_cached else "MISS"
        status, value = (304, None) if asked == [post.tag] else (200, post.shown())
        return Expected(status, value, headers={"etag": post.tag}, cache=cache, learn=learn)

    def _owned(self, caller_id: int) -> Post | None:
        """The post of the path; it is a fault if it isn't the caller's."""
        post = self._world.post(self._id)
        if post is None:
            self._fault(404)
        elif caller_id not in {0, post.author.id}:
            self._fault(403)
        return post

    def _update(self) -> Expected:
        caller = self._caller()
        post = self._owned(caller[0])
        value = self._written(caller, version=post.version + 1 if post else 0)
        if post is None:
            return Expected()

        def learn(seen: Mapping[str, Any]) -> None:
            post.title, post.body, post.version = seen["title"], seen["body"], seen["version"]
            post.updated_at, post.is_cached = seen["updated_at"], False

        value |= {"created_at": post.created_at, "updated_at": a_time(since=post.updated_at)}
        return Expected(200, value, learn=learn)

    def _delete(self) -> Expected:
        post = self._owned(self._caller()[0])

        def learn(_: Mapping[str, Any]) -> None:
            assert post is not None
            post.is_deleted = True

        return Expected(204, None, learn=learn)

    def _upload(self) -> Expected:
        self._caller()
        form = self._step.body
        if self._step.content_type.partition(";")[0] != "multipart/form-data":
            self._fault(400, 415)
        if not isinstance(form, Form):
            self._fault(400, 422)
            return Expected()
        if form.verdict == "wrong" or not form.filename:
            self._fault(400, 422)
        kind = _detected(form.content)
        if kind is None or form.declared not in {None, kind}:
            self._fault(415)
        if len(form.content) > FILE_MAXIMUM:
            self._fault(413)
        is_usual = form.declared is not None and len(form.filename) <= 255 and form.filename.isprintable()
        self._is_open |= form.verdict == "open" or not is_usual

        def learn(seen: Mapping[str, Any]) -> None:
            self._world.files.append(File(seen["id"], seen["filename"], seen["content_type"], form.content))

        is_kept = _KEPT_NAME.fullmatch(form.filename) and not self._is_open
        name = form.filename if is_kept else New("a safe file name", lambda seen: bool(_KEPT_NAME.fullmatch(str(seen))))
        value: dict[str, object] = {"id": AN_ID, "filename": name, "content_type": kind, "size": len(form.content)}
        value["sha256"] = hashlib.sha256(form.content).hexdigest()
        if self._is_open:
            # Which of two files is taken is free.
            return Expected(201, value | dict.fromkeys(("content_type", "size", "sha256"), ANYTHING))
        return Expected(201, value, learn=learn)

    def _file(self) -> Expected:
        file = self._world.file(self._id)
        if file is None:
            self._fault(404)
            return Expected()
        shown = f'attachment; filename="{file.filename}"'
        headers = {"content-disposition": shown, "x-content-type-options": "nosniff"}
        return Expected(200, file.content, file.content_type, headers)


def _detected(content: bytes) -> str | None:
    """The type that the first bytes of a file show."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
