package fairground.http

import io.netty.buffer.Unpooled
import io.netty.handler.codec.http.DefaultFullHttpResponse
import io.netty.handler.codec.http.HttpHeaderNames
import io.netty.handler.codec.http.HttpHeaderValues
import io.netty.handler.codec.http.HttpMethod
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpResponse
import io.netty.handler.codec.http.HttpResponseStatus
import io.netty.handler.codec.http.HttpVersion
import io.netty.handler.codec.http.TooLongHttpHeaderException
import io.netty.handler.codec.http.TooLongHttpLineException

/** The most octets that Netty's decoder takes of a request line, and of all header fields together. */
internal const val MAX_HEAD_BYTES = 16 * 1024 + 512

/** What both together may have. */
private const val MAX_WHOLE_HEAD_BYTES = 20 * 1024

/** So short a target leaves the whole head below its limit, however long the fields are. */
private const val SHORT_TARGET = MAX_WHOLE_HEAD_BYTES - MAX_HEAD_BYTES - 256

/** `: ` and the end of the line. */
private const val FIELD_OVERHEAD = 4

/** The status with which a request is refused before it is routed; null if it isn't. */
internal fun refusalOf(request: HttpRequest): HttpResponseStatus? {
    if (request.decoderResult().isFailure) {
        return when (request.decoderResult().cause()) {
            is TooLongHttpLineException, is TooLongHttpHeaderException -> HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            else -> HttpResponseStatus.BAD_REQUEST
        }
    }
    val version = request.protocolVersion()
    return when {
        version != HttpVersion.HTTP_1_1 && version != HttpVersion.HTTP_1_0 -> HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED
        // Only targets in origin form are answered: not http://host/path, host:port or *.
        !request.uri().startsWith("/") || request.method() == HttpMethod.CONNECT -> HttpResponseStatus.BAD_REQUEST
        !hasKnownTransferCoding(request) -> HttpResponseStatus.NOT_IMPLEMENTED
        request.uri().length > SHORT_TARGET && headBytes(request) > MAX_WHOLE_HEAD_BYTES ->
            HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        else -> null
    }
}

/** The answer of a refusal. */
internal fun refusalWith(status: HttpResponseStatus): HttpResponse {
    val response = DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.EMPTY_BUFFER)
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderValues.ZERO)
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
        .set("X-Content-Type-Options", "nosniff")
    return response
}

private fun hasKnownTransferCoding(request: HttpRequest): Boolean {
    if (!request.headers().contains(HttpHeaderNames.TRANSFER_ENCODING)) return true
    val codings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING)
    return codings.size == 1 && HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(codings[0])
}

private fun headBytes(request: HttpRequest): Int =
    request.uri().length + request.headers().sumOf { it.key.length + it.value.length + FIELD_OVERHEAD }
