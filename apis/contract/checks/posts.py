"""Publishing, reading, listing, updating and deleting posts."""

from concurrent.futures import ThreadPoolExecutor

from apis.contract.checks import expect
from apis.contract.checks.answers import Author, Post, PostPage
from apis.contract.checks.context import Context
from apis.contract.checks.model import check
from apis.contract.tokens import mint_token

_CONTENT = {"title": "t", "body": "b"}

_TEXTS = (
    '"quoted" \\ / <b>&amp;</b> \u007f \u00e9\u4f60\u597d \U0001f600 \u2028\u2029 \u0001\u001f\u000b \b\t\n\f\r \uffff',
    "'; DROP TABLE posts; --",
    "' OR '1'='1",
    "$1 %s %(x)s {0} ${jndi:ldap://127.0.0.1/}",
    "\\'; SELECT pg_sleep(5); --",
    "\r\nSET x y\r\n",
    " ",
)
"""Each way in which JSON writes a character, SQL, templates, a command of Redis, and what might be trimmed."""


def _page(context: Context, query: str = "") -> PostPage:
    return expect.json(context.get(f"/api/posts{query}"), 200, PostPage)


def _unchanged(context: Context, post: Post) -> None:
    expect.post(context.get(f"/api/posts/{post.id}"), post)


@check()
def creation_answers_the_post_and_its_location(context: Context) -> None:
    """201 with the post at version 1, by the token's user, and its path in `Location`."""
    content = {"title": "Title", "body": "Body", "id": 1, "x": [None]}
    post = expect.created(context.post("/api/posts", content, token=context.alice.token), Post, "/api/posts/")
    author = Author(id=context.alice.id, username=context.alice.username)
    expect.equal((post.author, post.title, post.body, post.version), (author, "Title", "Body", 1), "the post")
    expect.equal(post.updated_at, post.created_at, "updated_at of a new post")


@check()
def texts_come_back_as_they_were_sent(context: Context) -> None:
    """Every kind and number of characters survives, is text and nothing else, and is the same wherever it is read."""
    long = (("😀" * 200, "é" * 20_000), ("e\u0301" * 100, "b" * 20_000))
    for title, body in (*((text, text) for text in _TEXTS), *long):
        post = context.new_post(title=title, body=body)
        expect.equal((post.title, post.body), (title, body), "title and body")
        for _ in range(2):
            _unchanged(context, post)
        expect.equal(_page(context, f"?limit=1&before={post.id + 1}").items, (post,), "the listed post")
    content = rb'{ "body":"\b\f\n\r\t\"\\", "\u0074itle":"\u0041\/\ud83d\ude00\u00e9" }'
    answer = context.send_json("POST", "/api/posts", content, token=context.alice.token)
    post = expect.created(answer, Post, "/api/posts/")
    expect.equal((post.title, post.body), ("A/😀é", '\b\f\n\r\t"\\'), "title and body that were sent with escapes")


@check()
def content_out_of_bounds_is_refused(context: Context) -> None:
    """422 with each field that is wrong, or 400, for POST and PUT; the post stays as it is."""
    post, token = context.new_post(), context.alice.token
    cases: tuple[tuple[dict[str, object], list[str]], ...] = (
        ({}, ["title", "body"]),
        ({"body": None, "title": None}, ["title", "body"]),
        ({"title": "t"}, ["body"]),
        ({"title": "", "body": ""}, ["title", "body"]),
        ({"title": "t" * 201, "body": "b"}, ["title"]),
        ({"title": "😀" * 201, "body": "b"}, ["title"]),
        ({"title": "t", "body": "b" * 20_001}, ["body"]),
        ({"title": "a\0b", "body": "\0"}, ["title", "body"]),
    )
    for content, fields in cases:
        expect.problem(context.post("/api/posts", content, token=token), 422, 400, fields=fields)
        expect.problem(context.put(f"/api/posts/{post.id}", content, token=token), 422, 400, fields=fields)
    _unchanged(context, post)


