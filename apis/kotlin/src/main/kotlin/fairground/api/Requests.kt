package fairground.api

import fairground.http.RequestBody
import fairground.json.InvalidJson
import fairground.json.readMembers
import fairground.parseId
import fairground.security.AccessTokens
import fairground.security.Caller
import fairground.view.FieldError
import fairground.view.Problem
import io.ktor.http.HttpHeaders
import io.ktor.server.routing.RoutingCall

internal const val MAX_JSON_BYTES = 64 * 1024
private const val FIRST_BUFFER_BYTES = 4 * 1024

/** The id in the path of a route that has one: [checkRoutes] saw to it. */
internal val RoutingCall.pathId: Long get() = parseId(pathParameters["id"]!!)!!

/** Whom the access token of the request speaks for. */
internal fun RoutingCall.authenticate(tokens: AccessTokens): Caller {
    val header = request.headers.getAll(HttpHeaders.Authorization)?.singleOrNull() ?: throw Problem.BAD_TOKEN
    val scheme = header.substringBefore(' ')
    if (!scheme.equals("Bearer", ignoreCase = true)) throw Problem.BAD_TOKEN
    return tokens.verify(header.substring(scheme.length).trimStart(' ')) ?: throw Problem.BAD_TOKEN
}

/** The request's one `Content-Type`, if it is [wanted] whatever its parameters; null if not. */
internal fun RoutingCall.contentType(wanted: String): String? {
    val header = request.headers.getAll(HttpHeaders.ContentType)?.singleOrNull() ?: return null
    return header.takeIf { it.substringBefore(';').trim(' ', '\t').equals(wanted, ignoreCase = true) }
}

/** What the request's `Content-Length` says; null if it has none. Netty has seen to it that it is a number. */
internal val RoutingCall.declaredLength: Long? get() = request.headers[HttpHeaders.ContentLength]?.toLongOrNull()

/** Reads the JSON body into the values of [fields], and checks their rules. */
internal suspend fun RoutingCall.readFields(fields: List<Field>): List<String> {
    contentType("application/json") ?: throw Problem.NOT_JSON
    val given =
        try {
            readMembers(readJson(), fields.map { it.name })
        } catch (_: InvalidJson) {
            throw Problem.BAD_JSON
        }
    val errors =
        fields.zip(given).mapNotNull { (field, value) ->
            val message = if (value == null) "is required" else field.rule(value)
            message?.let { FieldError(field.name, it) }
        }
    if (errors.isNotEmpty()) throw Problem.invalid(errors)
    return given.map { it!! }
}

private suspend fun RoutingCall.readJson(): ByteArray {
    val declared = declaredLength
    if (declared != null && declared > MAX_JSON_BYTES) throw Problem.JSON_TOO_LARGE
    val body = RequestBody.of(this)
    var buffer = ByteArray((declared ?: FIRST_BUFFER_BYTES.toLong()).toInt())
    var length = 0
    while (true) {
        if (length == buffer.size) {
            if (length == declared?.toInt()) {
                body.finish()
                return buffer
            }
            buffer = buffer.copyOf(minOf(2 * buffer.size, MAX_JSON_BYTES + 1))
        }
        val read = body.read(buffer, length, buffer.size - length)
        if (read < 0) return buffer.copyOf(length)
        length += read
        if (length > MAX_JSON_BYTES) throw Problem.JSON_TOO_LARGE
    }
}
