package fairground.http

import io.ktor.server.netty.NettyApplicationCall
import io.ktor.server.routing.RoutingCall
import io.netty.buffer.Unpooled
import io.netty.channel.ChannelDuplexHandler
import io.netty.channel.ChannelFutureListener
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelPromise
import io.netty.channel.socket.ChannelInputShutdownEvent
import io.netty.channel.socket.SocketChannel
import io.netty.handler.codec.http.DefaultFullHttpRequest
import io.netty.handler.codec.http.EmptyHttpHeaders
import io.netty.handler.codec.http.HttpContent
import io.netty.handler.codec.http.HttpHeaderNames
import io.netty.handler.codec.http.HttpHeaderValues
import io.netty.handler.codec.http.HttpMethod
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpResponse
import io.netty.handler.codec.http.HttpResponseStatus
import io.netty.handler.codec.http.HttpStatusClass
import io.netty.handler.codec.http.HttpUtil
import io.netty.handler.codec.http.LastHttpContent
import io.netty.util.AttributeKey
import io.netty.util.ReferenceCountUtil
import java.nio.channels.ClosedChannelException

/** The most that is read of what comes behind the answer with which a connection ends, but for one burst. */
private const val MAX_DISCARDED_BYTES = 256 * 1024

/**
 * Stands between Netty's codec and Ktor and does what both leave open: refuses what isn't routed, lets one request at a time
 * through, ends connections that are slow, idle, draining or of no further use.
 *
 * All of it runs on the connection's event loop. What the application reads and writes of it is marked.
 */
