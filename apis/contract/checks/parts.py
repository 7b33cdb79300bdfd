"""The parts of an upload: delimiters, headers, and the order in which an upload is refused."""

from apis.contract.checks import problems
from apis.contract.checks.answers import StoredFile
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect_answer, expect_body, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.multipart import BODY_MAXIMUM, BOUNDARY, CONTENT_TYPE, PNG, Part, multipart
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import Answer, request_octets
from apis.contract.tokens import mint_token

_GOOD = 'form-data; name="file"; filename="a.png"'
_TEXT = 'form-data; name="file"; filename="a.txt"'


def _send(context: Context, content: bytes, content_type: str = CONTENT_TYPE, *, token: str | None = None) -> Answer:
    return context.send(
        "POST",
        "/api/files",
        token=token or context.alice.token,
        content=content,
        headers={"Content-Type": content_type},
    )


def _raw_part(*headers: bytes, content: bytes = PNG) -> bytes:
    """A body of one part whose header lines are these octets."""
    delimiter = f"--{BOUNDARY}".encode()
    return (
        delimiter
        + b"\r\n"
        + b"".join(line + b"\r\n" for line in headers)
        + b"\r\n"
        + content
        + (b"\r\n" + delimiter + b"--\r\n")
    )


@check()
def uploads_are_checked_in_their_order(context: Context) -> None:
    """401, then 415 of the request, then 413 of its length, each before the body comes."""
    length = {"Content-Length": str(BODY_MAXIMUM + 1)}
    token = {"Authorization": f"Bearer {context.alice.token}"}
    text, form = {"Content-Type": "text/plain"}, {"Content-Type": CONTENT_TYPE}
    for headers, problem in (
        (length | text, problems.BAD_TOKEN),
        (length | form, problems.BAD_TOKEN),
        (length | text | token, problems.NOT_MULTIPART),
        (length | token, problems.NOT_MULTIPART),
        (length | form | token, problems.LARGE_FILE),
        (length | token | {"Content-Type": "multipart/form-data; boundary="}, problems.LARGE_FILE),
    ):
        expect_problem(context.exchange(request_octets("POST /api/files", headers=headers)), problem)
    twice = (("Content-Type", CONTENT_TYPE), ("Content-Type", CONTENT_TYPE))
    answer = context.send("POST", "/api/files", token=context.alice.token, content=multipart(Part(PNG)), headers=twice)
    expect_problem(answer, problems.NOT_MULTIPART)


@check()
def largest_body_is_taken(context: Context) -> None:
    """2,162,688 octets of body are read, told by the length or in chunks, though most of it is skipped."""
    rest = multipart(Part(PNG))
    around = len(multipart(Part(b"", 'form-data; name="other"'), closed=False))
    body = multipart(Part(bytes(BODY_MAXIMUM - len(rest) - around), 'form-data; name="other"'), closed=False) + rest
    expect_equal(len(body), BODY_MAXIMUM, "octets of the largest body")
    expect_json(_send(context, body), 201, StoredFile)
    headers = {
        "Authorization": f"Bearer {context.alice.token}",
        "Content-Type": CONTENT_TYPE,
        "Transfer-Encoding": "chunked",
    }
    pieces = (body[place : place + 65_536] for place in range(0, len(body), 65_536))
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    octets = request_octets("POST /api/files", headers=headers) + chunks + b"0\r\n\r\n"
    expect_json(context.exchange(octets), 201, StoredFile)


@check()
def boundaries_are_tokens_or_quoted_strings(context: Context) -> None:
    """1 to 70 characters; in quotes also those that no token has."""
    for boundary, written in (
        ("b", "b"),
        ("b" * 70, "b" * 70),
        ("b" * 70, f'"{"b" * 70}"'),
        ("'+_,-./:=?()", '"\'+_,-./:=?()"'),
        ("two words", '"two words"'),
        (
            "---------------------------974767299852498929531610575",
            "---------------------------974767299852498929531610575",
        ),
    ):
        body = multipart(Part(PNG)).replace(BOUNDARY.encode(), boundary.encode())
        stored = expect_json(_send(context, body, f"multipart/form-data; boundary={written}"), 201, StoredFile)
        expect_equal(stored.size, len(PNG), f"size of a file between delimiters of {boundary!r}")


@check()
def contents_may_look_like_delimiters(context: Context) -> None:
    """Only CRLF, two hyphens and the whole boundary end a content; it comes back octet for octet."""
    boundary = BOUNDARY.encode()
    for inside in (
        b"--" + boundary,
        b"\n--" + boundary,
        b"\r--" + boundary,
        b"\r\n-" + boundary,
        b"\r\n--" + boundary[:-1] + b"\r\n",
        b"\r\n--" + boundary.swapcase() + b"--\r\n",
        b"\r\n\r\n--\r\n",
        b"\r\n--" * 3_000,
        b"\r\n",
    ):
        content = PNG + inside
        stored = context.new_file(Part(content))
        expect_equal(stored.size, len(content), f"size of a file with {inside[:50]!r}")
        expect_body(context.get(f"/api/files/{stored.id}"), content)


