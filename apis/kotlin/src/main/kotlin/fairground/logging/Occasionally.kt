package fairground.logging

import java.util.concurrent.atomic.AtomicLong

private const val NANOS_PER_SECOND = 1_000_000_000L

/** Lets one call a second through: what fails for every request must not fill the log, or be done a thousand times. */
class Occasionally(
    private val nanoTime: () -> Long = System::nanoTime,
) {
    private val next = AtomicLong(nanoTime())

    /** Whether this call is the one. */
    fun isDue(): Boolean {
        val now = nanoTime()
        val due = next.get()
        return now - due >= 0 && next.compareAndSet(due, now + NANOS_PER_SECOND)
    }
}
