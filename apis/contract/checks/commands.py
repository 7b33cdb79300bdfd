"""What is asked of Redis for each request: commands, arguments and order, as MONITOR tells them."""

from collections.abc import Callable

from apis.contract.checks import problems
from apis.contract.checks.answers import Post, PostPage, Readiness
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_answer, expect_equal, expect_json, expect_problem
from apis.contract.checks.instruments import slow_commits
from apis.contract.checks.model import check
from apis.contract.checks.monitor import Command
from apis.contract.checks.multipart import PNG, Part
from apis.contract.checks.users import NOBODY

_CONTENT = {"title": "t", "body": "b"}
_PAGE_KEY = "posts:first"


def _tag(post: Post) -> str:
    return f'"{post.id}-{post.version}"'


def _expect_commands(context: Context, what: str, action: Callable[[], object], *expected: Command) -> None:
    expect_equal(context.commands_of(action), list(expected), f"commands to Redis for {what}")


@check("redis", attempts=3)
def reading_a_post_is_a_get_and_on_a_miss_a_set(context: Context) -> None:
    """GET post:{id}; on a miss SET with the ETag, a newline and the JSON, EX 600, before the answer."""
    post = context.new_post(title="Zoë\n", body='"\\')
    path, key = f"/api/posts/{post.id}", f"post:{post.id}"
    get = ("GET", key)
    store = ("SET", key, f"{_tag(post)}\n{post.model_dump_json()}", "EX", "600")
    matching = {"If-None-Match": _tag(post)}
    _expect_commands(context, "a miss", lambda: context.get(path), get, store)
    _expect_commands(context, "a hit", lambda: context.get(path), get)
    _expect_commands(context, "HEAD on a hit", lambda: context.send("HEAD", path), get)
    _expect_commands(context, "a 304 on a hit", lambda: context.get(path, headers=matching), get)
    context.redis.delete(key)
    _expect_commands(context, "HEAD on a miss", lambda: context.send("HEAD", path), get, store)
    context.redis.delete(key)
    _expect_commands(context, "a 304 on a miss", lambda: context.get(path, headers=matching), get, store)
    context.redis.set(key, "no newline", ex=60)
    _expect_commands(context, "a value without a newline", lambda: context.get(path), get, store)
    missing = f"/api/posts/{NOBODY}"
    _expect_commands(context, "a missing post", lambda: context.get(missing), ("GET", f"post:{NOBODY}"))


@check("redis", attempts=3)
def reading_the_first_page_is_a_get_and_on_a_miss_a_set(context: Context) -> None:
    """GET posts:first; on a miss SET with the JSON, EX 5. Other pages ask nothing."""
    context.redis.delete(_PAGE_KEY)
    page = context.get("/api/posts?limit=20&x=1").body.decode()
    get, store = ("GET", _PAGE_KEY), ("SET", _PAGE_KEY, page, "EX", "5")
    for what, method, path in (
        ("the first page", "GET", "/api/posts"),
        ("the first page with its limit told", "GET", "/api/posts?limit=20"),
        ("HEAD of the first page", "HEAD", "/api/posts"),
    ):
        context.redis.delete(_PAGE_KEY)
        _expect_commands(
            context, f"{what} on a miss", lambda path=path, method=method: context.send(method, path), get, store
        )
        _expect_commands(context, f"{what} on a hit", lambda path=path, method=method: context.send(method, path), get)
    for query in ("limit=19", "limit=21", "before=9000000000000000000", "limit=20&before=9000000000000000000"):
        _expect_commands(context, f"the page of ?{query}", lambda query=query: context.get(f"/api/posts?{query}"))
    _expect_commands(context, "a bad query", lambda: context.get("/api/posts?limit=0"))


@check("redis", attempts=3)
def writing_a_post_is_a_del(context: Context) -> None:
    """DEL post:{id} for an update and a deletion that were done; nothing for a creation or a refusal."""
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", context.alice.token
    missing = f"/api/posts/{NOBODY}"
    delete = ("DEL", f"post:{post.id}")
    cases: tuple[tuple[str, Callable[[], object], tuple[Command, ...]], ...] = (
        ("a creation", lambda: context.post("/api/posts", _CONTENT, token=token), ()),
        ("another's update", lambda: context.put(path, _CONTENT, token=context.bob.token), ()),
        ("another's deletion", lambda: context.send("DELETE", path, token=context.bob.token), ()),
        ("an update of a missing post", lambda: context.put(missing, _CONTENT, token=token), ()),
        ("a deletion of a missing post", lambda: context.send("DELETE", missing, token=token), ()),
        ("an update refused", lambda: context.put(path, {"title": "t"}, token=token), ()),
        ("an update", lambda: context.put(path, _CONTENT, token=token), (delete,)),
        ("a deletion", lambda: context.send("DELETE", path, token=token), (delete,)),
    )
    for what, action, expected in cases:
        _expect_commands(context, what, action, *expected)


