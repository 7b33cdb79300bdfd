"""What implementations chose for themselves is mapped, and nothing else: users, posts and files are counted apart."""

from apis.contract.checks.wire import Answer
from tests.differential.comparison import Symbols
from tests.differential.line import Outcome
from tests.differential.world import KnownFile, KnownPost, KnownUser, World


def world(user: int, post: int, file: int) -> World:
    return World(
        secret="",
        users=[KnownUser(user, f"user-{user}", "", "", "")],
        posts=[KnownPost(post, user, f"user-{user}", "", "", 1, "", "")],
        files=[KnownFile(file, "", "", b"")],
    )


def outcome(body: str, **headers: str) -> Outcome:
    return Outcome("answered", Answer("", 200, tuple(headers.items()), body.encode()))


def test_ids_of_one_number_are_told_apart_by_what_they_are_of():
    # The user of each has the number of the other's file, the post that of its own user.
    worlds = world(user=5, post=5, file=9), world(user=9, post=9, file=5)
    symbols = Symbols(worlds, [])
    for template in (
        '{{"id":{file},"filename":"a"}}',
        '{{"id":{user},"username":"user-{user}","created_at":"x"}}',
        '{{"items":[{{"id":{post},"author":{{"id":{user},"username":"user-{user}"}},"title":"t"}}],"next_before":{post}}}',
    ):
        one, other = (
            symbols.comparable(
                outcome(template.format(user=each.users[0].id, post=each.posts[0].id, file=each.files[0].id))
            )
            for each in worlds
        )
        assert one == other
    for place in ("/api/users/{user}", "/api/posts/{post}", "/api/files/{file}", '"{post}-1"'):
        one, other = (
            symbols.comparable(
                outcome("", location=place.format(user=each.users[0].id, post=each.posts[0].id, file=each.files[0].id))
            )
            for each in worlds
        )
        assert one == other


def test_a_wrong_id_stays_one():
    symbols = Symbols([world(user=5, post=6, file=7)], [])
    right, wrong = (symbols.comparable(outcome(f'{{"id":{file},"filename":"a"}}')) for file in (7, 6))
    assert right != wrong
    assert symbols.comparable(outcome("", location="/api/posts/7")) != symbols.comparable(
        outcome("", location="/api/posts/6")
    )