@check(attempts=3)
def update_adds_one_to_the_version(context: Context) -> None:
    """200 with new title, body, version and updated_at, which readers then get; of updates at once, each adds one."""
    post, content, token = context.new_post(), {"title": "New", "body": "New body"}, context.alice.token
    _unchanged(context, post)
    with ThreadPoolExecutor(8) as pool:
        updates = [pool.submit(context.put, f"/api/posts/{post.id}", content, token=token) for _ in range(8)]
    updated = sorted((expect.json(update.result(), 200, Post) for update in updates), key=lambda one: one.version)
    for version, one in enumerate(updated, 2):
        changes = {**content, "version": version, "updated_at": one.updated_at}
        expect.equal(one, post.model_copy(update=changes), f"the post after {version - 1} updates")
        expect.that(one.updated_at >= post.updated_at, f"updated_at: {one.updated_at} is before {post.updated_at}.")
    _unchanged(context, updated[-1])


@check()
def posts_of_others_are_forbidden(context: Context) -> None:
    """403 for PUT and DELETE by another user; the post stays as it is."""
    post = context.new_post()
    expect.problem(context.put(f"/api/posts/{post.id}", _CONTENT, token=context.bob.token), 403)
    expect.problem(context.delete(f"/api/posts/{post.id}", token=context.bob.token), 403)
    _unchanged(context, post)


@check(attempts=3)
def deletion_removes_the_post(context: Context) -> None:
    """204, once; then 404, and the list doesn't have it."""
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", context.alice.token
    _unchanged(context, post)
    expect.status(context.delete(path, token=token), 204)
    expect.problem(context.get(path), 404)
    expect.problem(context.delete(path, token=token), 404)
    expect.problem(context.put(path, _CONTENT, token=token), 404)
    ids = [item.id for item in _page(context, f"?limit=1&before={post.id + 1}").items]
    expect.that(post.id not in ids, f"The list still has the deleted post {post.id}.")


@check()
def list_goes_back_page_by_page(context: Context) -> None:
    """Newest first, whole posts, 20 unless given; `next_before` leads on, and is null when nothing follows."""
    posts = [context.new_post(title=f"Number {number}") for number in range(5)]
    before, seen = posts[-1].id + 1, list[Post]()
    for size in (2, 2, 1):
        page = _page(context, f"?before={before}&limit={size}&x=1&y")
        seen.extend(page.items)
        before = seen[-1].id
        expect.equal(page.next_before, before, "next_before where more follow")
    expect.equal(seen, posts[::-1], "three pages")
    ids = [item.id for item in _page(context, "?limit=100").items]
    expect.equal((len(ids), ids), (100, sorted(set(ids), reverse=True)), "number and order of ids")
    expect.equal(len(_page(context).items), 20, "items of a page without a limit")
    expect.equal(_page(context, "?before=1"), PostPage(items=(), next_before=None), "the page before id 1")
    for size, following in ((100, None), (50, None), (49, 2)):
        page = _page(context, f"?limit={size}&before=51")
        ids = [item.id for item in page.items]
        expect.equal(ids, list(range(50, 50 - min(size, 50), -1)), "ids of the seeded posts before 51")
        expect.equal(page.next_before, following, f"next_before of a page of {size} where 50 posts are left")


@check()
def bad_query_parameters_are_refused(context: Context) -> None:
    """422 with each parameter that is wrong, or 400."""
    for value in ("0", "101", "-1", "five", "1x", "99999999999999999999"):
        expect.problem(context.get(f"/api/posts?limit={value}"), 422, 400, fields=["limit"])
    for value in ("0", "-1", "x", "9223372036854775808", "1" * 30):
        expect.problem(context.get(f"/api/posts?before={value}"), 422, 400, fields=["before"])
    expect.problem(context.get("/api/posts?before=x&limit=x"), 422, 400, fields=["limit", "before"])


@check()
def author_of_a_write_is_the_tokens(context: Context) -> None:
    """The author in the answer is `sub` and `name` of the token; readers get the name in the database."""
    alice, name = context.alice, context.new_name()
    token = mint_token(context.target.jwt_secret, alice.id, name)
    post = expect.created(context.post("/api/posts", _CONTENT, token=token), Post, "/api/posts/")
    updated = expect.json(context.put(f"/api/posts/{post.id}", _CONTENT, token=token), 200, Post)
    written = Author(id=alice.id, username=name)
    expect.equal((post.author, updated.author), (written, written), "the authors in the answers to writes")
    read = expect.json(context.get(f"/api/posts/{post.id}"), 200, Post)
    expect.equal(read.author, Author(id=alice.id, username=alice.username), "the author that readers get")
