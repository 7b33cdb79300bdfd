package fairground

import ch.qos.logback.classic.Level
import io.ktor.http.*
import io.lettuce.core.RedisURI
import io.netty.util.NetUtil
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import kotlin.system.exitProcess

/** How to reach PostgreSQL. */
class DatabaseSettings(
    val host: String,
    val port: Int,
    val name: String,
    val user: String,
    val password: String,
)

/** Where to listen. */
class Address(
    val host: String,
    val port: Int,
)

/** A variable is missing or wrong. The message names it, but not its value: most values hold a secret. */
class InvalidSetting(
    message: String,
) : Exception(message)

/** The settings of the API, all from the environment. */
class Settings private constructor(
    val database: DatabaseSettings,
    val redis: RedisURI,
    val jwtSecret: ByteArray,
    val address: Address,
    val uploads: Path,
    val poolSize: Int,
    val logLevel: Level,
) {
    companion object {
        /** Reads the environment. Fails with [InvalidSetting]. */
        fun read(environment: Map<String, String>): Settings =
            Settings(
                database = environment.database(),
                redis = environment.redis(),
                jwtSecret =
                    environment.setting("JWT_SECRET", "at least $MIN_SECRET_BYTES bytes") { secret ->
                        secret.toByteArray().takeIf { it.size >= MIN_SECRET_BYTES }
                    },
                address = environment.address(),
                uploads =
                    environment.setting("UPLOAD_DIR", "a directory that can be written to") { name ->
                        Path.of(name).takeIf { Files.isDirectory(it) && Files.isWritable(it) }
                    },
                poolSize = environment.number("DB_POOL_SIZE", 1..MAX_POOL_SIZE, default = "32"),
                logLevel = environment.setting("LOG_LEVEL", "error, warn or info", "info", LOG_LEVELS::get),
            )
    }
}

/** Reads settings; if one is wrong, says so on standard error and exits with code 2. */
fun <T> readOrExit(read: () -> T): T =
    try {
        read()
    } catch (invalid: InvalidSetting) {
        System.err.println("fairground: ${invalid.message}")
        exitProcess(EXIT_CONFIGURATION)
    }

/** DATABASE_URL. */
fun Map<String, String>.database(): DatabaseSettings =
    setting("DATABASE_URL", "postgres://user:password@host:port/database") { value ->
        parseUrl(value)
            ?.takeIf { it.protocol.name in POSTGRES_SCHEMES && !it.user.isNullOrEmpty() && it.segments.size == 1 }
            ?.let {
                val port = if (it.specifiedPort == 0) POSTGRES_PORT else it.specifiedPort
                DatabaseSettings(it.host, port, it.segments.single(), it.user.orEmpty(), it.password.orEmpty())
            }
    }

/** REDIS_URL. */
fun Map<String, String>.redis(): RedisURI =
    setting("REDIS_URL", "redis://:password@host:port/number") { value ->
        RedisURI.create(value).takeIf { value.startsWith("redis://") }?.apply { timeout = REDIS_CONNECT_TIMEOUT }
    }

/** HOST and PORT. */
fun Map<String, String>.address(): Address =
    Address(
        host =
            setting("HOST", "an IP address", "127.0.0.1") { host ->
                host.takeIf { NetUtil.isValidIpV4Address(it) || NetUtil.isValidIpV6Address(it) }
            },
        port = number("PORT", 1..MAX_PORT, default = "8080"),
    )

private fun Map<String, String>.number(
    name: String,
    range: IntRange,
    default: String,
): Int =
    setting(name, "an integer from ${range.first} to ${range.last}", default) { text ->
        text.takeIf { it.all(Char::isDigit) }?.toIntOrNull()?.takeIf(range::contains)
    }

private fun <T : Any> Map<String, String>.setting(
    name: String,
    rule: String,
    default: String? = null,
    parse: (String) -> T?,
): T {
    val value = this[name].orEmpty().ifEmpty { default } ?: throw InvalidSetting("$name is required: $rule")
    return runCatching { parse(value) }.getOrNull() ?: throw InvalidSetting("$name must be $rule")
}

private const val EXIT_CONFIGURATION = 2
private const val MIN_SECRET_BYTES = 32
private const val MAX_POOL_SIZE = 1000
private const val MAX_PORT = 65_535
private const val POSTGRES_PORT = 5432
private val POSTGRES_SCHEMES = setOf("postgres", "postgresql")
private val LOG_LEVELS = mapOf("error" to Level.ERROR, "warn" to Level.WARN, "info" to Level.INFO)
private val REDIS_CONNECT_TIMEOUT = Duration.ofSeconds(1)
