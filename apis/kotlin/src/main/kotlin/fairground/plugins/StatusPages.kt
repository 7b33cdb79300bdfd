package fairground.plugins

import fairground.OncePerSecond
import fairground.database.*
import fairground.describe
import fairground.posts.*
import fairground.users.*
import io.ktor.http.*
import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.plugins.ContentTransformationException
import io.ktor.server.plugins.statuspages.*
import io.ktor.server.request.*
import io.ktor.server.response.*
import io.ktor.util.cio.*
import io.ktor.utils.io.*
import kotlinx.coroutines.CancellationException
import kotlinx.serialization.Serializable
import org.jetbrains.exposed.exceptions.ExposedSQLException
import org.postgresql.util.PSQLState

/** An answer that reports an error, thrown by handlers. */
class Problem(
    val status: HttpStatusCode,
    val detail: String? = null,
    val errors: List<FieldError>? = null,
) : Exception(detail, null, false, false)

/** The problem as RFC 9457 has it. */
@Serializable
private class ProblemDocument(
    val type: String,
    val title: String,
    val status: Int,
    val detail: String? = null,
    val errors: List<FieldError>? = null,
)

suspend fun ApplicationCall.respondProblem(problem: Problem) {
    val status = problem.status
    val document = ProblemDocument("about:blank", status.description, status.value, problem.detail, problem.errors)
    if (status == HttpStatusCode.Unauthorized) response.header(HttpHeaders.WWWAuthenticate, "Bearer")
    respondText(json.encodeToString(document), ContentType.Application.ProblemJson, status)
}

/** Turns every exception, and every status without a body, into a problem document. */
fun Application.configureStatusPages() {
    val logger = log
    val warnings = OncePerSecond()

    install(StatusPages) {
        exception<Throwable> { call, cause ->
            val problem = problemOf(cause)
            val line = "${problem.status.value} ${call.request.httpMethod.value} ${call.request.path()}: "
            when (problem.status) {
                HttpStatusCode.InternalServerError -> logger.error(line + describe(cause))
                HttpStatusCode.ServiceUnavailable -> warnings.run(cause.javaClass.name) { logger.warn(line + describe(cause)) }
            }
            call.respondProblem(problem)
        }

        // The client has gone, or was too slow; Ktor's engine knows what to do.
        exception<CancellationException> { _, cause -> throw cause }
        exception<ChannelIOException> { _, cause -> throw cause }
        exception<ClosedByteChannelException> { _, cause -> throw cause }

        status(HttpStatusCode.Unauthorized, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed) { call, status ->
            call.respondProblem(Problem(status))
        }
    }
}

private fun problemOf(cause: Throwable): Problem =
    when (cause) {
        is Problem -> cause

        // What Ktor's own reading of a request throws. The messages quote the request, so they aren't shown.
        is PayloadTooLargeException -> Problem(HttpStatusCode.PayloadTooLarge)
        is UnsupportedMediaTypeException, is BadContentTypeFormatException -> Problem(HttpStatusCode.UnsupportedMediaType)
        is BadRequestException, is ContentTransformationException -> Problem(HttpStatusCode.BadRequest)

        is PostNotChanged -> Problem(if (cause.isMissing) HttpStatusCode.NotFound else HttpStatusCode.Forbidden)
        is DatabaseUnavailable, is TooManyPasswords -> Problem(HttpStatusCode.ServiceUnavailable)
        is ExposedSQLException ->
            when (cause.sqlState) {
                PSQLState.UNIQUE_VIOLATION.state -> Problem(HttpStatusCode.Conflict, "The username or the email is taken.")
                // All foreign keys name users: the token's has been deleted.
                PSQLState.FOREIGN_KEY_VIOLATION.state -> Problem(HttpStatusCode.Unauthorized)
                else -> Problem(HttpStatusCode.InternalServerError)
            }

        else -> Problem(HttpStatusCode.InternalServerError)
    }
