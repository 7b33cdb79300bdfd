"""Entity tags, conditional requests, and what is in Redis when."""

from apis.contract.checks import problems
from apis.contract.checks.answers import Post, PostPage
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_answer, expect_body, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Answer

_POST_LIFETIME = 600
_PAGE_LIFETIME = 5
_PAGE_KEY = "posts:first"


def _tag(post: Post) -> str:
    return f'"{post.id}-{post.version}"'


def _expect_post(answer: Answer, post: Post, cache: str) -> None:
    headers = {"etag": _tag(post), "x-cache": cache}
    if answer.request.startswith("HEAD "):
        expect_answer(answer, 200, content_type="application/json", headers=headers)
        return
    expect_equal(expect_json(answer, 200, Post, headers=headers), post, f"{answer.request}: the post")


def _expect_not_modified(answer: Answer, post: Post, cache: str) -> None:
    expect_answer(answer, 304, content_type=None, headers={"etag": _tag(post), "x-cache": cache})
    expect_equal(answer.body, b"", f"{answer.request}: body of a 304")


def _stored(context: Context, key: str) -> bytes | None:
    value = context.redis.get(key)
    return value if isinstance(value, bytes) else None


def _lifetime(context: Context, key: str) -> int:
    """Seconds until the key expires; negative where it is missing or doesn't expire."""
    return context.redis.ttl(key)


@check(attempts=3)
def first_read_misses_and_the_next_hits(context: Context) -> None:
    """`X-Cache` is MISS once, then HIT, with the same ETag and body; HEAD fills the cache as well."""
    post = context.new_post()
    path = f"/api/posts/{post.id}"
    _expect_post(context.get(path), post, "MISS")
    _expect_post(context.get(path), post, "HIT")
    _expect_post(context.send("HEAD", path), post, "HIT")
    other = context.new_post()
    head = context.send("HEAD", f"/api/posts/{other.id}")
    _expect_post(head, other, "MISS")
    expect_equal(head.header("content-length"), str(len(other.model_dump_json().encode())), "Content-Length of HEAD")
    _expect_post(context.get(f"/api/posts/{other.id}"), other, "HIT")


@check(attempts=3)
def matching_tags_are_not_modified(context: Context) -> None:
    """304 with ETag and X-Cache for the tag alone, weak, in a list, in several fields, and for `*`."""
    post = context.new_post()
    path, tag = f"/api/posts/{post.id}", _tag(post)
    _expect_not_modified(context.get(path, headers={"If-None-Match": tag}), post, "MISS")
    for value in (
        tag,
        f"W/{tag}",
        "*",
        f'"x", {tag}',
        f'W/"x",\t{tag} ,"y"',
        f"{tag},",
        f",, W/{tag}",
        f'"a,b", {tag}',
    ):
        _expect_not_modified(context.get(path, headers={"If-None-Match": value}), post, "HIT")
    _expect_not_modified(context.send("HEAD", path, headers={"If-None-Match": tag}), post, "HIT")
    for other in ('"x"', "", "*"):
        several = (("If-None-Match", other), ("If-None-Match", tag))
        _expect_not_modified(context.get(path, headers=several), post, "HIT")


@check(attempts=3)
def other_tags_get_the_post(context: Context) -> None:
    """200 where nothing matches, or the value is no list of tags."""
    post = context.new_post()
    path, tag = f"/api/posts/{post.id}", _tag(post)
    _expect_post(context.get(path), post, "MISS")
    for value in (
        "",
        '"x"',
        f'"{post.id}-2"',
        f"{post.id}-1",
        f"'{post.id}-1'",
        f"w/{tag}",
        f"W/ {tag}",
        f"{tag}{tag}",
        f'"x" {tag}',
        f"{tag};q=1",
        '*, "x"',
        "**",
    ):
        _expect_post(context.get(path, headers={"If-None-Match": value}), post, "HIT")
    stars = (("If-None-Match", "*"), ("If-None-Match", "*"))
    _expect_post(context.get(path, headers=stars), post, "HIT")
    _expect_post(
        context.get(path, headers={"If-Match": '"x"', "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"}),
        post,
        "HIT",
    )
    _expect_post(context.get(path, headers={"Range": "bytes=0-3"}), post, "HIT")


