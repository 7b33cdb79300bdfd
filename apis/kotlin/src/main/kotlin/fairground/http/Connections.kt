package fairground.http

import io.netty.channel.Channel
import io.netty.channel.group.DefaultChannelGroup
import io.netty.util.concurrent.GlobalEventExecutor

/** All open connections, for an orderly end. */
internal class Connections {
    private val open = DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true)

    /** Whether connections are to end with what is in flight on them. */
    @Volatile
    var isDraining = false
        private set

    fun add(channel: Channel) {
        open.add(channel)
    }

    /**
     * Closes idle connections, and the others when they have answered. Returns whether all were closed within the time; those
     * that weren't are cut off.
     */
    fun drain(milliseconds: Long): Boolean {
        isDraining = true
        open.forEach { it.pipeline().fireUserEventTriggered(Drain) }
        val drained = open.newCloseFuture().await(milliseconds)
        if (!drained) open.close().await(CUT_OFF_MILLISECONDS)
        return drained
    }

    /** Tells a connection that it is to end. */
    object Drain

    private companion object {
        const val CUT_OFF_MILLISECONDS = 200L
    }
}