@check()
def headers_of_a_part_may_be_long_and_repeated(context: Context) -> None:
    """4 KiB of headers are taken, names in any case, others ignored; of a repeated one the first counts."""
    disposition, png = f"Content-Disposition: {_GOOD}".encode(), b"Content-Type: image/png"
    for headers in (
        (disposition, png, b"X-Padding: " + b"x" * (4_096 - len(disposition) - len(png) - len("X-Padding: ") - 8)),
        (b"content-disposition:" + _GOOD.encode(), b"CONTENT-TYPE:image/png"),
        (disposition, png, b"Content-Type: text/plain"),
        (disposition, b'Content-Disposition: form-data; name="other"', b"Content-Transfer-Encoding: 7bit"),
    ):
        stored = expect_json(_send(context, _raw_part(*headers)), 201, StoredFile)
        expect_equal((stored.filename, stored.size), ("a.png", len(PNG)), "name and size")
    for headers, problem in (
        ((disposition, b"Content-Type: text/plain", png), problems.BAD_FILE_TYPE),
        ((b'Content-Disposition: form-data; name="other"', disposition), problems.BAD_UPLOAD),
        ((png,), problems.BAD_UPLOAD),
    ):
        expect_problem(_send(context, _raw_part(*headers)), problem)


@check()
def dispositions_have_one_form(context: Context) -> None:
    """`form-data` and parameters of name, `=` and a quoted string or a run without blanks; all else is 400."""
    for disposition, filename in (
        ('form-data; name="file"; filename="a.png" \t', "a.png"),
        ('form-data;\tname="file"\t;\tfilename=a.png', "a.png"),
        ('form-data; filename="a.png"; name=file; filename="b.png"', "a.png"),
        ('form-data; a=; name="file"; filename="a.png"', "a.png"),
        ('form-data; name="\\f\\ile"; filename="a\\.png"', "a.png"),
        ('form-data; name="file"; filename="a.png"; filename*=UTF-8\'\'b.png', "a.png"),
        ('form-data; name="file"; filename="=;,.png"', "_.png"),
    ):
        stored = expect_json(context.upload(Part(PNG, disposition)), 201, StoredFile)
        expect_equal(stored.filename, filename, f"filename of {disposition!r}")
    for disposition in (
        "form-data",
        f"{_GOOD};",
        f"{_GOOD}; ;a=b",
        'form-data; name="file" filename="a.png"',
        'form-data; name="file"; filename ="a.png"',
        'form-data; name="file"; filename= "a.png"',
        'form-data; name="file"; filename="a.png"x',
        'form-data; name="file"; filename="a.png\\"',
        'form-data; name="file"; filename="a.png"; =b',
        'form-data; name="file"; filename="a.png"; a',
        'form-data; name="file"; filename=',
        'form-data, name="file"; filename="a.png"',
        'form-data name="file"; filename="a.png"',
        'form-datax; name="file"; filename="a.png"',
        'name="file"; filename="a.png"',
        "",
    ):
        answer = context.upload(Part(PNG, disposition))
        expect_equal((answer.status, disposition), (400, disposition), "status of a Content-Disposition")
        expect_problem(answer, problems.BAD_UPLOAD)
    raw = _raw_part(b'Content-Disposition: form-data; name="file"; filename="a\xff\xfeb.png"')
    stored = expect_json(_send(context, raw), 201, StoredFile)
    expect_equal(stored.filename, "a_b.png", "safe name of octets that are no UTF-8")


@check()
def token_of_nobody_uploads_nothing(context: Context) -> None:
    """401 where the foreign key shows that the token's user isn't there; a breach of the upload goes before."""
    token = mint_token(context.target.jwt_secret, NOBODY, "nobody")
    expect_problem(_send(context, multipart(Part(PNG)), token=token), problems.BAD_TOKEN)
    expect_problem(_send(context, multipart(Part(b"text", _TEXT)), token=token), problems.BAD_FILE_TYPE)
    expect_problem(_send(context, multipart(Part(PNG), closed=False), token=token), problems.BAD_UPLOAD)


@check("database")
def missing_content_is_an_internal_error(context: Context) -> None:
    """500 with the fixed text where the row is there and the content isn't."""
    query = """
        INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
        VALUES (%s, 'gone.png', 'image/png', 8, repeat('0', 64), replace(gen_random_uuid()::text, '-', ''))
        RETURNING id
    """
    row = context.database.execute(query, (context.alice.id,)).fetchone()
    identifier = 0 if row is None else int(row[0])
    path = f"/api/files/{identifier}"
    try:
        for method in ("GET", "HEAD"):
            expect_problem(context.send(method, path), problems.INTERNAL)
    finally:
        context.database.execute("DELETE FROM files WHERE id = %s", (identifier,))
    expect_problem(context.get(path), problems.NO_FILE)
    stored = context.new_file(Part(PNG))
    disposition = {"content-disposition": 'attachment; filename="picture.png"'}
    expect_answer(context.get(f"/api/files/{stored.id}"), 200, content_type="image/png", headers=disposition)
