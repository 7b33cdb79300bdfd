"""Uploads and downloads."""

from starlette.requests import Request
from starlette.responses import Response

from fifth.answers import json_answer, to_json
from fifth.disposition import safe_name
from fifth.multipart import LARGEST_BODY, Upload, read_boundary
from fifth.problems import bad_token, large_file, not_multipart, nothing
from fifth.requests import chunks, require_bearer, require_length, require_type
from fifth.storage import Storage
from fifth.store import NoSuchUserError, Store, StoredFile
from fifth.tokens import Tokens


class Files:
    """The routes below `/api/files`."""

    def __init__(self, store: Store, storage: Storage, tokens: Tokens) -> None:
        self._store = store
        self._storage = storage
        self._tokens = tokens

    async def upload(self, request: Request) -> Response:
        """POST /api/files."""
        owner = require_bearer(request, self._tokens)
        content_type = require_type(request, "multipart/form-data", not_multipart)
        require_length(request, LARGEST_BODY, large_file)
        upload = Upload(chunks(request), read_boundary(content_type))
        file = await upload.file()
        content = await self._storage.write(file.content)
        filename = safe_name(file.filename)
        stored = StoredFile(filename, file.content_type, content.size, content.sha256, content.name)
        try:
            await upload.finish()
            identifier = await self._store.add_file(owner, stored)
        except BaseException as error:
            self._storage.remove(content.name)
            if isinstance(error, NoSuchUserError):
                raise bad_token() from error
            raise
        document = {"id": identifier, "filename": filename, "content_type": stored.content_type}
        return json_answer(to_json({**document, "size": stored.size, "sha256": stored.sha256}), 201)

    async def download(self, request: Request) -> Response:
        """GET /api/files/{id}."""
        file = await self._store.file(request.path_params["id"])
        if file is None:
            raise nothing("file")
        content = await self._storage.read(file.storage_name)
        headers = {
            "Content-Type": file.content_type,
            "Content-Disposition": f'attachment; filename="{file.filename}"',
        }
        return Response(content, headers=headers)
