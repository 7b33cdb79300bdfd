"""Uploads and downloads."""

import hashlib
from dataclasses import replace

from apis.contract.checks import problems
from apis.contract.checks.answers import StoredFile
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect_answer, expect_body, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.multipart import (
    BODY_MAXIMUM,
    BOUNDARY,
    CONTENT_TYPE,
    JPEG,
    MAXIMUM,
    PDF,
    PNG,
    WEBP,
    Part,
    multipart,
)
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import Answer, Wire, request_octets

_KINDS = (("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP), ("application/pdf", PDF))


def _named(name: str, filename: str) -> str:
    return f'form-data; name="{name}"; filename="{filename}"'


def _send(context: Context, content: bytes, content_type: str | None = CONTENT_TYPE) -> Answer:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return context.send("POST", "/api/files", token=context.alice.token, content=content, headers=headers)


@check()
def files_come_back_as_they_were_sent(context: Context) -> None:
    """201 with what is known of the file; 200 with its octets, type and name, for GET and HEAD, to anyone."""
    for content_type, content in _KINDS:
        part = Part(content, _named("file", "a file"), content_type)
        stored = expect_json(context.upload(part), 201, StoredFile)
        expected = StoredFile(
            id=stored.id,
            filename="a_file",
            content_type=stored.content_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        expect_equal(stored, expected, "the stored file")
        expect_equal(stored.content_type, content_type, "content_type")
        disposition = {"content-disposition": 'attachment; filename="a_file"'}
        path = f"/api/files/{stored.id}"
        answer = context.get(path)
        expect_answer(answer, 200, content_type=content_type, headers=disposition)
        expect_body(answer, content)
        head = context.send("HEAD", path)
        expect_answer(head, 200, content_type=content_type, headers=disposition)
        expect_equal((head.body, head.header("content-length")), (b"", str(len(content))), "body and length of HEAD")


@check()
def downloads_know_no_ranges_or_conditions(context: Context) -> None:
    """200 with the whole file whatever `Range`, `If-None-Match` and `If-Modified-Since` say."""
    stored = context.new_file(Part(PNG))
    headers = {"Range": "bytes=0-3", "If-None-Match": "*", "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"}
    answer = context.get(f"/api/files/{stored.id}", headers=headers)
    disposition = {"content-disposition": 'attachment; filename="picture.png"'}
    expect_answer(answer, 200, content_type="image/png", headers=disposition)
    expect_body(answer, PNG)


@check()
def unknown_file_is_not_found(context: Context) -> None:
    """404 with the detail for a file."""
    for method in ("GET", "HEAD"):
        expect_problem(context.send(method, f"/api/files/{NOBODY}"), problems.NO_FILE)


@check()
def uploading_needs_a_token(context: Context) -> None:
    """401 without one, whatever the body."""
    body = multipart(Part(PNG))
    answer = context.send("POST", "/api/files", content=body, headers={"Content-Type": CONTENT_TYPE})
    expect_problem(answer, problems.BAD_TOKEN)
    expect_problem(context.send("POST", "/api/files", content=b""), problems.BAD_TOKEN)


@check()
def largest_file_is_taken_and_a_larger_one_refused(context: Context) -> None:
    """2 MiB are taken; one octet more is 413."""
    content = PNG + bytes(MAXIMUM - len(PNG))
    stored = context.new_file(Part(content))
    expect_body(context.get(f"/api/files/{stored.id}"), content)
    expect_problem(context.upload(Part(content + b"\0")), problems.LARGE_FILE)


@check()
def too_large_a_body_is_refused_unread(context: Context) -> None:
    """413 as soon as the length is known to exceed the limit, and for a chunked body when it does."""
    start = multipart(Part(PNG), closed=False)
    for headers in (
        {"Content-Length": str(BODY_MAXIMUM + 1), "Content-Type": CONTENT_TYPE},
        {"Content-Length": str(2**40), "Content-Type": "multipart/form-data"},
    ):
        head = request_octets("POST /api/files", headers=headers | {"Authorization": f"Bearer {context.alice.token}"})
        expect_problem(context.exchange(head + start), problems.LARGE_FILE)
    headers = {
        "Authorization": f"Bearer {context.alice.token}",
        "Content-Type": CONTENT_TYPE,
        "Transfer-Encoding": "chunked",
    }
    skipped = multipart(Part(bytes(BODY_MAXIMUM), 'form-data; name="other"'), closed=False)
    with Wire(context.target.base_url) as wire:
        wire.send(request_octets("POST /api/files", headers=headers))
        try:
            for place in range(0, len(skipped), 65_536):
                chunk = skipped[place : place + 65_536]
                wire.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        except ConnectionError:
            pass
        answer = wire.answer("POST /api/files, chunked")
    if answer is not None:
        expect_problem(answer, problems.LARGE_FILE)


@check()
def chunked_uploads_are_taken(context: Context) -> None:
    """A body without a declared length is read like any other, however it is cut into chunks."""
    body = multipart(Part(PNG))
    headers = {
        "Authorization": f"Bearer {context.alice.token}",
        "Content-Type": CONTENT_TYPE,
        "Transfer-Encoding": "chunked",
    }
    chunks = b"".join(b"7\r\n" + body[place : place + 7] + b"\r\n" for place in range(0, len(body) - 6, 7))
    rest = body[len(body) - len(body) % 7 :]
    last = f"{len(rest):x}\r\n".encode() + rest + b"\r\n" if rest else b""
    octets = request_octets("POST /api/files", headers=headers) + chunks + last + b"0\r\n\r\n"
    stored = expect_json(context.exchange(octets), 201, StoredFile)
    expect_body(context.get(f"/api/files/{stored.id}"), PNG)


@check()
def only_multipart_is_taken(context: Context) -> None:
    """415 for another or no `Content-Type`; case, blanks and further parameters don't matter."""
    body = multipart(Part(PNG))
    for content_type in (
        None,
        "",
        "image/png",
        "multipart/mixed; boundary=x",
        "multipart/form-datax",
        "application/json",
    ):
        expect_problem(_send(context, body, content_type), problems.NOT_MULTIPART)
    for content_type in (
        f"Multipart/Form-Data; boundary={BOUNDARY}",
        f'multipart/form-data ;charset=utf-8; BOUNDARY="{BOUNDARY}"',
    ):
        expect_json(_send(context, body, content_type), 201, StoredFile)


@check()
def body_must_have_one_file(context: Context) -> None:
    """400 without a boundary or its delimiters, and unless exactly one part is named `file` and has a file name."""
    one = Part(PNG)
    bodies = (
        b"",
        b"not multipart",
        multipart(),
        multipart(closed=False),
        multipart(one, closed=False),
        multipart(one)[: -len("--\r\n")],
        multipart(Part(PNG, _named("File", "a.png"))),
        multipart(Part(PNG, _named("files", "a.png"))),
        multipart(Part(PNG, 'form-data; name="file"')),
        multipart(Part(PNG, _named("file", ""))),
        multipart(Part(PNG, "form-data; name=\"file\"; filename*=UTF-8''a.png")),
        multipart(Part(PNG, None)),
        multipart(Part(PNG, 'attachment; name="file"; filename="a.png"')),
        multipart(Part(PNG, 'form-data; name="file"; filename="a.png')),
        multipart(Part(PNG, 'form-data; filename="a.png"')),
        multipart(one, one),
    )
    for body in bodies:
        answer = _send(context, body)
        named = replace(answer, request=f"{answer.request} {body[:150]!r} of {len(body)} octets")
        expect_problem(named, problems.BAD_UPLOAD)
    for content_type in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'b' * 71}",
        "multipart/form-data; boundary=another",
    ):
        expect_problem(_send(context, multipart(one), content_type), problems.BAD_UPLOAD)


@check()
def other_parts_are_skipped(context: Context) -> None:
    """Parts of other names, a preamble and an epilogue don't matter; neither does a transfer encoding of the part."""
    text = Part(b"text", 'form-data; name="note"', None)
    picture = Part(b"not a picture", _named("picture", "a.png"))
    one = Part(PNG, 'FORM-DATA;NAME=file;\tFileName="a.png";name="x"', "image/png\r\nContent-Transfer-Encoding: base64")
    for body in (
        multipart(text, one, picture),
        multipart(one, text),
        b"preamble\r\n" + multipart(one),
        multipart(one) + b"epilogue",
    ):
        stored = expect_json(_send(context, body), 201, StoredFile)
        expect_equal(stored.filename, "a.png", "filename")
        expect_body(context.get(f"/api/files/{stored.id}"), PNG)


@check()
def type_is_told_by_the_first_octets(context: Context) -> None:
    """415 where they are of no known type, or the part declares another; a part that declares none is taken."""
    for content in (
        b"",
        b"GIF89a" + bytes(64),
        PNG[:7],
        b"\x89PNG\r\n\x1a\r" + bytes(64),
        b"\0" + PNG,
        JPEG[:2],
        WEBP[:11],
        WEBP[:8] + b"WAVE" + bytes(64),
        b"%PDF" + bytes(64),
        b"%pdf-" + bytes(64),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ):
        for content_type in ("image/png", None):
            expect_problem(context.upload(Part(content, content_type=content_type)), problems.BAD_FILE_TYPE)
    for content_type, content in _KINDS:
        for declared in ("image/gif", "text/plain", "application/octet-stream", "image/jpg", "", "image/pngx"):
            expect_problem(context.upload(Part(content, content_type=declared)), problems.BAD_FILE_TYPE)
        other = "image/png" if content_type != "image/png" else "image/jpeg"
        expect_problem(context.upload(Part(content, content_type=other)), problems.BAD_FILE_TYPE)
        for declared in (None, content_type.upper(), f"{content_type} ; x=y"):
            stored = expect_json(context.upload(Part(content, content_type=declared)), 201, StoredFile)
            expect_equal(stored.content_type, content_type, "content_type")
    for content in (PNG[:8], JPEG[:3], WEBP[:12], PDF[:5]):
        stored = expect_json(context.upload(Part(content, content_type=None)), 201, StoredFile)
        expect_equal(stored.size, len(content), "size")


@check()
def first_breach_decides(context: Context) -> None:
    """A part's type is looked at before its size, and both before what is behind the part."""
    large = Part(PNG + bytes(MAXIMUM))
    text = multipart(Part(b"text" + bytes(MAXIMUM), content_type="text/plain"))
    headers = {
        "Authorization": f"Bearer {context.alice.token}",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(text)),
    }
    answer = context.exchange(request_octets("POST /api/files", headers=headers) + text[:4_096])
    expect_problem(answer, problems.BAD_FILE_TYPE)
    for body, problem in (
        (multipart(Part(b"text"), Part(PNG)), problems.BAD_FILE_TYPE),
        (multipart(Part(b"more than twelve octets of text"), closed=False), problems.BAD_FILE_TYPE),
        (multipart(large, closed=False), problems.LARGE_FILE),
        (multipart(Part(PNG), Part(b"text")), problems.BAD_UPLOAD),
    ):
        expect_problem(_send(context, body), problem)


