package fairground.http

import io.netty.channel.IoEventLoop
import io.netty.channel.MultiThreadIoEventLoopGroup
import io.netty.channel.nio.NioIoHandler
import io.netty.util.concurrent.DefaultThreadFactory
import io.netty.util.concurrent.FastThreadLocal

/**
 * Event loops that keep a connection's work together. Ktor runs calls on a loop that it asks the group for once for each
 * connection, on that connection's own loop: here it gets that one, so that no request goes to another thread and back.
 */
internal class EventLoops(
    size: Int,
) : MultiThreadIoEventLoopGroup(size, DefaultThreadFactory("http"), NioIoHandler.newFactory()) {
    private val current = FastThreadLocal<IoEventLoop>()

    init {
        forEach { executor -> (executor as IoEventLoop).let { loop -> loop.execute { current.set(loop) } } }
    }

    override fun next(): IoEventLoop = current.getIfExists() ?: super.next()
}