internal class ConnectionGuard(
    private val codec: ServerCodec,
    private val connections: Connections,
    private val limits: TimeLimits,
) : ChannelDuplexHandler() {
    /** Whether the request's body has come to its end, as opposed to the connection. Read by the application. */
    @Volatile
    var isBodyComplete = false
        private set

    /** Set by the application once it has read the body to its end. What is left unread costs the connection. */
    @Volatile
    var isBodyConsumed = false

    /**
     * The query string of the request, as it was sent. Ktor doesn't get to see it: it decodes one that no route asks for, and
     * fails where that can't be done.
     */
    var query = ""
        private set

    private val deadline = Deadline(::onDeadline)
    private val outflow = Outflow()
    private val onAnswerSent = ChannelFutureListener { if (it.isSuccess && isIdle()) onIdle() }
    private val waiting = ArrayDeque<Any>()

    /** A request whose body nobody wants, until what has come of that is off the connection. */
    private var held: HttpRequest? = null
    private var isInFlight = false
    private var isServingWaiting = false
    private var isAnswering = false
    private var isReceiving = false
    private var dropsBody = false
    private var closesAfterwards = false
    private var isInputEnded = false
    private var isClosing = false
    private var isLingering = false
    private var hasStoppedReading = false
    private var headStartedAt: Long? = null
    private var lingeringUntil = 0L
    private lateinit var context: ChannelHandlerContext

    override fun handlerAdded(context: ChannelHandlerContext) {
        this.context = context
        context.channel().attr(KEY).set(this)
        connections.add(context.channel())
        setDeadline()
    }

    override fun channelInactive(context: ChannelHandlerContext) {
        deadline.cancel()
        dropWaiting()
        context.fireChannelInactive()
    }

    override fun channelRead(
        context: ChannelHandlerContext,
        message: Any,
    ) {
        when {
            isClosing -> ReferenceCountUtil.release(message)
            waiting.isNotEmpty() || mustWait(message) -> waiting.addLast(message)
            else -> accept(message)
        }
    }

    /** One request at a time, and none while the client doesn't take the answers: they would be heaped up. */
    private fun mustWait(message: Any) = message is HttpRequest && (isInFlight || !context.channel().isWritable)

    override fun channelWritabilityChanged(context: ChannelHandlerContext) {
        if (context.channel().isWritable && waiting.isNotEmpty()) context.executor().execute(::serveWaiting)
        context.fireChannelWritabilityChanged()
    }

    private fun accept(message: Any) {
        when (message) {
            is HttpRequest -> begin(message)
            is HttpContent -> receive(message)
            else -> context.fireChannelRead(message)
        }
    }

    private fun begin(request: HttpRequest) {
        isInFlight = true
        codec.expectAnswerTo(request.method())
        val refusal = refusalOf(request)
        if (refusal != null) {
            isReceiving = true
            ReferenceCountUtil.release(request)
            refuse(refusal)
            return
        }
        splitTarget(request)
        closesAfterwards = !HttpUtil.isKeepAlive(request)
        val hasBody = HttpUtil.isTransferEncodingChunked(request) || HttpUtil.getContentLength(request, 0L) > 0
        dropsBody = !hasBody || (request.method() != HttpMethod.POST && request.method() != HttpMethod.PUT)
        isReceiving = hasBody
        isBodyComplete = !hasBody
        isBodyConsumed = dropsBody
        when {
            !dropsBody -> context.fireChannelRead(request)
            hasBody -> held = request
            else -> context.fireChannelRead(withoutBody(request))
        }
    }

    private fun splitTarget(request: HttpRequest) {
        val target = request.uri()
        val pathEnd = target.indexOf('?')
        query = if (pathEnd < 0) "" else target.substring(pathEnd + 1)
        if (pathEnd >= 0) request.uri = target.substring(0, pathEnd)
    }

    private fun handOverHeld() {
        held?.let {
            held = null
            context.fireChannelRead(withoutBody(it))
        }
    }

    /** Ktor needs no channel for a body then. */
    private fun withoutBody(request: HttpRequest) =
        DefaultFullHttpRequest(
            request.protocolVersion(),
            request.method(),
            request.uri(),
            Unpooled.EMPTY_BUFFER,
            request.headers(),
            EmptyHttpHeaders.INSTANCE,
        )

    private fun receive(content: HttpContent) {
        if (content.decoderResult().isFailure) {
            content.release()
            if (isAnswering) close() else refuse(HttpResponseStatus.BAD_REQUEST)
            return
        }
        if (content is LastHttpContent) {
            isReceiving = false
            isBodyComplete = true
        }
        if (!dropsBody) {
            context.fireChannelRead(content)
            return
        }
        content.release()
        if (isBodyComplete) handOverHeld()
    }

    override fun channelReadComplete(context: ChannelHandlerContext) {
        handOverHeld()
        headStartedAt = if (codec.isWithinHead) headStartedAt ?: System.nanoTime() else null
        setDeadline()
        context.fireChannelReadComplete()
        if (isLingering) linger()
    }

    override fun read(context: ChannelHandlerContext) {
        // While requests wait, no more are read: TCP makes the client wait.
        if (waiting.isEmpty() && codec.discardedBytes <= MAX_DISCARDED_BYTES) context.read()
    }

    override fun write(
        context: ChannelHandlerContext,
        message: Any,
        promise: ChannelPromise,
    ) {
        if (isClosing) {
            // The request has been refused meanwhile.
            ReferenceCountUtil.release(message)
            promise.tryFailure(ClosedChannelException())
            return
        }
        if (message is HttpResponse) {
            if (message.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
                context.write(message, promise)
                return
            }
            isAnswering = true
            prepare(message)
        }
        if (message !is LastHttpContent) {
            context.write(message, promise)
            return
        }
        outflow.add(context.write(message, promise.unvoid()).addListener(onAnswerSent))
        if (isInFlight) end()
    }

    private fun prepare(response: HttpResponse) {
        // Ktor gives every answer without a body a length of 0.
        if (response.status() == HttpResponseStatus.NOT_MODIFIED) response.headers().remove(HttpHeaderNames.CONTENT_LENGTH)
        if (isReceiving || !isBodyConsumed || connections.isDraining) closesAfterwards = true
        if (closesAfterwards) response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
    }

    /** The answer is written. */
    private fun end() {
        isInFlight = false
        isAnswering = false
        // Ktor wouldn't before it has nothing left to answer.
        if (waiting.isNotEmpty() || !context.channel().isWritable) context.flush()
        when {
            closesAfterwards -> close()
            // Not from within Ktor's own writing.
            waiting.isNotEmpty() -> if (!isServingWaiting) context.executor().execute(::serveWaiting)
            isInputEnded || connections.isDraining -> close()
        }
    }

    private fun onIdle() {
        // Until now the client may have been made to wait.
        if (headStartedAt != null) headStartedAt = System.nanoTime()
        setDeadline()
    }

    private fun serveWaiting() {
        isServingWaiting = true
        while (!isClosing && waiting.isNotEmpty() && !mustWait(waiting.first())) {
            accept(waiting.removeFirst())
        }
        handOverHeld()
        isServingWaiting = false
        if (isClosing) return
        // Without it Ktor would wait for more before it flushes.
        context.fireChannelReadComplete()
        if (waiting.isEmpty()) {
            if (isInputEnded && !isInFlight) {
                close()
            } else {
                context.read()
                setDeadline()
            }
        } else if (!mustWait(waiting.first())) {
            context.executor().execute(::serveWaiting)
        }
    }

    private fun refuse(status: HttpResponseStatus) {
        outflow.add(context.write(refusalWith(status)))
        isInFlight = false
        close()
    }

    /**
     * Flushes what was written and closes. If more of a body is to come, first only the answering side: closing with octets
     * unread would reset the connection, and the answer might be lost with it.
     */
    private fun close() {
        if (isClosing) return
        isClosing = true
        codec.discard()
        dropWaiting()
        val channel = context.channel()
        if (!isReceiving || channel !is SocketChannel) {
            closeFlushed()
            return
        }
        isLingering = true
        beginLingering()
        context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener {
            channel.shutdownOutput()
            // What was written may have waited for the client until now.
            beginLingering()
        }
        linger()
    }

    private fun beginLingering() {
        lingeringUntil = System.nanoTime() + limits.lingering
        deadline.set(context, lingeringUntil)
    }

    private fun closeFlushed() {
        isLingering = false
        context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE)
    }

    /** Takes a little more, for a client that reads only when it has sent. One that goes on and on is made to wait for the end. */
    private fun linger() {
        if (codec.discardedBytes <= MAX_DISCARDED_BYTES) {
            context.read()
        } else if (!hasStoppedReading) {
            hasStoppedReading = true
            context.channel().config().isAutoRead = false
            val now = System.nanoTime()
            deadline.set(context, if (now + limits.parting < lingeringUntil) now + limits.parting else lingeringUntil)
        }
    }

    override fun close(
        context: ChannelHandlerContext,
        promise: ChannelPromise,
    ) {
        // Ktor closes on its own where the client asked for it; lingering does so later.
        if (isLingering) promise.setSuccess() else context.close(promise)
    }

    override fun userEventTriggered(
        context: ChannelHandlerContext,
        event: Any,
    ) {
        when (event) {
            // The client sends no more. What it has sent is answered.
            is ChannelInputShutdownEvent -> {
                isInputEnded = true
                when {
                    isLingering -> closeFlushed()
                    isAtRest() -> close()
                    isReceiving -> context.close()
                }
            }
            Connections.Drain -> if (isAtRest()) close()
            else -> context.fireUserEventTriggered(event)
        }
    }

    private fun setDeadline() {
        if (isLingering) return
        val now = System.nanoTime()
        val headStart = headStartedAt
        deadline.set(
            context,
            when {
                isInFlight && isReceiving -> now + limits.bodyIdle
                headStart != null && isIdle() -> headStart + limits.head
                else -> now + limits.idle
            },
        )
    }

    private fun onDeadline() {
        val isBodyLate = isInFlight && isReceiving
        if (!isBodyLate && !isIdle() && outflow.isMakingProgress(context.channel())) {
            // The service is at work on an answer, or the client takes one.
            deadline.set(context, System.nanoTime() + limits.idle)
            return
        }
        isLingering = false
        context.close()
    }

    private fun isAtRest() = !isInFlight && waiting.isEmpty()

    private fun isIdle() = isAtRest() && outflow.isSent

    private fun dropWaiting() {
        ReferenceCountUtil.release(held)
        held = null
        while (waiting.isNotEmpty()) ReferenceCountUtil.release(waiting.removeFirst())
    }

    companion object {
        private val KEY = AttributeKey.valueOf<ConnectionGuard>(ConnectionGuard::class.java, "guard")

        /** The guard of the connection that [call] came on. */
        fun of(call: RoutingCall): ConnectionGuard =
            (call.pipelineCall.engineCall as NettyApplicationCall)
                .context
                .channel()
                .attr(KEY)
                .get()
    }
}
