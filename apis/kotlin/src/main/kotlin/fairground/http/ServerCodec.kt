package fairground.http

import io.netty.buffer.ByteBuf
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.CombinedChannelDuplexHandler
import io.netty.handler.codec.DecoderResult
import io.netty.handler.codec.http.DefaultLastHttpContent
import io.netty.handler.codec.http.HttpDecoderConfig
import io.netty.handler.codec.http.HttpMessage
import io.netty.handler.codec.http.HttpMethod
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpRequestDecoder
import io.netty.handler.codec.http.HttpResponse
import io.netty.handler.codec.http.HttpResponseEncoder
import io.netty.handler.codec.http.HttpUtil
import io.netty.handler.codec.http.LastHttpContent
import io.netty.util.ReferenceCountUtil

private const val MAX_CHUNK_BYTES = 64 * 1024

/**
 * Netty's decoder of requests beside its encoder of answers. Netty's own pair of them doesn't tell whether a head has begun,
 * takes a request with both Transfer-Encoding and Content-Length without a word, and chunks that aren't framed as they must.
 */
internal class ServerCodec : CombinedChannelDuplexHandler<ServerCodec.Decoder, ServerCodec.Encoder>() {
    private val decoder = Decoder()
    private val encoder = Encoder()

    init {
        init(decoder, encoder)
    }

    /** Whether octets of a head came that isn't complete yet. */
    val isWithinHead: Boolean get() = decoder.isWithinHead

    /** How many octets came since [discard] was called. */
    val discardedBytes: Long get() = decoder.discardedBytes

    /** Takes nothing for a request any more: what comes is dropped unread. */
    fun discard() {
        decoder.isDiscarding = true
    }

    /** Says what the next answer is for: one to HEAD has no body. */
    fun expectAnswerTo(method: HttpMethod) {
        encoder.isForHead = method == HttpMethod.HEAD
    }

    internal class Decoder : HttpRequestDecoder(configuration()) {
        private var hasRequestLine = false
        private var isWithinBody = false
        private var chunks: ChunkFraming? = null
        var isDiscarding = false
        var discardedBytes = 0L
            private set

        val isWithinHead: Boolean get() = hasRequestLine || (!isWithinBody && actualReadableBytes() > 0)

        override fun createMessage(initialLine: Array<String>): HttpMessage {
            hasRequestLine = true
            return super.createMessage(initialLine)
        }

        override fun channelRead(
            context: ChannelHandlerContext,
            message: Any,
        ) {
            if (isDiscarding && message is ByteBuf) {
                discardedBytes += message.readableBytes()
                message.release()
            } else {
                super.channelRead(context, message)
            }
        }

        override fun decode(
            context: ChannelHandlerContext,
            octets: ByteBuf,
            messages: MutableList<Any>,
        ) {
            if (isDiscarding) {
                octets.skipBytes(octets.readableBytes())
                return
            }
            val known = messages.size
            val start = octets.readerIndex()
            super.decode(context, octets, messages)
            if (chunks?.accepts(octets, start, octets.readerIndex()) == false) {
                while (messages.size > known) ReferenceCountUtil.release(messages.removeLast())
                messages.add(badChunks())
                isDiscarding = true
            }
            for (index in known until messages.size) {
                val message = messages[index]
                if (message is HttpRequest) {
                    hasRequestLine = false
                    isWithinBody = true
                    val isChunked = message.decoderResult().isSuccess && HttpUtil.isTransferEncodingChunked(message)
                    chunks = if (isChunked) ChunkFraming() else null
                }
                if (message is LastHttpContent) {
                    isWithinBody = false
                    chunks = null
                }
            }
        }

        private fun badChunks(): LastHttpContent =
            DefaultLastHttpContent().apply {
                decoderResult = DecoderResult.failure(IllegalArgumentException("the chunks are not framed as they must be"))
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
