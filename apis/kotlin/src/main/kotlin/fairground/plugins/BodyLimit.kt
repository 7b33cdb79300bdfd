package fairground.plugins

import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.request.*
import io.ktor.utils.io.*
import io.ktor.utils.io.core.*

private const val MAX_BYTES = 65_536L

/**
 * Limits the bodies of a route's requests to 64 KiB. Ktor's RequestBodyLimit isn't published for 3.2.3; this one reads the
 * body, which is to be decoded as a whole anyway.
 */
val BodyLimit =
    createRouteScopedPlugin("BodyLimit") {
        onCall { call ->
            if ((call.request.contentLength() ?: 0) > MAX_BYTES) throw PayloadTooLargeException(MAX_BYTES)
        }
        on(BeforeReceive) { body ->
            val content = body.readRemaining(MAX_BYTES + 1)
            if (content.remaining > MAX_BYTES) throw PayloadTooLargeException(MAX_BYTES)
            ByteReadChannel(content)
        }
    }

/** Replaces a request's body before it is converted. */
private object BeforeReceive : Hook<suspend (ByteReadChannel) -> ByteReadChannel> {
    override fun install(
        pipeline: ApplicationCallPipeline,
        handler: suspend (ByteReadChannel) -> ByteReadChannel,
    ) {
        pipeline.receivePipeline.intercept(ApplicationReceivePipeline.Before) { body ->
            if (body is ByteReadChannel) proceedWith(handler(body))
        }
    }
}
