package fairground.cache

import io.lettuce.core.RedisCommandTimeoutException
import io.lettuce.core.RedisFuture
import io.netty.channel.EventLoop
import io.netty.util.Timer
import java.util.concurrent.TimeUnit

/**
 * Fails commands that Redis leaves without an answer for 50 ms.
 *
 * Once that time is over, the event loop that reads the answers gets to read before it is decided. Where requests keep it busy
 * for so long, above all while the JVM still compiles, the answer has been there for most of the time; to take it for late
 * would send the requests to PostgreSQL, which keeps the loop busy for longer still. Lettuce's own time-outs don't wait for it.
 */
internal class ReplyDeadline(
    private val timer: Timer,
) {
    /** Watches [command], whose answer [loop] reads. */
    fun <T> watch(
        command: RedisFuture<T>,
        loop: EventLoop,
    ): RedisFuture<T> {
        val future = command.toCompletableFuture()
        val late = Runnable { future.completeExceptionally(RedisCommandTimeoutException("no answer within $MILLISECONDS ms")) }
        val timeout = timer.newTimeout({ runBehindReading(late, loop) }, MILLISECONDS, TimeUnit.MILLISECONDS)
        future.whenComplete { _, _ -> timeout.cancel() }
        return command
    }

    /** A loop reads, then runs its tasks; what one of them schedules is run behind the next reading. */
    private fun runBehindReading(
        task: Runnable,
        loop: EventLoop,
    ) {
        loop.execute { loop.schedule(task, 1, TimeUnit.NANOSECONDS) }
    }

    private companion object {
        const val MILLISECONDS = 50L
    }
}
