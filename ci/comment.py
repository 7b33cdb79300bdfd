"""One comment on a pull or merge request, which each push updates: ``python -m ci.comment FILE``.

REST APIs: https://docs.github.com/en/rest/issues/comments for GitHub, https://docs.gitlab.com/api/notes/ for GitLab.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from documents.errors import FairgroundError, PublicationError

MARKER = "<!-- fairground-gate -->"
"""The invisible first line of the comment, by which the next job finds it."""

CUT = "\n\nThis comment was cut at the forge's limit. The whole text is comment.md among the job's artifacts.\n"

_PAGE = 100
"""Comments per page: the most that both forges allow."""

_SECONDS = 30.0


@dataclass(frozen=True)
class Discussion:
    """A pull or merge request, and how to comment on it.

    Attributes:
        name: for messages.
        comments: the address of all its comments.
        comment: the address of one of them, without its id.
        update: the method that replaces a comment.
        most_characters: the longest comment that the forge takes.
        permission: what the token needs, for messages.
        headers: of each request; they have the token, so they aren't shown.
    """

    name: str
    comments: str
    comment: str
    update: Literal["PATCH", "PUT"]
    most_characters: int
    permission: str
    headers: Mapping[str, str] = field(repr=False)


def discussion_of_job(environment: Mapping[str, str]) -> Discussion:
    """The pull or merge request of this job, from the variables that its runner sets.

    Raises:
        PublicationError: a variable is missing, or the job has no such request.
    """
    if environment.get("GITHUB_ACTIONS"):
        return _github(environment)
    if environment.get("GITLAB_CI"):
        return _gitlab(environment)
    raise PublicationError(
        "This job runs neither at GitHub nor at GitLab: GITHUB_ACTIONS and GITLAB_CI aren't set. Call this from a "
        "job's step, or read the file."
    )


def _github(environment: Mapping[str, str]) -> Discussion:
    repository = f"{_needed(environment, 'GITHUB_API_URL')}/repos/{_needed(environment, 'GITHUB_REPOSITORY')}"
    number = _pull_request(environment)
    return Discussion(
        name=f"pull request {number} of {environment['GITHUB_REPOSITORY']}",
        comments=f"{repository}/issues/{number}/comments",
        comment=f"{repository}/issues/comments",
        update="PATCH",
        # GitHub refuses more with 422: "Body is too long (maximum is 65536 characters)".
        most_characters=65_536,
        permission="the job needs the permission `pull-requests: write`, which a fork's job never has",
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {_token(environment, 'GITHUB_TOKEN')}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )


def _pull_request(environment: Mapping[str, str]) -> int:
    path = Path(_needed(environment, "GITHUB_EVENT_PATH"))
    try:
        return int(json.loads(path.read_bytes())["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PublicationError(
            f"The event that started this job, {path}, names no pull request. Comment only in a workflow that runs on "
            "pull_request."
        ) from error


def _gitlab(environment: Mapping[str, str]) -> Discussion:
    project = _needed(environment, "CI_MERGE_REQUEST_PROJECT_ID")
    number = _needed(environment, "CI_MERGE_REQUEST_IID")
    notes = (
        f"{_needed(environment, 'CI_API_V4_URL')}/projects/{quote(project, safe='')}"
        f"/merge_requests/{quote(number, safe='')}/notes"
    )
    return Discussion(
        name=f"merge request {number} of the project {project}",
        comments=notes,
        comment=notes,
        update="PUT",
        most_characters=1_000_000,
        permission="it needs the scope `api` and the role of a reporter; a CI_JOB_TOKEN can't write notes",
        headers={"PRIVATE-TOKEN": _token(environment, "GITLAB_TOKEN")},
    )


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value.rstrip("/")
    raise PublicationError(
        f"{name} isn't set, so this job has no pull or merge request, or its variables are hidden. Run it on "
        "pull_request at GitHub, or in a pipeline of merge_request_event at GitLab."
    )


def _token(environment: Mapping[str, str], name: str) -> str:
    token = environment.get(name, "").strip()
    if not token:
        raise PublicationError(f"{name} isn't set, so no comment can be written. Set it to the token for this step.")
    # The HTTP client would show the token in its error.
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise PublicationError(f"{name} has a character that no token has, such as a space. Set it again.")
    return token


class Comment(BaseModel):
    """The parts of a forge's comment that are read."""

    id: int
    body: str | None = None


_COMMENTS = TypeAdapter(list[Comment])


def put_comment(discussion: Discussion, text: str) -> str:
    """Write the comment, or replace the existing one; returns a sentence about it.

    Raises:
        PublicationError: the forge can't be reached, or refuses.
    """
    body = fit(f"{MARKER}\n{text}", discussion.most_characters)
    with httpx.Client(headers=dict(discussion.headers), timeout=_SECONDS) as client:
        for comment in _comments(client, discussion):
            if (comment.body or "").startswith(MARKER):
                _ask(client, discussion, discussion.update, f"{discussion.comment}/{comment.id}", body=body)
                return f"The comment on {discussion.name} was updated."
        _ask(client, discussion, "POST", discussion.comments, body=body)
        return f"A comment was written on {discussion.name}."


def fit(body: str, most_characters: int) -> str:
    """The body; if it is longer than this, cut at the end of a line, with a note."""
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
                f"{discussion.comments} returned no list of comments. Check the address of the forge's API."
            ) from error
        # The answer also has the address of the next page. It isn't followed, because it could lead the token away.
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
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise PublicationError(
            f"{url} can't be reached: {error}. Check that the runner reaches the forge's API, then start the job again."
        ) from error
    if response.is_success:
        return response
    raise PublicationError(
        f"The comment on {discussion.name} wasn't written: {method} {url} returned {response.status_code} "
        f"{response.reason_phrase}. {_remedy(response.status_code, discussion)}"
    )


def _remedy(status: int, discussion: Discussion) -> str:
    match status:
        case 401:
            return "The token isn't valid, or has expired: give the job another one."
        case 403:
            return f"The token may not comment: {discussion.permission}."
        case 404:
            return f"There is no such request, or the token can't see it: {discussion.permission}."
        case _ if status >= 500:
            return "The forge has a problem: start the job again later."
        case _:
            return "Start the job again; if that doesn't help, read the file among the job's artifacts."


def main() -> int:
    """Comment with the text of a file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ci.comment", description="Write or update the comment on the job's pull or merge request."
    )
    parser.add_argument("file", type=Path, help="the comment in Markdown")
    path: Path = parser.parse_args().file
    try:
        print(put_comment(discussion_of_job(os.environ), path.read_text(encoding="utf-8")))  # noqa: T201
    except OSError as error:
        print(f"error: {path} can't be read: {error.strerror}. Check that the gate's step wrote it.", file=sys.stderr)  # noqa: T201
        return 1
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
