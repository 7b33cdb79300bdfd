"""Registration, login, and users."""

from starlette.requests import Request
from starlette.responses import Response

from fifth.answers import json_answer, to_json, to_time
from fifth.fields import LOGIN, REGISTRATION, folded
from fifth.passwords import Passwords
from fifth.problems import bad_login, bad_token, nothing, taken
from fifth.requests import read_fields, require_bearer
from fifth.store import Store, TakenError
from fifth.tokens import LIFETIME, Bearer, Tokens


class Users:
    """The routes below `/api/users` and `/api/auth`."""

    def __init__(self, store: Store, passwords: Passwords, tokens: Tokens) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens

    async def register(self, request: Request) -> Response:
        """POST /api/users."""
        fields = await read_fields(request, REGISTRATION)
        username, email = fields["username"], folded(fields["email"])
        hashed = await self._passwords.hash(fields["password"])
        try:
            identifier, created_at = await self._store.add_user(username, email, hashed)
        except TakenError as error:
            raise taken(error.field) from error
        document = {"id": identifier, "username": username, "email": email, "created_at": to_time(created_at)}
        return json_answer(to_json(document), 201, {"Location": f"/api/users/{identifier}"})

    async def log_in(self, request: Request) -> Response:
        """POST /api/auth/login."""
        fields = await read_fields(request, LOGIN)
        user = await self._store.user_of_email(folded(fields["email"]))
        hashed = None if user is None else user.password_hash
        is_right = await self._passwords.verify(hashed, fields["password"])
        if user is None or not is_right:
            raise bad_login()
        token = self._tokens.mint(Bearer(user.id, user.username))
        return json_answer(to_json({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}))

    async def me(self, request: Request) -> Response:
        """GET /api/users/me."""
        user = await self._store.user(require_bearer(request, self._tokens).id)
        if user is None:
            raise bad_token()
        document = {"id": user.id, "username": user.username, "email": user.email}
        return json_answer(to_json({**document, "created_at": to_time(user.created_at)}))

    async def user(self, request: Request) -> Response:
        """GET /api/users/{id}."""
        user = await self._store.user(request.path_params["id"])
        if user is None:
            raise nothing("user")
        document = {"id": user.id, "username": user.username, "created_at": to_time(user.created_at)}
        return json_answer(to_json(document))
