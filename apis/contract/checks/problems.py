"""The contract's errors: status, title and detail, word for word, and the messages of a 422."""

from typing import NamedTuple


class Problem(NamedTuple):
    """An error of the contract."""

    status: int
    title: str
    detail: str


BAD_JSON = Problem(
    400, "Bad Request", "The request body must be a JSON object whose members have the right types and appear once."
)
BAD_UPLOAD = Problem(
    400, "Bad Request", "The request body must be multipart/form-data with exactly one file, in a part named file."
)
BAD_TOKEN = Problem(401, "Unauthorized", "A valid access token is required.")
BAD_LOGIN = Problem(401, "Unauthorized", "The email or the password is wrong.")
NOT_OWNER = Problem(403, "Forbidden", "This post belongs to another user.")
NO_PATH = Problem(404, "Not Found", "There is nothing at this path.")
NO_USER = Problem(404, "Not Found", "There is no such user.")
NO_POST = Problem(404, "Not Found", "There is no such post.")
NO_FILE = Problem(404, "Not Found", "There is no such file.")
BAD_METHOD = Problem(405, "Method Not Allowed", "This path does not take this method.")
USERNAME_TAKEN = Problem(409, "Conflict", "The username is taken.")
EMAIL_TAKEN = Problem(409, "Conflict", "The email is taken.")
LARGE_JSON = Problem(413, "Content Too Large", "The request body must be at most 65536 bytes.")
LARGE_FILE = Problem(413, "Content Too Large", "The file must be at most 2097152 bytes.")
NOT_JSON = Problem(415, "Unsupported Media Type", "The request body must be application/json.")
NOT_MULTIPART = Problem(415, "Unsupported Media Type", "The request body must be multipart/form-data.")
BAD_FILE_TYPE = Problem(
    415, "Unsupported Media Type", "The file must be a PNG, JPEG, WebP or PDF and declared as what it is."
)
INVALID = Problem(422, "Unprocessable Content", "One or more fields are not valid.")
INTERNAL = Problem(500, "Internal Server Error", "An internal error occurred.")
UNAVAILABLE = Problem(503, "Service Unavailable", "The service is not available at the moment.")

REQUIRED = "is required"
USERNAME_RULE = "must be 3 to 32 characters of a-z, 0-9 and _"
EMAIL_RULE = "must be 3 to 254 visible ASCII characters with one @ between others"
PASSWORD_RULE = "must be 8 to 72 bytes"  # noqa: S105 - a message
TITLE_RULE = "must be 1 to 200 characters"
BODY_RULE = "must be 1 to 20000 characters"
NO_NUL_RULE = "must not contain U+0000"
ONCE_RULE = "must be given only once"
LIMIT_RULE = "must be an integer from 1 to 100"
BEFORE_RULE = "must be an id"
