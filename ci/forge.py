"""Where the comments on a change are kept: a pull request at GitHub or a merge request at GitLab, by its REST API.

GitHub: https://docs.github.com/en/rest/issues/comments. GitLab: https://docs.gitlab.com/api/notes/.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from documents.errors import PublicationError


@dataclass(frozen=True)
class Discussion:
    """A pull request or merge request, and how to comment on it.

    `comments` is the address of all its comments, `comment` that of one, before its id. `most_characters` is how long
    one may be. The headers hold the token: they aren't shown.
    """

    name: str
    comments: str
    comment: str
    update: Literal["PATCH", "PUT"]
    most_characters: int
    permission: str
    headers: Mapping[str, str] = field(repr=False)


def discussion_of_job(environment: Mapping[str, str]) -> Discussion:
    """The change that this job is about, from the variables that its runner sets.

    Raises:
        PublicationError: a variable is missing, or this is no job about a change.
    """
    if environment.get("GITHUB_ACTIONS"):
        return _github(environment)
    if environment.get("GITLAB_CI"):
        return _gitlab(environment)
    raise PublicationError(
        "This is a job neither of GitHub Actions nor of GitLab: GITHUB_ACTIONS and GITLAB_CI aren't set. Comment from "
        "a job's step, or read the file."
    )


def _github(environment: Mapping[str, str]) -> Discussion:
    repository = f"{_needed(environment, 'GITHUB_API_URL')}/repos/{_needed(environment, 'GITHUB_REPOSITORY')}"
    number = _pull_request(environment)
    return Discussion(
        name=f"pull request {number} of {environment['GITHUB_REPOSITORY']}",
        comments=f"{repository}/issues/{number}/comments",
        comment=f"{repository}/issues/comments",
        update="PATCH",
        # Refused with 422: "Body is too long (maximum is 65536 characters)".
        most_characters=65_536,
        permission="the job needs the permission `pull-requests: write`, which it never has for a fork",
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
            f"{path}, the event that started this job, names no pull request. Comment only where a workflow runs on "
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
        permission="it needs the scope `api` and the role of a reporter; a job's own CI_JOB_TOKEN may write no notes",
        headers={"PRIVATE-TOKEN": _token(environment, "GITLAB_TOKEN")},
    )


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value.rstrip("/")
    raise PublicationError(
        f"{name} isn't set, so this job is none about a change, or it hides its variables. Run it on pull_request at "
        "GitHub, or in a pipeline of merge_request_event at GitLab."
    )


def _token(environment: Mapping[str, str], name: str) -> str:
    token = environment.get(name, "").strip()
    if not token:
        raise PublicationError(f"{name} isn't set, so nothing can be written. Hand the job's token to this step by it.")
    # The client would show the header in its error.
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise PublicationError(f"{name} has a character that no token has, such as a space. Set it again.")
    return token