@check("redis", attempts=3)
def other_requests_ask_redis_nothing(context: Context) -> None:
    """Users, logins, files, health and refusals send no command; readiness sends PING."""
    alice = context.alice
    stored = context.new_file(Part(PNG))
    login = {"email": alice.email, "password": alice.password}
    cases: tuple[tuple[str, Callable[[], object]], ...] = (
        ("a registration", context.new_member),
        ("a login", lambda: context.post("/api/auth/login", login)),
        ("me", lambda: context.get("/api/users/me", token=alice.token)),
        ("a user", lambda: context.get(f"/api/users/{alice.id}")),
        ("an upload", lambda: context.upload(Part(PNG))),
        ("a file", lambda: context.get(f"/api/files/{stored.id}")),
        ("health", lambda: context.get("/healthz")),
        ("an unknown path", lambda: context.get("/api/posts/0")),
        ("a wrong method", lambda: context.send("PATCH", "/api/posts/1")),
        ("no token", lambda: context.put("/api/posts/1", _CONTENT)),
        ("no JSON", lambda: context.send("PUT", "/api/posts/1", token=alice.token, content=b"x")),
    )
    for what, action in cases:
        _expect_commands(context, what, action)
    asked = context.commands_of(lambda: expect_json(context.get("/readyz"), 200, Readiness))
    # On a connection that is made for it, PING can't be told from the handshake.
    expect(asked in ([], [("PING",)]), f"commands to Redis for readiness: expected PING, saw {asked}.")


@check("database", "redis", attempts=3)
def posts_are_removed_after_the_commit(context: Context) -> None:
    """When Redis runs the DEL, other sessions see the update or the deletion; the answer follows the DEL."""
    post = context.new_post()
    path, key, token = f"/api/posts/{post.id}", f"post:{post.id}", context.alice.token
    versions: list[object] = []

    def look(command: Command) -> None:
        if command == ("DEL", key):
            row = context.database.execute("SELECT version FROM posts WHERE id = %s", (post.id,)).fetchone()
            versions.append(None if row is None else row[0])

    # A command that is sent before the end of a commit is then seen before its effect.
    with slow_commits(context):
        commands = context.commands_of(lambda: context.put(path, _CONTENT, token=token), seen=look)
        commands += context.commands_of(lambda: context.send("DELETE", path, token=token), seen=look)
    expect_equal(versions, [2, None], "versions that another session sees at the DEL of an update and of a deletion")
    expect_equal(commands, [("DEL", key)] * 2, "commands to Redis for an update and a deletion")


@check("redis", attempts=3)
def failing_commands_count_as_a_miss(context: Context) -> None:
    """Where Redis answers a GET with an error, the row comes from PostgreSQL with `X-Cache: MISS`."""
    post = context.new_post()
    key, path = f"post:{post.id}", f"/api/posts/{post.id}"
    context.redis.delete(key, _PAGE_KEY)
    try:
        for name in (key, _PAGE_KEY):
            context.redis.hset(name, "a", "b")  # pyright: ignore[reportUnknownMemberType]
        answer = context.get(path)
        headers = {"etag": _tag(post), "x-cache": "MISS"}
        expect_equal(expect_json(answer, 200, Post, headers=headers), post, "the post while its key is no string")
        page = expect_json(context.get("/api/posts"), 200, PostPage)
        expect_equal(page.items[0], post, "the first post while the page's key is no string")
    finally:
        context.redis.delete(key, _PAGE_KEY)
    expect_problem(context.get(f"/api/posts/{NOBODY}"), problems.NO_POST)


@check("database", "redis", attempts=3)
def nothing_else_is_cached(context: Context) -> None:
    """What is changed behind the API's back is seen at once, where Redis doesn't hold it."""
    member = context.new_member()
    post = context.new_post(member)
    path = f"/api/posts/{post.id}"
    stored = context.new_file(Part(PNG))
    for _ in range(2):
        context.get(f"/api/users/{member.id}")
        context.get("/api/users/me", token=member.token)
        context.get(path)
        context.get(f"/api/files/{stored.id}")
        context.get("/api/posts")
        context.get("/api/posts?limit=1")
    name, email = context.new_name(), f"{context.new_name()}@example.test"
    context.database.execute("UPDATE users SET username = %s, email = %s WHERE id = %s", (name, email, member.id))
    context.database.execute("UPDATE posts SET title = 'changed' WHERE id = %s", (post.id,))
    context.database.execute("UPDATE files SET filename = 'changed' WHERE id = %s", (stored.id,))
    context.redis.delete(f"post:{post.id}", _PAGE_KEY)
    expect(name.encode() in context.get(f"/api/users/{member.id}").body, "A user was answered as it was before.")
    expect(email.encode() in context.get("/api/users/me", token=member.token).body, "me was answered as it was before.")
    changed = post.model_copy(update={"title": "changed", "author": post.author.model_copy(update={"username": name})})
    headers = {"etag": _tag(post), "x-cache": "MISS"}
    expect_equal(expect_json(context.get(path), 200, Post, headers=headers), changed, "the post")
    for page in ("/api/posts?limit=1", "/api/posts"):
        expect_equal(expect_json(context.get(page), 200, PostPage).items[0], changed, f"the first post of {page}")
    answer = context.get(f"/api/files/{stored.id}")
    disposition = {"content-disposition": 'attachment; filename="changed"'}
    expect_answer(answer, 200, content_type="image/png", headers=disposition)
