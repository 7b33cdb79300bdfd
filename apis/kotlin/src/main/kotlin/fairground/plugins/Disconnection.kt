package fairground.plugins

import io.ktor.server.netty.*
import io.ktor.server.routing.*
import io.netty.channel.ChannelFutureListener
import kotlinx.coroutines.*

/** Runs [work], and cancels it when the client leaves. From Ktor 3.4 on, its plugin HttpRequestLifecycle does so. */
suspend fun <T> RoutingCall.whileConnected(work: suspend () -> T): T {
    val connection = (pipelineCall.engineCall as? NettyApplicationCall)?.context?.channel() ?: return work()
    return coroutineScope {
        val leaving = ChannelFutureListener { cancel("the client has gone") }
        connection.closeFuture().addListener(leaving)
        try {
            work()
        } finally {
            connection.closeFuture().removeListener(leaving)
        }
    }
}
