package fairground

import io.ktor.server.application.*
import io.ktor.server.engine.*
import io.ktor.server.netty.*
import io.netty.channel.ChannelDuplexHandler
import io.netty.channel.ChannelFutureListener
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelPromise
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpResponse
import io.netty.handler.codec.http.HttpServerCodec
import io.netty.handler.codec.http.HttpStatusClass
import io.netty.handler.codec.http.HttpUtil
import io.netty.handler.codec.http.LastHttpContent
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

private const val EXIT_FAILURE = 1
private const val READ_TIMEOUT_SECONDS = 60
private const val RUNNING_LIMIT = 128
private const val GRACE_MILLISECONDS = 9_000L
private const val POLL_MILLISECONDS = 50L

/** Serves [module] until SIGTERM or SIGINT, then finishes the requests in flight and exits with code 0. */
fun serve(
    address: Address,
    module: Application.() -> Unit,
) {
    val drain = Drain()
    val server =
        embeddedServer(
            Netty,
            configure = {
                connector {
                    host = address.host
                    port = address.port
                }
                shareWorkGroup = true
                tcpKeepAlive = true
                requestReadTimeoutSeconds = READ_TIMEOUT_SECONDS
                // Behind as many unanswered requests of one connection Ktor may stop reading from it for good.
                runningLimit = RUNNING_LIMIT
                shutdownGracePeriod = GRACE_MILLISECONDS
                shutdownTimeout = GRACE_MILLISECONDS
                channelPipelineConfig = { addAfter(context(HttpServerCodec::class.java).name(), null, drain.handler()) }
            },
            module = module,
        )
    drain.exitOnceIdle()
    try {
        server.start(wait = true)
    } catch (failure: Exception) {
        System.err.println("fairground: cannot listen on ${address.host} port ${address.port}: ${failure.message}")
        Runtime.getRuntime().halt(EXIT_FAILURE)
    }
}

/**
 * Ends the process on a signal as soon as nothing is in flight. Ktor's own shutdown hook stops accepting, leaves connections
 * open, and always waits for the whole grace period. A call of Ktor's ends once its answer is with Netty, so requests are
 * counted where Netty hands the last byte to the kernel.
 */
private class Drain {
    private val inFlight = AtomicInteger()

    @Volatile
    private var isStopping = false

    /** Runs beside Ktor's hook. Halting also makes the exit code 0, where the JVM's is 143. */
    fun exitOnceIdle() {
        val hook =
            thread(start = false, name = "exit-once-idle") {
                isStopping = true
                val end = System.nanoTime() + GRACE_MILLISECONDS * 1_000_000
                do {
                    Thread.sleep(POLL_MILLISECONDS)
                } while (inFlight.get() > 0 && System.nanoTime() < end)
                Runtime.getRuntime().halt(0)
            }
        Runtime.getRuntime().addShutdownHook(hook)
    }

    /** For one connection: counts its requests, and after a signal closes it behind the last answer. */
    fun handler() =
        object : ChannelDuplexHandler() {
            private var unanswered = 0

            override fun channelRead(
                context: ChannelHandlerContext,
                message: Any,
            ) {
                if (message is HttpRequest) count(1)
                context.fireChannelRead(message)
            }

            override fun write(
                context: ChannelHandlerContext,
                message: Any,
                promise: ChannelPromise,
            ) {
                val isInformational =
                    message is HttpResponse && message.status().codeClass() == HttpStatusClass.INFORMATIONAL
                if (!isInformational) {
                    val isLast = isStopping && unanswered == 1
                    if (message is HttpResponse && isLast) HttpUtil.setKeepAlive(message, false)
                    if (message is LastHttpContent) {
                        promise.addListener { if (unanswered > 0) count(-1) }
                        if (isLast) promise.addListener(ChannelFutureListener.CLOSE)
                    }
                }
                context.write(message, promise)
            }

            override fun channelInactive(context: ChannelHandlerContext) {
                count(-unanswered)
                context.fireChannelInactive()
            }

            private fun count(requests: Int) {
                unanswered += requests
                inFlight.addAndGet(requests)
            }
        }
}
