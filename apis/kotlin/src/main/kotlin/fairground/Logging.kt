package fairground

import ch.qos.logback.classic.Level
import io.lettuce.core.RedisException
import org.jetbrains.exposed.exceptions.ExposedSQLException
import org.slf4j.Logger
import org.slf4j.LoggerFactory
import java.io.IOException
import java.sql.SQLException
import java.util.concurrent.CompletionException
import java.util.concurrent.ConcurrentHashMap

/** The logger of this service. */
val log: Logger = LoggerFactory.getLogger("fairground")

/** Drops messages below [level]. */
fun logFrom(level: Level) {
    (LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) as ch.qos.logback.classic.Logger).level = level
}

private const val NANOS_PER_SECOND = 1_000_000_000L

/** Lets one event of each kind through a second: an outage fails every request, and one line tells as much as thousands. */
class OncePerSecond(
    private val nanoTime: () -> Long = System::nanoTime,
) {
    private val next = ConcurrentHashMap<String, Long>()

    /** Runs [action] unless it was run for the same [kind] within the last second. */
    fun run(
        kind: String,
        action: () -> Unit,
    ) {
        val now = nanoTime()
        val previous = next[kind]
        if (previous == null) {
            if (next.putIfAbsent(kind, now + NANOS_PER_SECOND) == null) action()
        } else if (now - previous >= 0 && next.replace(kind, previous, now + NANOS_PER_SECOND)) {
            action()
        }
    }
}

/**
 * The failure and its causes in one line. Messages of the JDK, the driver and the client of Redis don't quote what a client
 * sent (pgjdbc by its option logServerErrorDetail); others may, so of those the line has the class and the place.
 */
fun describe(failure: Throwable): String =
    generateSequence(failure) { it.cause }
        // They only repeat their cause.
        .filterNot { it is CompletionException || it is ExposedSQLException }
        .take(MAX_CAUSES)
        .map { cause ->
            when (cause) {
                is DescribedException, is SQLException, is IOException, is RedisException ->
                    "${cause.javaClass.simpleName} ${cause.message}"

                else -> {
                    val place = cause.stackTrace.firstOrNull { it.className.startsWith("fairground") }
                    "${cause.javaClass.name} at ${place ?: "an unknown place"}"
                }
            }
        }.joinToString(": ")

/** An exception of this service whose message may be logged. */
abstract class DescribedException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

private const val MAX_CAUSES = 5
