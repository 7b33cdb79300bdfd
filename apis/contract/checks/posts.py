"""Publishing, reading, listing, updating and deleting posts."""

from apis.contract.checks import problems
from apis.contract.checks.answers import Author, Post, PostPage
from apis.contract.checks.context import Context
from apis.contract.checks.expect import (
    expect,
    expect_answer,
    expect_body,
    expect_created,
    expect_equal,
    expect_invalid,
    expect_json,
    expect_problem,
)
from apis.contract.checks.model import check
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import Answer, request_octets
from apis.contract.tokens import mint_token

_SPECIAL = (
    '"quoted" \\ / <b>&amp;</b> \u007f \u00e9\u4f60\u597d \U0001f600 '
    "\u2028\u2029 \u0001\u001f\u000b \b\t\n\f\r \ufeff \uffff"
)
"""Each way in which JSON writes a character, and those that libraries like to write differently."""


def _read(context: Context, post: Post) -> Answer:
    return context.get(f"/api/posts/{post.id}")


def _page(context: Context, query: str = "") -> PostPage:
    return expect_json(context.get(f"/api/posts{query}"), 200, PostPage)


@check()
def creation_answers_the_post_and_its_location(context: Context) -> None:
    """201 with the post at version 1, by the token's user, and its path in `Location`."""
    answer = context.post("/api/posts", {"title": "Title", "body": "Body"}, token=context.alice.token)
    post = expect_created(answer, Post, "/api/posts/")
    author = Author(id=context.alice.id, username=context.alice.username)
    expect_equal((post.author, post.title, post.body, post.version), (author, "Title", "Body", 1), "the post")
    expect_equal(post.updated_at, post.created_at, "updated_at of a new post")


@check()
def created_updated_and_read_are_the_same(context: Context) -> None:
    """What a creation or an update answered is what readers get, from PostgreSQL and from Redis, octet for octet."""
    post = context.new_post(title="First", body="Body")
    for content in (None, {"title": "Second", "body": "Another"}):
        if content is not None:
            post = expect_json(context.put(f"/api/posts/{post.id}", content, token=context.alice.token), 200, Post)
        for _ in range(2):
            expect_body(_read(context, post), post.model_dump_json().encode())


@check()
def texts_come_back_as_they_were_sent(context: Context) -> None:
    """Every kind of character survives, and is escaped in the contract's one way, in all answers."""
    post = context.new_post(title=_SPECIAL, body=_SPECIAL)
    expect_equal((post.title, post.body), (_SPECIAL, _SPECIAL), "title and body")
    for _ in range(2):
        expect_body(_read(context, post), post.model_dump_json().encode())
    expect_equal(_page(context, f"?limit=1&before={post.id + 1}").items, (post,), "the listed post")


@check()
def escapes_in_a_request_are_read(context: Context) -> None:
    """An escape stands for its character, in names, too; a pair of surrogates for one beyond U+FFFF."""
    content = rb'{"\u0074itle":"\u0041\/\ud83d\ude00\u00e9","body":"\b\f\n\r\t\"\\"}'
    headers = {"Content-Type": "application/json"}
    answer = context.send("POST", "/api/posts", token=context.alice.token, content=content, headers=headers)
    post = expect_created(answer, Post, "/api/posts/")
    expect_equal((post.title, post.body), ("A/😀é", '\b\f\n\r\t"\\'), "title and body")


@check()
def lengths_count_code_points(context: Context) -> None:
    """1 and 200 characters of title, 1 and 20,000 of body are taken, whatever their size in octets."""
    for title, body in (("t", "b"), ("😀" * 200, "é" * 20_000), ("e\u0301" * 100, "b" * 20_000)):
        post = context.new_post(title=title, body=body)
        expect((post.title, post.body) == (title, body), f"A title of {len(title)} characters came back changed.")


