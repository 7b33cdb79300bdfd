"""Uploads and downloads."""

import hashlib
import re
from email.message import Message

from apis.contract.checks import expect
from apis.contract.checks.answers import StoredFile
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.model import check
from apis.contract.checks.wire import CONTENT_TYPE, KINDS, MAXIMUM, PNG, Part, Wire, multipart, named, request_octets
from apis.contract.tokens import mint_token


def _chunked(context: Context, body: bytes, size: int) -> bytes:
    headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": CONTENT_TYPE}
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = request_octets("POST /api/files", headers=headers | {"Transfer-Encoding": "chunked"})
    return head + chunks + b"0\r\n\r\n"


def _downloaded(context: Context, stored: StoredFile, content: bytes) -> None:
    answer = context.get(f"/api/files/{stored.id}")
    expect.status(answer, 200)
    expect.equal(answer.body, content, f"{answer.request}: the content")
    expect.equal(answer.media_type, stored.content_type, f"{answer.request}: media type")
    expect.equal(answer.header("x-content-type-options").lower(), "nosniff", "X-Content-Type-Options")
    message = Message()
    message["Content-Disposition"] = answer.header("content-disposition")
    seen = (message.get_content_disposition(), message.get_filename())
    expect.equal(seen, ("attachment", stored.filename), f"{answer.request}: Content-Disposition")


def _rows(context: Context) -> dict[int, tuple[object, ...]]:
    query = "SELECT id, filename, content_type, size, sha256, storage_name FROM files WHERE owner_id = %s"
    return {row[0]: row[1:] for row in context.database.execute(query, (context.alice.id,)).fetchall()}


@check()
def files_come_back_as_they_were_sent(context: Context) -> None:
    """201 with name, type, size and SHA-256; then 200 with the bytes, for each type, the largest size and chunks."""
    extremes = (("image/png", PNG + bytes(MAXIMUM - len(PNG))), ("image/jpeg", KINDS["image/jpeg"][:3]))
    for content_type, content in (*KINDS.items(), *extremes):
        stored = context.new_file(Part(content, named("a-B_1.png"), content_type))
        seen = (stored.filename, stored.content_type, stored.size, stored.sha256)
        expected = ("a-B_1.png", content_type, len(content), hashlib.sha256(content).hexdigest())
        expect.equal(seen, expected, "the stored file")
        _downloaded(context, stored, content)
    note = Part(b"text", 'form-data; name="note"', None)
    stored = expect.json(context.upload(note, Part(PNG), note), 201, StoredFile)
    _downloaded(context, stored, PNG)
    with Wire(context.target.base_url) as wire:
        wire.send(_chunked(context, multipart(Part(PNG)), 7))
        stored = expect.json(wire.require_answer("POST /api/files, in chunks"), 201, StoredFile)
    _downloaded(context, stored, PNG)


@check()
def larger_files_are_refused(context: Context) -> None:
    """413 for one byte beyond 2 MiB, and for more, with and without a declared length."""
    for content in (PNG + bytes(MAXIMUM + 1 - len(PNG)), PNG + bytes(MAXIMUM * 3)):
        expect.problem(context.upload(Part(content)), 413)
    with Wire(context.target.base_url) as wire:
        wire.send_if_open(_chunked(context, multipart(Part(PNG + bytes(MAXIMUM))), 65_536))
        answer = wire.answer("POST /api/files, in chunks")
    # A server that doesn't read the rest may end the connection before its answer is read.
    if answer is not None:
        expect.problem(answer, 413)


@check("database")
def bad_uploads_are_refused(context: Context) -> None:
    """415 or 400 for another type of body, 400 or 422 without a part `file` with a name or when cut off; no row.

    415 where the first bytes are of no known type, or the part declares another type than theirs.
    """
    before, one = _rows(context), multipart(Part(PNG))
    for content_type in (None, "image/png", "application/json", "application/x-www-form-urlencoded"):
        expect.problem(context.send_form(one, content_type), 415, 400)
    cut_off = (multipart(Part(PNG), closed=False), one[: len(one) // 2])
    unnamed = multipart(Part(PNG, 'form-data; name="file"'))
    for body in (b"", b"not multipart", multipart(), *cut_off, unnamed, multipart(Part(PNG, named("a.png", name="x")))):
        expect.problem(context.send_form(body), 400, 422)
    for content in (b"GIF89a" + bytes(64), PNG[:7], b"\0" + PNG, b"RIFF\x24\0\0\0WAVE" + bytes(9), b"<svg xmlns='x'/>"):
        expect.problem(context.upload(Part(content)), 415)
    for content_type, content in KINDS.items():
        for declared in ("image/gif", "text/html", "image/png" if content_type != "image/png" else "image/jpeg"):
            expect.problem(context.upload(Part(content, content_type=declared)), 415)
    expect.equal(_rows(context), before, "rows of refused uploads")


@check("database")
def file_names_are_made_safe(context: Context) -> None:
    """A name of another form becomes one of the contract's; contents have other names, which are random."""
    odd = (".htaccess", "..", "é你.png", "a;b=c%2f'.png", "n" * 200 + ".png", "<script>.png")
    for sent in ("a.png", "n" * 96 + ".png", "..\\\\..\\\\a b.png", "../../etc/passwd", "/etc/passwd", *odd):
        stored = context.new_file(Part(PNG, named(sent)))
        if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", sent):
            expect.equal(stored.filename, sent, "a safe name")
        _downloaded(context, stored, PNG)
    first, _ = (context.new_file(Part(PNG, named("../same.png"))) for _ in range(2))
    rows = _rows(context)
    expected = (first.filename, first.content_type, first.size, first.sha256)
    expect.equal(rows[first.id][:4], expected, "the row of a file")
    names = [str(row[4]) for row in rows.values()]
    random = all(re.fullmatch(r"[\w.-]{16,}", name) and first.sha256 not in name for name in names)
    expect.that(random and len(set(names)) == len(names), f"Storage names: expected random ones, saw {names}.")


@check("database")
def an_upload_whose_row_is_refused_leaves_none(context: Context) -> None:
    """401 or 404 where the foreign key shows that there is no such user; a client that goes away leaves no row."""
    query = "SELECT count(*) FROM files"
    [(before,)] = context.database.execute(query).fetchall()
    token = mint_token(context.target.jwt_secret, NOBODY, "nobody")
    expect.problem(context.upload(Part(PNG), token=token), 401, 404)
    body = multipart(Part(PNG + bytes(1_000_000)))
    headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": CONTENT_TYPE}
    head = request_octets("POST /api/files", headers=headers | {"Content-Length": str(len(body))})
    with Wire(context.target.base_url) as wire:
        wire.send(head + body[:600_000])
    context.new_file(Part(PNG))
    expect.equal(context.database.execute(query).fetchall(), [(before + 1,)], "rows of files")
