package fairground.http

import io.netty.channel.ChannelHandlerContext
import io.netty.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit

/**
 * Calls [onPassed] on the connection's event loop when the deadline has passed. Moving it away, as every request does, costs
 * nothing: the timer that is set looks, when it fires, whether there is still time. Not safe for concurrent use.
 */
internal class Deadline(
    private val onPassed: () -> Unit,
) {
    private var passesAt = 0L
    private var firesAt = 0L
    private var timer: ScheduledFuture<*>? = null

    fun set(
        context: ChannelHandlerContext,
        nanoTime: Long,
    ) {
        passesAt = nanoTime
        if (timer != null) {
            if (nanoTime - firesAt >= 0) return
            cancel()
        }
        schedule(context)
    }

    fun cancel() {
        timer?.cancel(false)
        timer = null
    }

    private fun schedule(context: ChannelHandlerContext) {
        firesAt = passesAt
        timer =
            context.executor().schedule(
                {
                    timer = null
                    if (passesAt - System.nanoTime() > 0) schedule(context) else onPassed()
                },
                passesAt - System.nanoTime(),
                TimeUnit.NANOSECONDS,
            )
    }
}
