package fairground.view

import kotlinx.serialization.Serializable

/** What is wrong with one field of a request. */
@Serializable
class FieldError(
    val field: String,
    val message: String,
)

/**
 * An answer that reports an error, as RFC 9457 has it. It travels as an exception from where it is found to where it is
 * written, so it has no stack trace: taking one would cost more than the rest of the request.
 */
class Problem private constructor(
    val status: Int,
    detail: String,
    errors: List<FieldError>? = null,
) : Exception(detail, null, false, false) {
    /** The whole document, encoded once. */
    val document: ByteArray =
        encode(ProblemView.serializer(), ProblemView("about:blank", TITLES.getValue(status), status, detail, errors))

    companion object {
        val BAD_JSON = Problem(400, "The request body must be a JSON object whose members have the right types and appear once.")
        val BAD_UPLOAD = Problem(400, "The request body must be multipart/form-data with exactly one file, in a part named file.")
        val BAD_TOKEN = Problem(401, "A valid access token is required.")
        val BAD_LOGIN = Problem(401, "The email or the password is wrong.")
        val NOT_OWNER = Problem(403, "This post belongs to another user.")
        val NO_PATH = Problem(404, "There is nothing at this path.")
        val NO_USER = Problem(404, "There is no such user.")
        val NO_POST = Problem(404, "There is no such post.")
        val NO_FILE = Problem(404, "There is no such file.")
        val BAD_METHOD = Problem(405, "This path does not take this method.")
        val USERNAME_TAKEN = Problem(409, "The username is taken.")
        val EMAIL_TAKEN = Problem(409, "The email is taken.")
        val JSON_TOO_LARGE = Problem(413, "The request body must be at most 65536 bytes.")
        val FILE_TOO_LARGE = Problem(413, "The file must be at most 2097152 bytes.")
        val NOT_JSON = Problem(415, "The request body must be application/json.")
        val NOT_MULTIPART = Problem(415, "The request body must be multipart/form-data.")
        val NOT_ACCEPTED_FILE = Problem(415, "The file must be a PNG, JPEG, WebP or PDF and declared as what it is.")
        val INTERNAL = Problem(500, "An internal error occurred.")
        val UNAVAILABLE = Problem(503, "The service is not available at the moment.")

        /** The problem that lists the fields that break a rule. */
        fun invalid(errors: List<FieldError>): Problem = Problem(422, "One or more fields are not valid.", errors)
    }
}

/** The reason phrases of RFC 9110; Ktor and Netty have older ones for some. */
private val TITLES =
    mapOf(
        400 to "Bad Request",
        401 to "Unauthorized",
        403 to "Forbidden",
        404 to "Not Found",
        405 to "Method Not Allowed",
        409 to "Conflict",
        413 to "Content Too Large",
        415 to "Unsupported Media Type",
        422 to "Unprocessable Content",
        500 to "Internal Server Error",
        503 to "Service Unavailable",
    )

@Serializable
private class ProblemView(
    val type: String,
    val title: String,
    val status: Int,
    val detail: String,
    val errors: List<FieldError>? = null,
)
