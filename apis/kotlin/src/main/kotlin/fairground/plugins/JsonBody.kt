package fairground.plugins

import com.fasterxml.jackson.core.JsonFactory
import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.request.*
import io.ktor.utils.io.*
import kotlinx.io.readByteArray
import java.io.IOException

private const val MAX_BYTES = 65_536L
private val jsonFactory = JsonFactory()

/**
 * Limits the bodies of a route's requests to 64 KiB, for which Ktor's RequestBodyLimit isn't published for 3.2.3, and
 * refuses what isn't JSON: kotlinx.serialization takes raw line feeds in strings, bare words (its issue 3227) and missing
 * commas. Jackson, which the jwt plugin brings, takes none of them.
 */
val JsonBody =
    createRouteScopedPlugin("JsonBody") {
        on(BeforeReceive) { body ->
            val content = body.readRemaining(MAX_BYTES + 1).readByteArray()
            if (content.size > MAX_BYTES) throw PayloadTooLargeException(MAX_BYTES)
            requireJson(content)
            ByteReadChannel(content)
        }
    }

private fun requireJson(content: ByteArray) {
    try {
        jsonFactory.createParser(content).use { while (it.nextToken() != null) Unit }
    } catch (failure: IOException) {
        throw BadRequestException("not JSON", failure)
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
