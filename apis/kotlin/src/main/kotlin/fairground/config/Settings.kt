package fairground.config

import io.netty.util.NetUtil
import java.io.IOException
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.Path

/** How to reach PostgreSQL. */
class DatabaseSettings(
    val host: String,
    val port: Int,
    val database: String,
    val user: String,
    val password: String,
)

/** How to reach Redis. */
class RedisSettings(
    val host: String,
    val port: Int,
    val user: String,
    val password: String,
    val number: Int,
)

/** Where to listen. */
class Address(
    val host: String,
    val port: Int,
) {
    override fun toString(): String = if (':' in host) "[$host]:$port" else "$host:$port"
}

/** The least severe level that is logged. */
enum class LogLevel { ERROR, WARN, INFO }

/** The validated settings of one API process. */
class Settings(
    val database: DatabaseSettings,
    val redis: RedisSettings,
    val jwtSecret: ByteArray,
    val address: Address,
    val uploadDirectory: Path,
    val poolSize: Int,
    val logLevel: LogLevel,
)

/** The settings of the benchmark floor. */
class FloorSettings(
    val database: DatabaseSettings,
    val address: Address,
)

/** What is wrong with the environment, a line for each variable. No line repeats a value, since most of them may hold a secret. */
class InvalidSettings(
    val problems: List<String>,
) : Exception(problems.joinToString("\n"))

/** Reads all settings of the API. Throws [InvalidSettings], which names all that is wrong at once. */
fun readSettings(environment: Map<String, String>): Settings {
    val reader = SettingsReader(environment)
    val database = reader.database("DATABASE_URL")
    val redis = reader.redis("REDIS_URL")
    val secret = reader.secret("JWT_SECRET")
    val address = reader.address()
    val uploads = reader.directory("UPLOAD_DIR")
    val poolSize = reader.integer("DB_POOL_SIZE", DEFAULT_POOL_SIZE, MAX_POOL_SIZE)
    val level = reader.level("LOG_LEVEL")
    return reader.finish { Settings(database!!, redis!!, secret!!, address, uploads!!, poolSize, level) }
}

/** Reads the part of the settings that the benchmark floor uses. */
fun readFloorSettings(environment: Map<String, String>): FloorSettings {
    val reader = SettingsReader(environment)
    val database = reader.database("DATABASE_URL")
    val address = reader.address()
    return reader.finish { FloorSettings(database!!, address) }
}

private const val DEFAULT_POOL_SIZE = 32
private const val MAX_POOL_SIZE = 1000
private const val DEFAULT_PORT = 8080
private const val MAX_PORT = 65_535
private const val MIN_SECRET_BYTES = 32
private const val POSTGRES_PORT = 5432
private const val REDIS_PORT = 6379
private const val MAX_REDIS_NUMBER = 1_000_000

private class SettingsReader(
    private val environment: Map<String, String>,
) {
    private val problems = mutableListOf<String>()

    fun <T> finish(settings: () -> T): T {
        if (problems.isNotEmpty()) throw InvalidSettings(problems)
        return settings()
    }

    fun database(name: String): DatabaseSettings? =
        required(name) { value ->
            val url = ServiceUrl.parse(value, "postgres", "postgresql")
            if (url == null || url.user.isEmpty() || url.path.isEmpty() || url.query !in setOf("", "sslmode=disable")) {
                return@required wrong(name, "must be a postgres:// URL with user, host and database")
            }
            val database = percentDecoded(url.path) ?: url.path
            DatabaseSettings(url.host, url.port.orDefault(POSTGRES_PORT), database, url.user, url.password)
        }

    fun redis(name: String): RedisSettings? =
        required(name) { value ->
            val url = ServiceUrl.parse(value, "redis")
            val number = url?.path?.ifEmpty { "0" }?.let { canonicalInteger(it, 0..MAX_REDIS_NUMBER) }
            if (url == null || number == null || url.query.isNotEmpty()) {
                return@required wrong(name, "must be a redis:// URL with a host")
            }
            RedisSettings(url.host, url.port.orDefault(REDIS_PORT), url.user, url.password, number)
        }

    fun secret(name: String): ByteArray? =
        required(name) { value ->
            value.toByteArray().takeIf { it.size >= MIN_SECRET_BYTES } ?: wrong(name, "must be at least $MIN_SECRET_BYTES bytes")
        }

    fun address(): Address {
        val host = text("HOST") ?: "127.0.0.1"
        if (!NetUtil.isValidIpV4Address(host) && !isIpV6Address(host)) wrong("HOST", "must be an IP address")
        return Address(host, integer("PORT", DEFAULT_PORT, MAX_PORT))
    }

    /** Proves that files can be made there: the first upload would be too late to find out. */
    fun directory(name: String): Path? =
        required(name) { value ->
            try {
                val directory = Path.of(value)
                Files.delete(Files.createTempFile(directory, ".probe-", null))
                directory
            } catch (_: IOException) {
                wrong(name, "must be a directory that can be written to")
            } catch (_: InvalidPathException) {
                wrong(name, "must be a directory that can be written to")
            }
        }

    fun integer(
        name: String,
        fallback: Int,
        maximum: Int,
    ): Int {
        val value = text(name) ?: return fallback
        return canonicalInteger(value, 1..maximum) ?: fallback.also { wrong(name, "must be an integer from 1 to $maximum") }
    }

    fun level(name: String): LogLevel {
        val value = text(name) ?: return LogLevel.INFO
        return LogLevel.entries.find { it.name.lowercase() == value }
            ?: LogLevel.INFO.also { wrong(name, "must be error, warn or info") }
    }

    /** An empty variable counts as one that is not set. */
    private fun text(name: String): String? = environment[name]?.ifEmpty { null }

    private fun <T : Any> required(
        name: String,
        read: (String) -> T?,
    ): T? = text(name)?.let(read) ?: if (text(name) == null) wrong(name, "is required") else null

    private fun wrong(
        name: String,
        message: String,
    ): Nothing? {
        problems += "$name: $message"
        return null
    }
}

/** Netty also takes an address in brackets, and one with a zone. */
private fun isIpV6Address(text: String): Boolean = text.none { it in "[]%" } && NetUtil.isValidIpV6Address(text)

private fun Int.orDefault(fallback: Int): Int = if (this == 0) fallback else this

/** A decimal without sign and leading zeros. */
private fun canonicalInteger(
    text: String,
    range: IntRange,
): Int? = text.toIntOrNull()?.takeIf { it in range && it.toString() == text }