@check(attempts=3)
def writes_are_seen_by_the_next_read(context: Context) -> None:
    """An update removes the post from the cache, its tag no longer matches; a deletion does, too."""
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", context.alice.token
    _expect_post(context.get(path), post, "MISS")
    updated = expect_json(context.put(path, {"title": "New", "body": "New body"}, token=token), 200, Post)
    _expect_post(context.get(path, headers={"If-None-Match": _tag(post)}), updated, "MISS")
    _expect_not_modified(context.get(path, headers={"If-None-Match": _tag(updated)}), updated, "HIT")
    refused = context.put(path, {"title": "t", "body": "b"}, token=context.bob.token)
    expect_problem(refused, problems.NOT_OWNER)
    _expect_post(context.get(path), updated, "HIT")
    expect_answer(context.send("DELETE", path, token=token), 204, content_type=None)
    expect_problem(context.get(path), problems.NO_POST)


@check("redis", attempts=3)
def posts_are_stored_as_tag_newline_and_json(context: Context) -> None:
    """`post:{id}` holds the ETag, a newline and the JSON, for 600 s; a creation stores nothing, a write removes it."""
    post = context.new_post()
    key, path, token = f"post:{post.id}", f"/api/posts/{post.id}", context.alice.token
    expect_equal(_stored(context, key), None, f"{key} after the creation")
    body = context.get(path).body
    expect_equal(_stored(context, key), f"{_tag(post)}\n".encode() + body, f"{key} after a read")
    lifetime = _lifetime(context, key)
    expect(_POST_LIFETIME - 5 <= lifetime <= _POST_LIFETIME, f"{key}: expected to expire in 600 s, saw {lifetime} s.")
    expect_json(context.put(path, {"title": "t", "body": "b"}, token=token), 200, Post)
    expect_equal(_stored(context, key), None, f"{key} after an update")
    context.get(path)
    expect(_stored(context, key) is not None, f"{key}: expected a value after a read.")
    expect_answer(context.send("DELETE", path, token=token), 204, content_type=None)
    expect_equal(_stored(context, key), None, f"{key} after the deletion")
    expect_problem(context.get(path), problems.NO_POST)
    expect_equal(_stored(context, key), None, f"{key} after a 404")


@check("redis", attempts=3)
def what_redis_holds_is_what_is_sent(context: Context) -> None:
    """On a hit, ETag and body come from Redis alone; a value without a newline is a miss and is overwritten."""
    post = context.new_post()
    key, path = f"post:{post.id}", f"/api/posts/{post.id}"
    other = post.model_copy(update={"title": "From Redis", "version": 9})
    context.redis.set(key, f"{_tag(other)}\n{other.model_dump_json()}", ex=60)
    _expect_post(context.get(path), other, "HIT")
    _expect_not_modified(context.get(path, headers={"If-None-Match": _tag(other)}), other, "HIT")
    for value in ("", "no newline"):
        context.redis.set(key, value, ex=60)
        _expect_post(context.get(path), post, "MISS")
        expect_equal(_stored(context, key), f"{_tag(post)}\n{post.model_dump_json()}".encode(), f"{key} afterwards")


@check("redis", attempts=3)
def first_page_is_stored_for_five_seconds(context: Context) -> None:
    """`posts:first` holds the JSON of the default page, told or not, for 5 s; other pages aren't stored."""
    for path in ("/api/posts", "/api/posts?limit=20", "/api/posts?x=1"):
        context.redis.delete(_PAGE_KEY)
        body = context.get(path).body
        expect_equal(_stored(context, _PAGE_KEY), body, f"{_PAGE_KEY} after {path}")
        lifetime = context.redis.pttl(_PAGE_KEY)
        expect(
            0 < lifetime <= _PAGE_LIFETIME * 1000,
            f"{_PAGE_KEY}: expected to expire within 5,000 ms, saw {lifetime} ms.",
        )
    for path in ("/api/posts?limit=19", "/api/posts?limit=21", "/api/posts?before=9000000000000000000"):
        context.redis.delete(_PAGE_KEY)
        expect_json(context.get(path), 200, PostPage)
        expect_equal(_stored(context, _PAGE_KEY), None, f"{_PAGE_KEY} after {path}")


@check("redis", attempts=3)
def first_page_may_be_stale_until_it_expires(context: Context) -> None:
    """Writes leave `posts:first`; it is what is sent until it expires, and then the new posts are there."""
    context.redis.delete(_PAGE_KEY)
    old = context.get("/api/posts").body
    post = context.new_post()
    expect_body(context.get("/api/posts?limit=20"), old)
    updated = expect_json(
        context.put(f"/api/posts/{post.id}", {"title": "t", "body": "b"}, token=context.alice.token), 200, Post
    )
    expect_equal(_stored(context, _PAGE_KEY), old, f"{_PAGE_KEY} after two writes")
    # As if its five seconds were over.
    context.redis.delete(_PAGE_KEY)
    page = expect_json(context.get("/api/posts"), 200, PostPage)
    expect_equal(page.items[0], updated, "the first item once the page expired")
