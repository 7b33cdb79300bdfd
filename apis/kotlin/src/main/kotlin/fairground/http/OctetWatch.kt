package fairground.http

import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter

/** Stands before the codec and tells [onOctets] that some came, which may be the begin of a head. */
internal class OctetWatch(
    private val onOctets: () -> Unit,
) : ChannelInboundHandlerAdapter() {
    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        onOctets()
        context.fireChannelRead(message)
    }
}
