"""What is in Redis when, and what happens while it doesn't answer."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from apis.contract.checks import expect
from apis.contract.checks.answers import Post, PostPage, Readiness
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.instruments import slow_commits
from apis.contract.checks.model import check
from apis.contract.checks.wire import Wire, request_octets

_CONTENT = {"title": "New", "body": "New body"}
_PAGE = "posts:first"

_PAUSE = 3.0
"""Seconds for which Redis is made to answer nothing."""


def _stored(context: Context, key: str) -> bytes:
    value = context.redis.get(key)
    return value if isinstance(value, bytes) else b""


def _expect_not_modified(context: Context, post: Post, cache: str) -> None:
    answer = context.get(f"/api/posts/{post.id}", headers={"If-None-Match": post.tag})
    expect.status(answer, 304)
    expect.tagged(answer, post, cache)


def _expect_cached_by(context: Context, post: Post, deadline: float) -> None:
    """Read a post until it comes from Redis, which it must by the deadline on the monotonic clock."""
    while (answer := context.get(f"/api/posts/{post.id}")).header("x-cache") == "MISS" and time.monotonic() < deadline:
        time.sleep(0.05)
    expect.post(answer, post, "HIT")


@check("redis", attempts=3)
def posts_are_stored_when_they_are_read(context: Context) -> None:
    """MISS once, then tag, newline and JSON are stored for 600 s before the answer, then HIT; 304 for the tag."""
    post = context.new_post(title="Zoë\n", body='"\\')
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    expect.equal(_stored(context, key), b"", f"{key} after the creation")
    expect.post(context.get(path), post, "MISS")
    tag, _, content = _stored(context, key).partition(b"\n")
    stored = expect.value(content, Post, f"{key} after a read")
    expect.equal((tag, stored), (post.tag.encode(), post), f"{key} after a read")
    expect.that(590 <= context.redis.ttl(key) <= 600, f"{key}: expected to expire in 600 s.")
    expect.post(context.get(path), post, "HIT")
    _expect_not_modified(context, post, "HIT")
    context.redis.delete(key)
    _expect_not_modified(context, post, "MISS")
    expect.post(context.get(path, headers={"If-None-Match": f'"{post.id}-2"'}), post, "HIT")
    for value in ("*", f"W/{post.tag}", f'"x", {post.tag}', "x"):
        expect.status(context.get(path, headers={"If-None-Match": value}), 200, 304)


@check("redis", attempts=3)
def the_first_page_is_stored_for_five_seconds(context: Context) -> None:
    """`posts:first` holds the JSON of the default page, and is what is sent until it expires; other pages aren't."""
    for query in ("", "?limit=20", "?x=1"):
        context.redis.delete(_PAGE)
        page = expect.json(context.get(f"/api/posts{query}"), 200, PostPage)
        stored = expect.value(_stored(context, _PAGE), PostPage, f"{_PAGE} after a read")
        expect.equal(stored, page, f"{_PAGE} after a read")
        expect.that(0 < context.redis.pttl(_PAGE) <= 5_000, f"{_PAGE}: expected to expire within 5 s.")
        context.new_post()
        expect.equal(expect.json(context.get("/api/posts"), 200, PostPage), page, "the first page, while it is stored")
    for query in ("limit=19", "limit=21", f"before={NOBODY}", f"limit=20&before={NOBODY}"):
        context.redis.delete(_PAGE)
        context.get(f"/api/posts?{query}")
        expect.equal(_stored(context, _PAGE), b"", f"{_PAGE} after a read of ?{query}")


@check("redis", attempts=3)
def what_another_has_stored_is_what_is_sent(context: Context) -> None:
    """On a hit, tag and content come from Redis alone, in any order of members; what isn't an entry is a miss."""
    post = context.new_post()
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    other = post.model_copy(update={"title": "From Redis é", "version": 9})
    turned = dict(reversed(other.model_dump().items()))
    for content in (json.dumps(turned, indent=2), json.dumps(turned, ensure_ascii=False, separators=(",", ":"))):
        context.redis.set(key, f"{other.tag}\n{content}", ex=60)
        expect.post(context.get(path), other, "HIT")
        _expect_not_modified(context, other, "HIT")
    context.redis.set(_PAGE, json.dumps({"next_before": 7, "items": [turned]}, indent=1), ex=5)
    page = expect.json(context.get("/api/posts"), 200, PostPage)
    expect.equal(page, PostPage(items=(other,), next_before=7), "the page that Redis has")
    for value in ("", "no newline"):
        context.redis.set(key, value, ex=60)
        expect.post(context.get(path), post, "MISS")
    for name in (key, _PAGE):
        context.redis.delete(name)
        context.redis.hset(name, "a", "b")  # pyright: ignore[reportUnknownMemberType]
    expect.post(context.get(path), post, "MISS")
    expect.equal(expect.json(context.get("/api/posts"), 200, PostPage).items[0], post, "the first post")
    context.redis.delete(key, _PAGE)


