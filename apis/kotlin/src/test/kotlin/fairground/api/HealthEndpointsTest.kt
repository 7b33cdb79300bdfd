package fairground.api

import ch.qos.logback.classic.Logger
import ch.qos.logback.classic.spi.ILoggingEvent
import ch.qos.logback.core.read.ListAppender
import fairground.config.Address
import fairground.http.HttpServer
import fairground.logging.log
import fairground.store.StoreUnavailable
import io.ktor.server.routing.routing
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.time.Duration
import java.util.concurrent.CountDownLatch
import kotlin.system.measureTimeMillis
import kotlin.test.AfterTest
import kotlin.test.BeforeTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What takes longer than this has failed, on however busy a machine. */
private val PATIENCE = Duration.ofSeconds(30)

class HealthEndpointsTest {
    private var pingPostgres: suspend () -> Unit = {}
    private var pingRedis: suspend () -> Unit = {}
    private val server =
        HttpServer(Address("127.0.0.1", 0), 1) {
            val health = HealthEndpoints(this, Outages(), { pingPostgres() }, { pingRedis() })
            routing { read("/readyz") { health.readiness(call) } }
        }
    private val lines = ListAppender<ILoggingEvent>()

    @BeforeTest
    fun start() {
        server.start()
        lines.start()
        (log as Logger).addAppender(lines)
    }

    @AfterTest
    fun stop() {
        (log as Logger).detachAppender(lines)
        server.drain(1)
    }

    private fun isAnswered(
        status: Int,
        document: String,
    ) {
        val request = HttpRequest.newBuilder(URI("http://127.0.0.1:${server.port}/readyz")).timeout(PATIENCE).build()
        val answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString())
        assertEquals(status to document, answer.statusCode() to answer.body())
    }

    private fun causes() = lines.list.map { "${it.level} ${it.throwableProxy.message}" }

    @Test
    fun `a service that is there is ready`() {
        isAnswered(200, """{"postgres":"up","redis":"up"}""")
        assertEquals(emptyList(), causes())
    }

    @Test
    fun `a PostgreSQL that doesn't answer isn't waited for`() {
        val thaw = CountDownLatch(1)
        pingPostgres = { withContext(Dispatchers.IO) { thaw.await() } }
        isAnswered(503, """{"postgres":"down","redis":"up"}""")
        thaw.countDown()
        assertEquals(listOf("ERROR PostgreSQL hasn't answered for 2000 ms"), causes())
    }

    @Test
    fun `who isn't ready says why, once a second`() {
        pingRedis = { throw IllegalStateException("Redis is away") }
        isAnswered(503, """{"postgres":"up","redis":"down"}""")
        assertEquals(listOf("ERROR Redis is away"), causes())
        pingPostgres = { throw StoreUnavailable("PostgreSQL is away") }
        val milliseconds = measureTimeMillis { repeat(10) { isAnswered(503, """{"postgres":"down","redis":"down"}""") } }
        assertTrue(causes().size - 1 <= 1 + milliseconds / 1000, "${causes()}")
    }
}
