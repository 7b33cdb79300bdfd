package fairground.api

import fairground.store.StoreUnavailable
import fairground.view.ReadinessView
import io.ktor.http.HttpStatusCode
import io.ktor.server.routing.RoutingCall
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.withTimeoutOrNull

private const val POSTGRES_MILLISECONDS = 2000L

/** Whether the service is alive, and whether what it needs is: [pingPostgres] and [pingRedis] fail where it isn't. */
internal class HealthEndpoints(
    private val application: CoroutineScope,
    private val outages: Outages,
    private val pingPostgres: suspend () -> Unit,
    private val pingRedis: suspend () -> Unit,
) {
    private val healthy = "{\"status\":\"ok\"}".encodeToByteArray()

    suspend fun health(call: RoutingCall) = call.send(Octets(healthy))

    suspend fun readiness(call: RoutingCall) {
        // They belong to the application: the call can't end before its own children do, and a statement that PostgreSQL
        // leaves without an answer never does.
        val postgresPing = application.async { runCatching { pingPostgres() } }
        val redisPing = application.async { runCatching { pingRedis() } }
        val postgres = withTimeoutOrNull(POSTGRES_MILLISECONDS) { postgresPing.await() } ?: Result.failure(late())
        val redis = redisPing.await()
        val failure = postgres.exceptionOrNull() ?: redis.exceptionOrNull()
        if (failure != null) outages.report(failure)
        val status = if (failure == null) HttpStatusCode.OK else HttpStatusCode.ServiceUnavailable
        call.sendDocument(ReadinessView.serializer(), ReadinessView(word(postgres), word(redis)), status)
    }

    private fun late() = StoreUnavailable("PostgreSQL hasn't answered for $POSTGRES_MILLISECONDS ms")

    private fun word(answer: Result<Unit>) = if (answer.isSuccess) "up" else "down"
}
