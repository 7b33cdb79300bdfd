package fairground.http

import io.ktor.server.routing.RoutingCall
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.readAvailable
import java.io.IOException

/** The client went away, or stopped, before its request was complete. There is nobody to answer. */
class IncompleteBody : Exception("the request body did not arrive", null, false, false)

/** The body of a request as it arrives. Unlike Ktor's channel, it tells a body that ends from a connection that does. */
class RequestBody private constructor(
    private val guard: ConnectionGuard,
    private val channel: ByteReadChannel,
) {
    /** Reads up to [length] octets into [target] at [offset]; -1 at the body's end. Fails with [IncompleteBody]. */
    suspend fun read(
        target: ByteArray,
        offset: Int,
        length: Int,
    ): Int {
        val read =
            try {
                channel.readAvailable(target, offset, length)
            } catch (_: IOException) {
                -1
            }
        if (read < 0) {
            if (!guard.isBodyComplete) throw IncompleteBody()
            guard.isBodyConsumed = true
        }
        return read
    }

    /** Reads what is left behind the last octet of interest, if it is there already: the connection can then be used again. */
    suspend fun finish() {
        val rest = ByteArray(REST_BYTES)
        while (guard.isBodyComplete && !guard.isBodyConsumed) read(rest, 0, rest.size)
    }

    companion object {
        private const val REST_BYTES = 4096

        /** The body of [call]'s request. */
        fun of(call: RoutingCall): RequestBody = RequestBody(ConnectionGuard.of(call), call.request.receiveChannel())
    }
}

/** The query string as it was sent: nothing in it is decoded. */
internal val RoutingCall.sentQuery: String get() = ConnectionGuard.of(this).query
