package fairground.api

import fairground.cache.PostCache
import fairground.store.Store
import fairground.store.StoreFailure
import fairground.view.ReadinessView
import io.ktor.http.HttpStatusCode
import io.ktor.server.routing.RoutingCall
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.withTimeoutOrNull

private const val POSTGRES_MILLISECONDS = 2000L

/** Whether the service is alive, and whether what it needs is. */
internal class HealthEndpoints(
    private val store: Store,
    private val cache: PostCache,
) {
    private val healthy = "{\"status\":\"ok\"}".encodeToByteArray()

    suspend fun health(call: RoutingCall) = call.send(Octets(healthy))

    suspend fun readiness(call: RoutingCall) {
        val (postgres, redis) =
            coroutineScope {
                val redis = async { cache.isUp() }
                isPostgresUp() to redis.await()
            }
        val status = if (postgres && redis) HttpStatusCode.OK else HttpStatusCode.ServiceUnavailable
        call.sendDocument(ReadinessView.serializer(), ReadinessView(word(postgres), word(redis)), status)
    }

    private suspend fun isPostgresUp(): Boolean =
        try {
            withTimeoutOrNull(POSTGRES_MILLISECONDS) { store.ping() } != null
        } catch (_: StoreFailure) {
            false
        }

    private fun word(isUp: Boolean) = if (isUp) "up" else "down"
}
