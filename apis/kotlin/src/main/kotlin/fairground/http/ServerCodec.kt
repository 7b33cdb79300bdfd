package fairground.http

import io.netty.buffer.ByteBuf
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.CombinedChannelDuplexHandler
import io.netty.handler.codec.http.HttpDecoderConfig
import io.netty.handler.codec.http.HttpMessage
import io.netty.handler.codec.http.HttpMethod
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpRequestDecoder
import io.netty.handler.codec.http.HttpResponse
import io.netty.handler.codec.http.HttpResponseEncoder
import io.netty.handler.codec.http.LastHttpContent

private const val MAX_CHUNK_BYTES = 64 * 1024

/**
 * Netty's decoder of requests beside its encoder of answers. Netty's own pair of them doesn't tell whether a head has begun,
 * and takes a request with both Transfer-Encoding and Content-Length without a word.
 */
internal class ServerCodec : CombinedChannelDuplexHandler<ServerCodec.Decoder, ServerCodec.Encoder>() {
    private val decoder = Decoder()
    private val encoder = Encoder()

    init {
        init(decoder, encoder)
    }

    /** Whether octets of a head came that isn't complete yet. */
    val isWithinHead: Boolean get() = decoder.isWithinHead

    /** Says what the next answer is for: one to HEAD has no body. */
    fun expectAnswerTo(method: HttpMethod) {
        encoder.isForHead = method == HttpMethod.HEAD
    }

    internal class Decoder : HttpRequestDecoder(configuration()) {
        private var hasRequestLine = false
        private var isWithinBody = false

        val isWithinHead: Boolean get() = hasRequestLine || (!isWithinBody && actualReadableBytes() > 0)

        override fun createMessage(initialLine: Array<String>): HttpMessage {
            hasRequestLine = true
            return super.createMessage(initialLine)
        }

        override fun decode(
            context: ChannelHandlerContext,
            octets: ByteBuf,
            messages: MutableList<Any>,
        ) {
            val known = messages.size
            super.decode(context, octets, messages)
            for (index in known until messages.size) {
                val message = messages[index]
                if (message is HttpRequest) {
                    hasRequestLine = false
                    isWithinBody = true
                }
                if (message is LastHttpContent) isWithinBody = false
            }
        }

        override fun handleTransferEncodingChunkedWithContentLength(message: HttpMessage): Unit =
            throw IllegalArgumentException("both Transfer-Encoding and Content-Length")
    }

    internal class Encoder : HttpResponseEncoder() {
        var isForHead = false

        override fun isContentAlwaysEmpty(response: HttpResponse): Boolean = isForHead || super.isContentAlwaysEmpty(response)
    }

    private companion object {
        fun configuration(): HttpDecoderConfig =
            HttpDecoderConfig()
                .setMaxInitialLineLength(MAX_HEAD_BYTES)
                .setMaxHeaderSize(MAX_HEAD_BYTES)
                .setMaxChunkSize(MAX_CHUNK_BYTES)
    }
}