@check()
def content_out_of_bounds_is_refused(context: Context) -> None:
    """422 by POST and PUT alike, with all fields in schema order."""
    post = context.new_post()
    token = context.alice.token
    required = (("title", problems.REQUIRED), ("body", problems.REQUIRED))
    cases: tuple[tuple[dict[str, object], tuple[tuple[str, str], ...]], ...] = (
        ({}, required),
        ({"body": None, "title": None}, required),
        ({"title": "t"}, required[1:]),
        ({"title": "", "body": ""}, (("title", problems.TITLE_RULE), ("body", problems.BODY_RULE))),
        ({"title": "t" * 201, "body": "b"}, (("title", problems.TITLE_RULE),)),
        ({"title": "😀" * 201, "body": "b"}, (("title", problems.TITLE_RULE),)),
        ({"title": "t", "body": "b" * 20_001}, (("body", problems.BODY_RULE),)),
        ({"title": "a\0b", "body": "\0"}, (("title", problems.NO_NUL_RULE), ("body", problems.NO_NUL_RULE))),
        ({"title": "\0" * 201, "body": "b"}, (("title", problems.NO_NUL_RULE),)),
    )
    for content, errors in cases:
        expect_invalid(context.post("/api/posts", content, token=token), *errors)
        expect_invalid(context.put(f"/api/posts/{post.id}", content, token=token), *errors)
    expect_body(_read(context, post), post.model_dump_json().encode())


@check()
def whitespace_is_content(context: Context) -> None:
    """Nothing is trimmed."""
    post = context.new_post(title=" ", body="\n")
    expect_equal((post.title, post.body), (" ", "\n"), "title and body")


@check()
def writing_needs_a_token(context: Context) -> None:
    """401 for POST, PUT and DELETE without one, before anything else is looked at."""
    post = context.new_post()
    expect_problem(context.post("/api/posts", {}), problems.BAD_TOKEN)
    for path in (f"/api/posts/{post.id}", f"/api/posts/{NOBODY}"):
        expect_problem(context.put(path, {}), problems.BAD_TOKEN)
        expect_problem(context.send("DELETE", path), problems.BAD_TOKEN)


@check()
def unknown_post_is_not_found(context: Context) -> None:
    """404 for GET, HEAD, PUT and DELETE; PUT looks at the body first."""
    path, token = f"/api/posts/{NOBODY}", context.alice.token
    for method in ("GET", "HEAD"):
        expect_problem(context.send(method, path), problems.NO_POST)
        expect_problem(context.send(method, path, headers={"If-None-Match": "*"}), problems.NO_POST)
    expect_problem(context.put(path, {"title": "t", "body": "b"}, token=token), problems.NO_POST)
    expect_invalid(context.put(path, {"title": "t"}, token=token), ("body", problems.REQUIRED))
    expect_problem(context.send("DELETE", path, token=token), problems.NO_POST)


@check()
def update_adds_one_to_the_version(context: Context) -> None:
    """200 with new title, body, version and updated_at; the same content counts, too; the rest stays."""
    post = context.new_post(title="Old", body="Old body")
    last = post
    for version in (2, 3, 4):
        answer = context.put(f"/api/posts/{post.id}", {"title": "New", "body": "New body"}, token=context.alice.token)
        updated = expect_json(answer, 200, Post)
        expected = Post(
            id=post.id,
            author=post.author,
            title="New",
            body="New body",
            version=version,
            created_at=post.created_at,
            updated_at=updated.updated_at,
        )
        expect_equal(updated, expected, f"the post after {version - 1} updates")
        expect(updated.updated_at >= last.updated_at, f"updated_at: {updated.updated_at} is before {last.updated_at}.")
        last = updated
    expect(last.updated_at > post.updated_at, f"updated_at: expected later than {post.updated_at} after three updates.")


@check()
def posts_of_others_are_forbidden(context: Context) -> None:
    """403 for PUT and DELETE by another user, after the body was found valid; the post stays as it is."""
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", context.bob.token
    expect_problem(context.put(path, {"title": "t", "body": "b"}, token=token), problems.NOT_OWNER)
    expect_invalid(context.put(path, {"body": "b"}, token=token), ("title", problems.REQUIRED))
    expect_problem(context.send("DELETE", path, token=token), problems.NOT_OWNER)
    expect_body(_read(context, post), post.model_dump_json().encode())