@check("database", "redis", attempts=3)
def posts_are_removed_after_the_commit(context: Context) -> None:
    """What Redis has of a post stays until its update or deletion is committed; then it goes, also without a client."""
    token, content = {"Authorization": f"Bearer {context.alice.token}"}, json.dumps(_CONTENT).encode()
    with slow_commits(context):
        for client_stays in (True, False):
            posts = [context.new_post() for _ in range(2)]
            paths, keys = [f"/api/posts/{post.id}" for post in posts], [f"post:{post.id}" for post in posts]
            for path, post in zip(paths, posts, strict=True):
                expect.post(context.get(path), post, "MISS")
            put, delete = f"PUT {paths[0]}", f"DELETE {paths[1]}"
            with Wire(context.target.base_url) as updating, Wire(context.target.base_url) as deleting:
                updating.send(request_octets(put, headers=token | {"Content-Type": "application/json"}, body=content))
                deleting.send(request_octets(delete, headers=token))
                time.sleep(0.3)
                for key in keys:
                    expect.that(_stored(context, key), f"{key}: expected it until the commit, saw it removed before.")
                if client_stays:
                    expect.json(updating.require_answer(put), 200, Post)
                    expect.status(deleting.require_answer(delete), 204)
            time.sleep(0 if client_stays else 1.5)
            query = "SELECT id FROM posts WHERE id = ANY(%s) AND version = 1"
            unchanged = {row[0] for row in context.database.execute(query, ([post.id for post in posts],)).fetchall()}
            for key, post in zip(keys, posts, strict=True):
                removed = post.id in unchanged or not _stored(context, key)
                expect.that(removed, f"{key}: expected it removed once the update or deletion was done.")


@check("redis", attempts=3)
def a_lost_connection_to_redis_is_replaced(context: Context) -> None:
    """After Redis ended all connections, posts are served, within 5 s from Redis, and an update removes them."""
    post = context.new_post()
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    expect.post(context.get(path), post, "MISS")
    # The checks' own connection stays.
    context.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # pyright: ignore[reportUnknownMemberType]
    _expect_cached_by(context, post, time.monotonic() + 5)
    updated = expect.json(context.put(path, _CONTENT, token=context.alice.token), 200, Post)
    expect.equal(_stored(context, key), b"", f"{key} after an update")
    expect.post(context.get(path), updated)


@check("redis", attempts=3)
def a_frozen_redis_is_passed_over(context: Context) -> None:
    """While Redis doesn't answer, posts and first page come from PostgreSQL within 1 s; 5 s later posts are cached."""
    post = context.new_post()
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    expect.post(context.get(path), post, "MISS")
    expect.post(context.get(path), post, "HIT")
    context.redis.execute_command("CLIENT", "PAUSE", int(_PAUSE * 1000), "ALL")  # pyright: ignore[reportUnknownMemberType]
    back = time.monotonic() + _PAUSE

    def timed(number: int) -> float:
        start = time.monotonic()
        if number % 4 == 0:
            expect.json(context.get("/api/posts"), 200, PostPage)
        else:
            expect.post(context.get(path), post, "MISS")
        return time.monotonic() - start

    with ThreadPoolExecutor(8) as pool:
        slowest = max(pool.map(timed, range(8)))
    expect.that(slowest < 1, f"A read while Redis doesn't answer: expected less than 1 s, saw {slowest:.2f} s.")
    readiness = expect.json(context.get("/readyz"), 503, Readiness)
    expect.equal(readiness, Readiness(postgres="up", redis="down"), "readiness while Redis doesn't answer")
    updated = expect.json(context.put(path, _CONTENT, token=context.alice.token), 200, Post)
    expect.that(time.monotonic() < back, "Redis answered again before the requests were made.")
    context.redis.delete(key)
    _expect_cached_by(context, updated, back + 5)
