"""One comment on a change, which each push brings up to date: ``python -m ci.comment FILE``."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from ci.forge import Discussion, discussion_of_job
from documents.errors import FairgroundError, PublicationError

MARKER = "<!-- fairground-gate -->"
"""What the comment begins with, unseen: by it the next job finds it."""

CUT = "\n\nThis was cut: it is longer than a comment may be. The whole is among the job's artefacts, as comment.md.\n"

_PAGE = 100
"""Comments to a page, the most that both forges give."""

_SECONDS = 30.0


class Comment(BaseModel):
    """What is read of a comment; a forge says much more."""

    id: int
    body: str | None = None


_COMMENTS = TypeAdapter(list[Comment])


def put_comment(discussion: Discussion, text: str) -> str:
    """Write the comment, or put it in place of the one that is there; returns what was done.

    Raises:
        PublicationError: the forge can't be reached, or refuses.
    """
    body = fit(f"{MARKER}\n{text}", discussion.most_characters)
    with httpx.Client(headers=dict(discussion.headers), timeout=_SECONDS) as client:
        for comment in _comments(client, discussion):
            if (comment.body or "").startswith(MARKER):
                _ask(client, discussion, discussion.update, f"{discussion.comment}/{comment.id}", body=body)
                return f"The comment on {discussion.name} was brought up to date."
        _ask(client, discussion, "POST", discussion.comments, body=body)
        return f"A comment was written on {discussion.name}."


def fit(body: str, most_characters: int) -> str:
    """A body that is no longer than that: cut at the end of a line and with a note where it was longer."""
    if len(body) <= most_characters:
        return body
    kept = body[: most_characters - len(CUT)]
    return kept.rpartition("\n")[0] + CUT


def _comments(client: httpx.Client, discussion: Discussion) -> Iterator[Comment]:
    page = 1
    while True:
        response = _ask(client, discussion, "GET", discussion.comments, page=page)
        try:
            yield from _COMMENTS.validate_json(response.content)
        except ValidationError as error:
            raise PublicationError(
                f"{discussion.comments} answered no list of comments. See that the address of the API is right."
            ) from error
        # The address of the next page is the forge's word. The token goes nowhere but to the address that was set.
        if "next" not in response.links:
            return
        page += 1


def _ask(
    client: httpx.Client, discussion: Discussion, method: str, url: str, *, body: str | None = None, page: int = 1
) -> httpx.Response:
    try:
        if body is None:
            response = client.request(method, url, params={"per_page": _PAGE, "page": page})
        else:
            response = client.request(method, url, json={"body": body})
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise PublicationError(
            f"{url} can't be reached: {error}. See that the runner reaches the forge's API, then start the job again."
        ) from error
    if response.is_success:
        return response
    raise PublicationError(
        f"The comment on {discussion.name} wasn't written: {method} {url} answered {response.status_code} "
        f"{response.reason_phrase}. {_remedy(response.status_code, discussion)}"
    )


def _remedy(status: int, discussion: Discussion) -> str:
    match status:
        case 401:
            return "The token isn't valid, or has expired: hand the job another one."
        case 403:
            return f"The token may not comment: {discussion.permission}."
        case 404:
            return f"There is no such change, or the token may not see it: {discussion.permission}."
        case _ if status >= 500:
            return "The forge is in trouble: start the job again later."
        case _:
            return "Start the job again; where that doesn't help, read the file among the job's artefacts."


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ci.comment", description="Comments on a job's pull request.")
    parser.add_argument("file", type=Path, help="the comment in Markdown")
    path: Path = parser.parse_args().file
    try:
        print(put_comment(discussion_of_job(os.environ), path.read_text(encoding="utf-8")))  # noqa: T201
    except OSError as error:
        print(f"error: {path} can't be read: {error.strerror}. See that the gate's step wrote it.", file=sys.stderr)  # noqa: T201
        return 1
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