@check()
def file_names_are_made_safe(context: Context) -> None:
    """The stored name has no path, no leading dots, and only letters, digits, `.`, `-` and `_`."""
    for sent, safe in (
        ("picture.png", "picture.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\\\temp\\\\a b.png", "a_b.png"),
        ("a\\\\b/c\\\\d.png", "d.png"),
        (".htaccess", "htaccess"),
        ("...a..png", "a..png"),
        ("..", "file"),
        ("/", "file"),
        ("a/", "file"),
        ("é.png", "_.png"),
        ("Zoë (1).jpg", "Zo_1_.jpg"),
        ("你好😀", "_"),
        ('a\\"b\\x.png', "a_bx.png"),
        ("a%2e%2e%2fb.png", "a_2e_2e_2fb.png"),
        ("a;b=c.png", "a_b_c.png"),
        ("  a\t\tb  ", "_a_b_"),
        ("-rf", "-rf"),
        ("CON.png", "CON.png"),
        ("n" * 200 + ".png", "n" * 100),
        ("." + "n" * 99 + ".png", "n" * 99 + "."),
    ):
        stored = context.new_file(Part(PNG, _named("file", sent)))
        expect_equal(stored.filename, safe, f"safe name of {sent!r}")
        answer = context.get(f"/api/files/{stored.id}")
        expect_equal(answer.header("content-disposition"), f'attachment; filename="{safe}"', "Content-Disposition")
    unquoted = context.new_file(Part(PNG, "form-data; name=file; filename=a+b.png ; x=y"))
    expect_equal(unquoted.filename, "a_b.png", "safe name of an unquoted a+b.png")


@check("database")
def contents_are_stored_under_random_names(context: Context) -> None:
    """32 hexadecimal digits, another for each file; nothing is recorded of an upload that was refused."""

    def names() -> list[tuple[int, str]]:
        query = "SELECT id, storage_name FROM files WHERE owner_id = %s ORDER BY id"
        rows = context.database.execute(query, (context.alice.id,)).fetchall()
        return [(int(row[0]), str(row[1])) for row in rows]

    before = names()
    ids = [context.new_file(Part(PNG, _named("file", "../same.png"))).id for _ in range(2)]
    expect_problem(context.upload(Part(PNG), Part(PNG)), problems.BAD_UPLOAD)
    new = [row for row in names() if row not in before]
    expect_equal([row[0] for row in new], ids, "ids of the new rows")
    for _, name in new:
        expect_equal((len(name), set(name) - set("0123456789abcdef")), (32, set[str]()), f"the storage name {name}")
    expect_equal(len({name for _, name in new}), 2, "distinct storage names")
