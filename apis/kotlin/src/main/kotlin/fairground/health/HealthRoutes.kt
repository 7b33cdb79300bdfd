package fairground.health

import fairground.*
import fairground.database.*
import fairground.redis.*
import io.ktor.http.*
import io.ktor.server.response.*
import io.ktor.server.routing.*
import kotlinx.coroutines.*
import kotlinx.serialization.Serializable

@Serializable
private class Health(
    val status: String,
)

@Serializable
private class Readiness(
    val postgres: String,
    val redis: String,
)

/** `/healthz` and `/readyz`. */
fun Route.healthRoutes(
    postgres: Postgres,
    redis: Redis,
) {
    val warnings = OncePerSecond()

    suspend fun state(
        service: String,
        ask: suspend () -> Unit,
    ): String =
        try {
            ask()
            "up"
        } catch (failure: Exception) {
            // Lettuce cancels a command when its connection breaks; that isn't a cancelled call.
            currentCoroutineContext().ensureActive()
            warnings.run(service) { log.warn("503 GET /readyz: {} is down: {}", service, describe(failure)) }
            "down"
        }

    get("/healthz") {
        call.respond(Health("ok"))
    }

    get("/readyz") {
        val readiness =
            coroutineScope {
                val postgres = async { state("postgres") { postgres.ping() } }
                val cache = async { state("redis") { redis.ping() } }
                Readiness(postgres.await(), cache.await())
            }
        val isReady = readiness.postgres == "up" && readiness.redis == "up"
        call.respond(if (isReady) HttpStatusCode.OK else HttpStatusCode.ServiceUnavailable, readiness)
    }
}
