package fairground.api

import fairground.view.Problem
import fairground.view.encode
import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.ApplicationCall
import io.ktor.server.response.header
import kotlinx.serialization.SerializationStrategy

private val PROBLEM_JSON = ContentType("application", "problem+json")

/** Octets that are sent as they are. */
internal class Octets(
    private val octets: ByteArray,
    override val contentType: ContentType = ContentType.Application.Json,
    override val status: HttpStatusCode = HttpStatusCode.OK,
) : OutgoingContent.ByteArrayContent() {
    override val contentLength: Long get() = octets.size.toLong()

    override fun bytes(): ByteArray = octets
}

/** An answer without body. */
internal class NoBody(
    override val status: HttpStatusCode,
) : OutgoingContent.NoContent()

/** Sends [content]. Its type is known, so Ktor needn't look for a way to convert it. */
internal suspend fun ApplicationCall.send(content: OutgoingContent) = respond(content, typeInfo = null)

internal suspend fun <T> ApplicationCall.sendDocument(
    serializer: SerializationStrategy<T>,
    document: T,
    status: HttpStatusCode = HttpStatusCode.OK,
) = send(Octets(encode(serializer, document), status = status))

internal suspend fun ApplicationCall.sendProblem(problem: Problem) {
    if (problem.status == HttpStatusCode.Unauthorized.value) response.header(HttpHeaders.WWWAuthenticate, "Bearer")
    send(Octets(problem.document, PROBLEM_JSON, HttpStatusCode.fromValue(problem.status)))
}