@check()
def deletion_removes_the_post(context: Context) -> None:
    """204 without a body, once; then 404, and the list doesn't have it."""
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", context.alice.token
    expect_body(_read(context, post), post.model_dump_json().encode())
    answer = context.send("DELETE", path, token=token)
    expect_answer(answer, 204, content_type=None)
    expect_equal(answer.body, b"", "body of a 204")
    expect_problem(context.get(path), problems.NO_POST)
    expect_problem(context.send("DELETE", path, token=token), problems.NO_POST)
    expect_problem(context.put(path, {"title": "t", "body": "b"}, token=token), problems.NO_POST)
    ids = [item.id for item in _page(context, f"?limit=1&before={post.id + 1}").items]
    expect(post.id not in ids, f"The list still has the deleted post {post.id}.")


@check()
def list_goes_back_page_by_page(context: Context) -> None:
    """Newest first, whole posts, `next_before` leading to the next page without gap or overlap."""
    posts = [context.new_post(title=f"Number {number}") for number in range(5)]
    expected = tuple(reversed(posts))
    before = posts[-1].id + 1
    expect_equal(_page(context, f"?limit=5&before={before}").items, expected, "one page of five")
    seen: list[Post] = []
    for size in (2, 2, 1):
        page = _page(context, f"?before={before}&limit={size}")
        seen.extend(page.items)
        expect_equal(page.next_before, page.items[-1].id if page.items else None, "next_before where more follow")
        before = page.next_before or before
    expect_equal(tuple(seen), expected, "three pages")
    page = _page(context, "?limit=100")
    expect_equal(len(page.items), 100, "items of a page of 100")
    ids = [item.id for item in page.items]
    expect_equal(ids, sorted(set(ids), reverse=True), "order of ids")
    expect_equal(len(_page(context).items), 20, "items of a page without a limit")


@check()
def last_page_has_no_next(context: Context) -> None:
    """`next_before` is null when nothing follows, also behind a full page."""
    expect_equal(_page(context, "?before=1"), PostPage(items=(), next_before=None), "the page before id 1")
    first = _page(context, "?limit=100&before=51").items
    expect(len(first) > 1, "The posts with ids up to 50 aren't there: the database isn't the seeded one.")
    size = len(first)
    whole = _page(context, f"?limit={size}&before=51")
    expect_equal((whole.items, whole.next_before), (first, None), f"a page of {size} where {size} posts are left")
    short = _page(context, f"?limit={size - 1}&before=51")
    expect_equal(short.next_before, first[-2].id, f"next_before of a page of {size - 1} where {size} posts are left")
    everything = _page(context, "?limit=1&before=9223372036854775807")
    expect_equal(len(everything.items), 1, "items before the largest id")


@check()
def head_of_a_list_has_no_body(context: Context) -> None:
    """HEAD answers as GET does, without body."""
    path = "/api/posts?limit=3&before=1000"
    body = context.get(path).body
    head = context.send("HEAD", path)
    expect_answer(head, 200, content_type="application/json")
    expect_equal((head.body, head.header("content-length")), (b"", str(len(body))), "body and length of HEAD")


@check()
def bad_query_parameters_are_refused(context: Context) -> None:
    """422 for a limit or a before that is malformed, out of bounds or repeated, both listed, limit first."""
    limit, before = ("limit", problems.LIMIT_RULE), ("before", problems.BEFORE_RULE)
    limit_once, before_once = ("limit", problems.ONCE_RULE), ("before", problems.ONCE_RULE)
    for value in ("0", "101", "1000", "-1", "+5", "05", "5.0", "1e1", "five", "", "%35", "5;", "99999999999999999999"):
        expect_invalid(context.exchange(request_octets(f"GET /api/posts?limit={value}")), limit)
    for value in ("0", "-1", "+5", "05", "x", "", "%31", "9223372036854775808", "1" * 20):
        expect_invalid(context.exchange(request_octets(f"GET /api/posts?before={value}")), before)
    for query, errors in (
        ("before=x&limit=x", (limit, before)),
        ("limit", (limit,)),
        ("before&limit=", (limit, before)),
        ("limit=5&limit=5", (limit_once,)),
        ("limit=0&limit=5", (limit_once,)),
        ("before=5&x=1&before=5&limit=0", (limit, before_once)),
        ("limit=5?", (limit,)),
        ("limit=5=5", (limit,)),
        ("limit==5&before=7=", (limit, before)),
        ("limit=5;before=7", (limit,)),
    ):
        expect_invalid(context.exchange(request_octets(f"GET /api/posts?{query}")), *errors)


