package fairground.http

import io.netty.channel.ChannelHandlerContext
import io.netty.handler.codec.http.HttpDecoderConfig
import io.netty.handler.codec.http.HttpServerCodec

/** Netty's HTTP/1.1 codec with the contract's limits. It tells [onOctets] that some came, which may be the begin of a head. */
internal class HeadWatchingCodec(
    private val onOctets: () -> Unit,
) : HttpServerCodec(
        HttpDecoderConfig()
            .setMaxInitialLineLength(MAX_HEAD_BYTES)
            .setMaxHeaderSize(MAX_HEAD_BYTES)
            .setMaxChunkSize(MAX_CHUNK_BYTES),
    ) {
    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        onOctets()
        super.channelRead(context, message)
    }

    private companion object {
        const val MAX_CHUNK_BYTES = 64 * 1024
    }
}
