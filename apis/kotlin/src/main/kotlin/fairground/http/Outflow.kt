package fairground.http

import io.netty.channel.Channel
import io.netty.channel.ChannelFuture

/** Knows how far the answers of a connection have come: a written one may wait for a client that takes it slowly. */
internal class Outflow {
    private var lastAnswer: ChannelFuture? = null
    private var pendingBytes = 0L

    /** Whether the socket has taken all answers: closing it now cuts nothing off. */
    val isSent: Boolean get() = lastAnswer?.isDone != false

    /** Takes note of what the end of an answer was written with. */
    fun add(answer: ChannelFuture) {
        lastAnswer = answer
    }

    /** Whether nothing waits for the client of [channel] to take it, or less than when this was asked last. */
    fun isMakingProgress(channel: Channel): Boolean {
        val pending = channel.unsafe().outboundBuffer()?.totalPendingWriteBytes() ?: 0
        val progress = pending == 0L || pending != pendingBytes
        pendingBytes = pending
        return progress
    }
}
