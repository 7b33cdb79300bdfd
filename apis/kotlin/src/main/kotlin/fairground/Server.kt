package fairground

import io.ktor.server.application.*
import io.ktor.server.engine.*
import io.ktor.server.netty.*
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

private const val EXIT_FAILURE = 1
private const val READ_TIMEOUT_SECONDS = 60
private const val RUNNING_LIMIT = 128
private const val GRACE_MILLISECONDS = 9_000L
private const val STOP_MILLISECONDS = 9_500L
private const val POLL_MILLISECONDS = 50L

/** Serves [module] until SIGTERM or SIGINT, then finishes the requests in flight and exits with code 0. */
fun serve(
    address: Address,
    module: Application.() -> Unit,
) {
    val inFlight = AtomicInteger()
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
                shutdownTimeout = STOP_MILLISECONDS
            },
            module = module,
        )
    // This phase surrounds a call until its last byte is written, which no plugin of the application sees.
    server.engine.pipeline.intercept(EnginePipeline.Before) {
        inFlight.incrementAndGet()
        try {
            proceed()
        } finally {
            inFlight.decrementAndGet()
        }
    }
    exitOnceIdle(inFlight)
    try {
        server.start(wait = true)
    } catch (failure: Exception) {
        System.err.println("fairground: cannot listen on ${address.host} port ${address.port}: ${failure.message}")
        Runtime.getRuntime().halt(EXIT_FAILURE)
    }
}

/**
 * On a signal Ktor's own shutdown hook stops accepting, then always waits for the whole grace period. This hook, which runs
 * beside it, ends the process as soon as nothing is in flight; halting also makes the exit code 0, where the JVM's is 143.
 */
private fun exitOnceIdle(inFlight: AtomicInteger) {
    val hook =
        thread(start = false, name = "exit-once-idle") {
            val end = System.nanoTime() + GRACE_MILLISECONDS * 1_000_000
            do {
                Thread.sleep(POLL_MILLISECONDS)
            } while (inFlight.get() > 0 && System.nanoTime() < end)
            Runtime.getRuntime().halt(0)
        }
    Runtime.getRuntime().addShutdownHook(hook)
}
