package fairground.http

import java.util.concurrent.TimeUnit

/** How long a client may take, in nanoseconds. */
internal class TimeLimits(
    val head: Long = TimeUnit.SECONDS.toNanos(10),
    val bodyIdle: Long = TimeUnit.SECONDS.toNanos(10),
    val idle: Long = TimeUnit.SECONDS.toNanos(60),
    val lingering: Long = TimeUnit.SECONDS.toNanos(1),
    val parting: Long = TimeUnit.MILLISECONDS.toNanos(200),
)