@check()
def other_query_parameters_are_ignored(context: Context) -> None:
    """Unknown names, encoded names, other cases and empty pieces change nothing."""
    plain = _page(context, "?limit=1&before=50")
    for query in (
        "limit=1&before=50&x=1&x=2",
        "&&limit=1&&before=50&",
        "LIMIT=0&limit=1&before=50",
        "l%69mit=0&limit=1&before=50&%zz=%",
        "=5&limit=1&before=50&limit[]=7&=",
    ):
        answer = context.exchange(request_octets(f"GET /api/posts?{query}"))
        expect_equal(expect_json(answer, 200, PostPage), plain, f"the page of ?{query}")
    post = context.new_post()
    expect_body(
        context.exchange(request_octets(f"GET /api/posts/{post.id}?limit=x&before=%")), _read(context, post).body
    )


@check()
def token_of_nobody_is_refused_where_it_shows(context: Context) -> None:
    """A valid token of a user who isn't in the database gives the 401 of a token."""
    token = mint_token(context.target.jwt_secret, NOBODY, "nobody")
    post = context.new_post()
    expect_problem(context.get("/api/users/me", token=token), problems.BAD_TOKEN)
    expect_problem(context.post("/api/posts", {"title": "t", "body": "b"}, token=token), problems.BAD_TOKEN)
    expect_invalid(context.post("/api/posts", {"title": "t"}, token=token), ("body", problems.REQUIRED))
    path = f"/api/posts/{post.id}"
    expect_problem(context.send("DELETE", path, token=token), problems.NOT_OWNER)
    expect_problem(context.put(path, {"title": "t", "body": "b"}, token=token), problems.NOT_OWNER)
    expect_problem(context.send("DELETE", f"/api/posts/{NOBODY}", token=token), problems.NO_POST)
    expect_body(context.get(path, headers={"Authorization": f"Bearer {token}"}), _read(context, post).body)


@check()
def author_of_a_write_is_the_tokens(context: Context) -> None:
    """The author in the answer is `sub` and `name` of the token; readers get the name in the database."""
    alice, name = context.alice, context.new_name()
    token = mint_token(context.target.jwt_secret, alice.id, name)
    answer = context.post("/api/posts", {"title": "t", "body": "b"}, token=token)
    post = expect_created(answer, Post, "/api/posts/")
    expect_equal(post.author, Author(id=alice.id, username=name), "the author in the answer")
    read = expect_json(_read(context, post), 200, Post, headers={"etag": f'"{post.id}-1"', "x-cache": "MISS"})
    expect_equal(read.author, Author(id=alice.id, username=alice.username), "the author that readers get")
    updated = expect_json(context.put(f"/api/posts/{post.id}", {"title": "t", "body": "b"}, token=token), 200, Post)
    expect_equal(updated.author, Author(id=alice.id, username=name), "the author in the answer to an update")


@check()
def preconditions_of_an_update_are_not_looked_at(context: Context) -> None:
    """`If-Match` and `If-None-Match` of any value don't keep a PUT from being done."""
    post = context.new_post()
    content = b'{"title":"t","body":"b"}'
    for version, fields in enumerate(
        ({"If-Match": '"x"'}, {"If-None-Match": "*"}, {"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}), 2
    ):
        headers = fields | {"Content-Type": "application/json"}
        answer = context.send(
            "PUT", f"/api/posts/{post.id}", token=context.alice.token, content=content, headers=headers
        )
        expect_equal(expect_json(answer, 200, Post).version, version, f"version after a PUT with {fields}")
