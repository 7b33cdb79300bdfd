"""The comment on a change, against a forge on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.comment import CUT, MARKER, Discussion, discussion_of_job, put_comment
from documents.errors import PublicationError
from tests.conftest import ROOT
from tests.unit.ci.forges import TOKEN, Forge, github, gitlab, serving


@pytest.fixture(params=[github, gitlab])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with serving(request.param()) as serving_forge:
        yield serving_forge


@pytest.fixture
def environment(forge: Forge, tmp_path: Path) -> dict[str, str]:
    """What the forge's runner sets."""
    if forge.update == "PATCH":
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7}}))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{forge.url}/",
            "GITHUB_REPOSITORY": "team/lab",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_TOKEN": f"{TOKEN}\n",
        }
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": forge.url,
        "CI_MERGE_REQUEST_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "GITLAB_TOKEN": TOKEN,
    }


@pytest.fixture
def discussion(environment: dict[str, str]) -> Discussion:
    return discussion_of_job(environment)


def test_first_verdict_is_a_new_comment(forge: Forge, discussion: Discussion):
    forge.add("What a person said.")
    forge.add(None)
    forge.add(f"A person quotes it: {MARKER}")
    assert put_comment(discussion, "**Gate: go: passed.**\n").startswith("A comment was written on ")
    assert list(forge.comments.values())[3:] == [f"{MARKER}\n**Gate: go: passed.**\n"]
    assert forge.asked == [f"GET {forge.collection}", f"POST {forge.collection}"]


def test_next_verdict_replaces_the_comment(forge: Forge, discussion: Discussion):
    forge.add("What a person said.")
    put_comment(discussion, "The first.\n")
    forge.add("What a person said of it.")
    assert put_comment(discussion, "The second.\n").endswith("was updated.")
    assert list(forge.comments.values()) == [
        "What a person said.",
        f"{MARKER}\nThe second.\n",
        "What a person said of it.",
    ]


def test_comment_is_found_on_any_page_and_the_token_goes_nowhere_else(forge: Forge, discussion: Discussion):
    forge.page = 3
    for number in range(7):
        forge.add(f"What a person said, {number}.")
    own = forge.add(f"{MARKER}\nThe first.\n")
    put_comment(discussion, "The second.\n")
    assert forge.comments[own] == f"{MARKER}\nThe second.\n"
    assert forge.asked == [f"GET {forge.collection}"] * 3 + [f"{forge.update} {forge.comment}{own}"]


def test_long_verdict_is_cut_at_a_line_and_says_so(forge: Forge, discussion: Discussion):
    lines = "".join(f"{number:>9}\n" for number in range(discussion.most_characters // 10 + 1))
    put_comment(discussion, lines)
    (body,) = forge.comments.values()
    assert body is not None
    assert discussion.most_characters - 10 <= len(body) <= discussion.most_characters
    assert body.endswith(CUT)
    assert f"{MARKER}\n{lines}".startswith(body.removesuffix(CUT) + "\n")
    exact = "x" * (discussion.most_characters - len(MARKER) - 1)
    put_comment(discussion, exact)
    assert list(forge.comments.values()) == [f"{MARKER}\n{exact}"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "The token isn't valid, or has expired"),
        (403, "The token may not comment: "),
        (404, "There is no such request, or the token can't see it: "),
        (422, "Start the job again; if that doesn't help"),
        (500, "The forge has a problem"),
    ],
)
def test_refusal_is_reported_with_a_remedy_and_without_the_token(
    forge: Forge, discussion: Discussion, status: int, said: str
):
    forge.status = status
    with pytest.raises(PublicationError) as refused:
        put_comment(discussion, "The verdict.\n")
    assert f"returned {status} " in str(refused.value)
    assert said in str(refused.value)
    if status in {403, 404}:
        assert ("pull-requests: write" if forge.update == "PATCH" else "CI_JOB_TOKEN") in str(refused.value)
    assert TOKEN not in f"{refused.value!r}{discussion!r}"
    assert forge.comments == {}


def test_answer_that_is_not_a_list_of_comments_is_reported(forge: Forge, discussion: Discussion):
    forge.answer = b"<html>A page to log in.</html>"
    with pytest.raises(PublicationError, match="returned no list of comments"):
        put_comment(discussion, "The verdict.\n")


def test_forge_that_can_not_be_reached_is_reported(environment: dict[str, str]):
    name = next(name for name in environment if name in {"GITHUB_API_URL", "CI_API_V4_URL"})
    for url in ("http://127.0.0.1:1", "no-address"):
        with pytest.raises(PublicationError, match="can't be reached") as refused:
            put_comment(discussion_of_job({**environment, name: url}), "The verdict.\n")
        assert TOKEN not in str(refused.value)


def test_variable_that_is_missing_is_named(environment: dict[str, str]):
    for name in environment:
        without = {other: value for other, value in environment.items() if other != name}
        with pytest.raises(PublicationError, match=name):
            discussion_of_job(without)


def test_token_that_no_header_can_carry_is_refused_without_being_shown(environment: dict[str, str]):
    name = next(name for name in environment if name.endswith("_TOKEN"))
    for token in ("two words", "line\nbreak", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken"):
        with pytest.raises(PublicationError, match=name) as refused:
            discussion_of_job({**environment, name: token})
        assert token not in str(refused.value)


@pytest.mark.parametrize("event", ["{}", '{"pull_request": 7}', "no JSON"])
def test_event_without_a_pull_request_is_reported(environment: dict[str, str], event: str, tmp_path: Path):
    if "GITHUB_EVENT_PATH" not in environment:
        environment = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "http://x", "GITHUB_REPOSITORY": "team/lab"}
    path = tmp_path / "other.json"
    path.write_text(event)
    with pytest.raises(PublicationError, match="names no pull request"):
        discussion_of_job({**environment, "GITHUB_EVENT_PATH": str(path), "GITHUB_TOKEN": TOKEN})


def test_command_comments_and_reports_its_errors_in_a_sentence(
    forge: Forge, environment: dict[str, str], tmp_path: Path
):
    file = tmp_path / "comment.md"
    file.write_text("The verdict.\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_", "CI_"))}

    def command(*arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ci.comment", *arguments],
            cwd=ROOT,
            env={**clean, **environment, **changed},
            capture_output=True,
            text=True,
            check=False,
        )

    done = command(str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert list(forge.comments.values()) == [f"{MARKER}\nThe verdict.\n"]
    forge.status = 403
    for failed in (command(str(file)), command(str(tmp_path / "none.md"))):
        assert failed.returncode == 1
        (line,) = failed.stderr.splitlines()
        assert line.startswith("error: ")
        assert TOKEN not in failed.stdout + failed.stderr
