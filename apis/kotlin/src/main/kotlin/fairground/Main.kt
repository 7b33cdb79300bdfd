package fairground

import fairground.api.Services
import fairground.api.api
import fairground.cache.PostCache
import fairground.cache.RedisConnection
import fairground.config.Address
import fairground.config.InvalidSettings
import fairground.config.Settings
import fairground.config.readSettings
import fairground.http.HttpServer
import fairground.logging.log
import fairground.logging.setLogLevel
import fairground.security.AccessTokens
import fairground.security.Passwords
import fairground.store.Store
import fairground.upload.UploadDirectory
import java.io.IOException
import java.nio.channels.UnsupportedAddressTypeException
import java.util.concurrent.ConcurrentLinkedDeque
import kotlin.system.exitProcess

private const val EXIT_FAILURE = 1
private const val EXIT_CONFIGURATION = 2
private const val READY_MILLISECONDS = 5000L

fun main() {
    val settings = settingsOrExit { readSettings(System.getenv()) }
    setLogLevel(settings.logLevel)
    serve(settings)
}

private fun serve(settings: Settings) {
    // The process is started with -XX:-UseContainerSupport, so that this is the affinity mask alone.
    val cpus = Runtime.getRuntime().availableProcessors()
    lateinit var services: Services
    val server = HttpServer(settings.address, cpus) { api(services) }
    // A signal may come before all is made.
    val made = ConcurrentLinkedDeque<AutoCloseable>()
    drainOnSignal(server) { made.forEach(AutoCloseable::close) }
    val store = Store(settings.database, settings.poolSize).also(made::push)
    val redis = RedisConnection(settings.redis, server.eventLoops).also(made::push)
    services =
        Services(
            store = store,
            cache = PostCache(redis),
            passwords = Passwords(cpus),
            tokens = AccessTokens(settings.jwtSecret),
            uploads = UploadDirectory(settings.uploadDirectory),
        )
    store.awaitReady(READY_MILLISECONDS)
    startOrExit(server, settings.address)
    log
        .atInfo()
        .addKeyValue("address", settings.address)
        .addKeyValue("cpus", cpus)
        .log("listening")
}

/** Reads settings; where they are wrong, says so and ends the process. */
internal fun <T> settingsOrExit(read: () -> T): T =
    try {
        read()
    } catch (invalid: InvalidSettings) {
        invalid.problems.forEach { System.err.println("fairground: $it") }
        exitProcess(EXIT_CONFIGURATION)
    }

/** Listens; where that can't be done, says so and ends the process. */
internal fun startOrExit(
    server: HttpServer,
    address: Address,
) {
    try {
        server.start()
    } catch (failure: IOException) {
        exitUnheard(address, failure.message)
    } catch (_: UnsupportedAddressTypeException) {
        exitUnheard(address, "the system has no such addresses")
    }
}

private fun exitUnheard(
    address: Address,
    reason: String?,
): Nothing {
    System.err.println("fairground: cannot listen on $address: $reason")
    Runtime.getRuntime().halt(EXIT_FAILURE)
    error("halt doesn't return")
}

/** On SIGTERM or SIGINT, finishes what is in flight, then calls [close] and ends the process with exit code 0. */
internal fun drainOnSignal(
    server: HttpServer,
    close: () -> Unit,
) {
    val drain = {
        try {
            val drained = server.drain()
            // What was cut off may still hold connections.
            if (drained) close()
        } finally {
            // The JVM would end with 128 and the signal's number.
            Runtime.getRuntime().halt(0)
        }
    }
    Runtime.getRuntime().addShutdownHook(Thread(drain, "drain"))
}
