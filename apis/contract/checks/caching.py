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
    expect.equal((answer.status, answer.body), (304, b""), f"{answer.request} with its tag: status and body")
    expect.tagged(answer, post, cache)


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
    """On a hit, tag and content come from Redis alone, in any order of members; what is no entry does no harm."""
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
        expect.post(context.get(path), post)
    for name in (key, _PAGE):
        context.redis.delete(name)
        context.redis.hset(name, "a", "b")  # pyright: ignore[reportUnknownMemberType]
    expect.post(context.get(path), post)
    expect.equal(expect.json(context.get("/api/posts"), 200, PostPage).items[0], post, "the first post")
    context.redis.delete(key, _PAGE)


@check("database", "redis", attempts=3)
def posts_are_removed_after_the_commit(context: Context) -> None:
    """What Redis has of a post stays until the commit of its update is done; then it goes, also without a client."""
    headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": "application/json"}
    with slow_commits(context):
        for client_stays in (True, False):
            post = context.new_post()
            key, path = f"post:{post.id}", f"/api/posts/{post.id}"
            expect.post(context.get(path), post, "MISS")
            with Wire(context.target.base_url) as wire:
                wire.send(request_octets(f"PUT {path}", headers=headers, body=json.dumps(_CONTENT).encode()))
                time.sleep(0.3)
                expect.that(_stored(context, key), f"{key}: expected it until the commit, saw it removed before.")
                if client_stays:
                    expect.json(wire.require_answer(f"PUT {path}"), 200, Post)
                    expect.equal(_stored(context, key), b"", f"{key} after the answer to an update")
            time.sleep(0 if client_stays else 1.5)
            row = context.database.execute("SELECT version FROM posts WHERE id = %s", (post.id,)).fetchone()
            removed = row == (1,) or not _stored(context, key)
            expect.that(removed, f"{key}: expected it removed once the update was done.")


@check("redis", attempts=3)
def a_frozen_redis_is_passed_over(context: Context) -> None:
    """While Redis doesn't answer, posts come from PostgreSQL within 1 s; 5 s after its return they are cached."""
    post = context.new_post()
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    expect.post(context.get(path), post, "MISS")
    expect.post(context.get(path), post, "HIT")
    context.redis.execute_command("CLIENT", "PAUSE", int(_PAUSE * 1000), "ALL")  # pyright: ignore[reportUnknownMemberType]
    back = time.monotonic() + _PAUSE

    def timed(_: int) -> float:
        start = time.monotonic()
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
    while (answer := context.get(path)).header("x-cache") == "MISS" and time.monotonic() < back + 5:
        time.sleep(0.05)
    expect.post(answer, updated, "HIT")
