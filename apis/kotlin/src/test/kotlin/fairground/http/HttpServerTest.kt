package fairground.http

import fairground.api.Octets
import fairground.api.read
import fairground.api.send
import fairground.config.Address
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.request.path
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.util.pipeline.PipelinePhase
import io.ktor.utils.io.writeFully
import kotlinx.coroutines.delay
import java.net.ConnectException
import java.net.Socket
import java.net.SocketException
import java.net.SocketTimeoutException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.system.measureTimeMillis
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

private const val LIMIT_MILLISECONDS = 600L
private const val IDLE_MILLISECONDS = 4000L
private const val SLOW_MILLISECONDS = 1500L

/** So long a connection must stay open to count as such. */
private const val QUIET_MILLISECONDS = 300

/** What takes longer than this has failed, on however busy a machine. */
private const val PATIENCE_MILLISECONDS = 30_000

/** More than can be under way between two sockets of one machine. */
private const val MANY_BYTES = 64L * 1024 * 1024
private const val LARGE = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
private const val SLOW = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
private const val NEXT = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

class HttpServerTest {
    private val nanos = TimeUnit.MILLISECONDS.toNanos(LIMIT_MILLISECONDS)
    private val idle = TimeUnit.MILLISECONDS.toNanos(IDLE_MILLISECONDS)
    private val limits = TimeLimits(head = nanos, bodyIdle = nanos, idle = idle, lingering = nanos / 2)
    private val server = HttpServer(Address("127.0.0.1", 0), 1, limits) { routes() }.also { it.start() }

    /** Whether the slow request has arrived. */
    private val started = CountDownLatch(1)

    /** The thread on which Ktor went on behind the slow request. */
    private val behind = CompletableFuture<String>()

    @AfterTest
    fun stop() {
        server.drain(1)
    }

    private fun Application.routes() {
        val around = PipelinePhase("Around")
        insertPhaseBefore(ApplicationCallPipeline.Setup, around)
        intercept(around) {
            proceed()
            if (call.request.path() == "/slow") behind.complete(Thread.currentThread().name)
        }
        routing {
            read("/") { call.send(Octets("ok".toByteArray())) }
            get("/304") { call.send(Empty(HttpStatusCode.NotModified)) }
            get("/slow") {
                started.countDown()
                delay(SLOW_MILLISECONDS)
                call.send(Octets("slow".toByteArray()))
            }
            get("/begun") {
                call.respondBytesWriter {
                    writeFully("begun".toByteArray())
                    flush()
                    delay(SLOW_MILLISECONDS)
                }
            }
            get("/large") { call.send(Octets(ByteArray(MANY_BYTES.toInt()))) }
            post("/left") { call.send(Empty(HttpStatusCode.NoContent)) }
            post("/read") {
                val body = RequestBody.of(call)
                val piece = ByteArray(10)
                var length = 0
                while (true) length += body.read(piece, 0, piece.size).takeIf { it >= 0 } ?: break
                call.send(Octets("$length".toByteArray()))
            }
        }
    }

    private class Empty(
        override val status: HttpStatusCode,
    ) : OutgoingContent.NoContent()

    /** What a connection saw: the statuses of the answers, and whether it was closed behind them. */
    private data class Seen(
        val statuses: List<Int>,
        val closed: Boolean,
    )

    /** Sends [octets] and checks that what comes back is [expected]. */
    private fun check(
        expected: Seen,
        octets: String,
        endsInput: Boolean = false,
    ) {
        val seen =
            Socket("127.0.0.1", server.port).use { socket ->
                socket.getOutputStream().write(octets.toByteArray())
                if (endsInput) socket.shutdownOutput()
                observe(socket, expected)
            }
        assertEquals(expected, seen, octets.take(120))
    }

    /** Reads for as long as it takes to tell whether it will be [expected]. */
    private fun observe(
        socket: Socket,
        expected: Seen,
    ): Seen {
        val text = StringBuilder()
        val piece = ByteArray(4096)
        while (true) {
            val statuses = Regex("HTTP/1.1 (\\d{3}) ").findAll(text).map { it.groupValues[1].toInt() }.toList()
            val isComplete = !expected.closed && statuses.size >= expected.statuses.size
            socket.soTimeout = if (isComplete) QUIET_MILLISECONDS else PATIENCE_MILLISECONDS
            val read =
                try {
                    socket.getInputStream().read(piece)
                } catch (_: SocketTimeoutException) {
                    return Seen(statuses, false)
                } catch (_: SocketException) {
                    -1
                }
            if (read < 0) return Seen(statuses, true)
            text.append(String(piece, 0, read, Charsets.ISO_8859_1))
        }
    }

    /** Runs [exchange], which must take that many [milliseconds]. */
    private fun within(
        milliseconds: LongRange,
        exchange: () -> Unit,
    ) {
        val elapsed = measureTimeMillis(exchange)
        assertTrue(elapsed in milliseconds, "$elapsed ms")
    }

    /** Asks for a large answer, does [meanwhile] once it has been written, and then finds all of it. */
    private fun takesLate(
        octets: String,
        meanwhile: (Socket) -> Unit,
    ) {
        Socket("127.0.0.1", server.port).use { socket ->
            socket.soTimeout = PATIENCE_MILLISECONDS
            socket.getOutputStream().write(octets.toByteArray())
            socket.getInputStream().read()
            meanwhile(socket)
            val piece = ByteArray(64 * 1024)
            val length = generateSequence { socket.getInputStream().read(piece) }.takeWhile { it >= 0 }.sumOf { it.toLong() }
            assertTrue(length >= MANY_BYTES, "$length")
        }
    }

    private fun post(
        path: String,
        headers: String,
        body: String = "",
    ) = "POST $path HTTP/1.1\r\nHost: a\r\n$headers\r\n\r\n$body"

    @Test
    fun `connections go on, or not`() {
        val chunked = "Transfer-Encoding: chunked"
        val expected =
            mapOf(
                NEXT + NEXT to Seen(listOf(200, 200), false),
                SLOW + NEXT + NEXT to Seen(listOf(200, 200, 200), false),
                NEXT.repeat(1000) to Seen(List(1000) { 200 }, false),
                "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT to Seen(listOf(200, 200), false),
                post("/read", "Content-Length: 3", "abc") + NEXT to Seen(listOf(200, 200), false),
                post("/read", "Content-Length: 0") + NEXT to Seen(listOf(200, 200), false),
                post("/left", "Content-Length: 3", "abc") + NEXT to Seen(listOf(204), true),
                post("/left", "Content-Length: 9", "abc") to Seen(listOf(204), true),
                post("/read", chunked, "3\r\nabc\r\n0\r\n\r\n") + NEXT to Seen(listOf(200, 200), false),
                post("/read", "$chunked\r\nContent-Length: 4", "0\r\n\r\n$NEXT") to Seen(listOf(400), true),
                post("/read", "Content-Length: 4\r\n$chunked", "0\r\n\r\n$NEXT") to Seen(listOf(400), true),
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc$NEXT" to Seen(listOf(200, 200), false),
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n$NEXT" to Seen(listOf(200), true),
                "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n$NEXT" to Seen(listOf(304, 200), false),
                "GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(16 * 1024 - 32)}\r\n\r\n" to Seen(listOf(200), false),
                "GET /?${"x".repeat(16 * 1024 - 60)} HTTP/1.1\r\nHost: a\r\n\r\n" to Seen(listOf(200), false),
            )
        for ((octets, seen) in expected) check(seen, octets)
    }

    @Test
    fun `what fails before routing is refused`() {
        val expected =
            mapOf(
                "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" to 400,
                "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" to 400,
                "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" to 400,
                "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n" to 400,
                "GET / HTTP/9.9\r\nHost: a\r\n\r\n" to 505,
                "GET / HTTP/1.1\r\nHost a\r\n\r\n" to 400,
                "GET / HTTP/1.1\r\nBad Name: y\r\n\r\n" to 400,
                "GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20 * 1024)}\r\n\r\n" to 431,
                "GET /${"x".repeat(20 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n" to 431,
                "GET /${"x".repeat(12_000)} HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(12_000)}\r\n\r\n" to 431,
                post("/read", "Content-Length: -1") to 400,
                post("/read", "Content-Length: 5\r\nContent-Length: 6", "12345") to 400,
                post("/read", "Transfer-Encoding: nonsense") to 501,
                post("/read", "Transfer-Encoding: gzip, chunked") to 501,
            )
        for ((octets, status) in expected) check(Seen(listOf(status), true), octets + NEXT)
    }

    @Test
    fun `chunks that another reader could take otherwise are refused`() {
        val chunked = "Transfer-Encoding: chunked"
        val wrong =
            listOf(
                "x\r\n",
                "\r\nab\r\n",
                "+2\r\nab\r\n",
                "0x2\r\nab\r\n",
                "2 \r\nab\r\n",
                "2\u0000\r\nab\r\n",
                "2;\u0000\r\nab\r\n",
            ) +
                listOf("10000000000000002\r\nab\r\n", "ffffffffffffffff\r\nab\r\n", "00000000000000002\r\nab\r\n") +
                listOf("1\r\nab\r\n", "3\r\nab\r\n", "2\nab\r\n", "2\r\nab\n", "2\r\nab", "2\r\nab\r\n\r\n", "2;a\rb\r\nab\r\n")
        for (chunks in wrong) check(Seen(listOf(400), true), post("/read", chunked, "${chunks}0\r\n\r\n$NEXT"))
        val right =
            listOf(
                "2\r\nab\r\n",
                "0000000000000002\r\nab\r\n",
                "2;a=b\r\nab\r\n",
                "2 ; a\r\nab\r\n1\r\n\n\r\n",
                "A\r\n${NEXT.take(10)}\r\n",
            )
        for (chunks in right) {
            check(Seen(listOf(200, 200), false), post("/read", chunked, "${chunks}0\r\n\r\n$NEXT"))
            check(Seen(listOf(200, 200), false), post("/read", chunked, "${chunks}0;last\r\nX: y\r\n\r\n$NEXT"))
        }
    }

    @Test
    fun `who sends on and on behind a refusal is cut off`() {
        Socket("127.0.0.1", server.port).use { socket ->
            socket.getOutputStream().write(post("/left", "Content-Length: ${Long.MAX_VALUE}").toByteArray())
            val piece = ByteArray(64 * 1024)
            var sent = 0L
            assertFailsWith<SocketException> {
                while (sent < MANY_BYTES) {
                    socket.getOutputStream().write(piece)
                    sent += piece.size
                }
            }
        }
    }

    @Test
    fun `slow and idle clients are given up`() {
        // Sooner than an idle connection, whatever the head came with.
        val slow = LIMIT_MILLISECONDS..<IDLE_MILLISECONDS
        within(slow) { check(Seen(emptyList(), true), "GET / HTTP/1.1\r\n") }
        within(slow) { check(Seen(listOf(200), true), NEXT + "GET / HTTP/1.1\r\n") }
        within(slow) { check(Seen(listOf(200), true), NEXT + "GE") }
        within(slow) { check(Seen(emptyList(), true), post("/read", "Content-Length: 9", "abc")) }
        within(IDLE_MILLISECONDS..PATIENCE_MILLISECONDS) { check(Seen(listOf(200), true), NEXT) }
        check(Seen(listOf(200), false), SLOW)
    }

    @Test
    fun `who ends its side gets its answer`() {
        check(Seen(listOf(200, 200), true), NEXT + NEXT, endsInput = true)
        check(Seen(listOf(200, 200), true), SLOW + NEXT, endsInput = true)
        check(Seen(emptyList(), true), post("/read", "Content-Length: 9", "abc"), endsInput = true)
        check(Seen(emptyList(), true), "", endsInput = true)
    }

    @Test
    fun `who takes an answer late gets all of it`() {
        takesLate(LARGE) { Thread.sleep(IDLE_MILLISECONDS * 5 / 4) }
        takesLate(LARGE + "GE") { Thread.sleep(LIMIT_MILLISECONDS * 2) }
        takesLate(LARGE) {
            it.shutdownOutput()
            Thread.sleep(QUIET_MILLISECONDS.toLong())
        }
    }

    @Test
    fun `a call and what follows it stay on the event loop`() {
        check(Seen(listOf(200), closed = false), SLOW)
        val thread = behind.get(PATIENCE_MILLISECONDS.toLong(), TimeUnit.MILLISECONDS)
        assertTrue(thread.startsWith("http-"), thread)
    }

    @Test
    fun `draining waits for who takes an answer late`() {
        lateinit var drained: CompletableFuture<Boolean>
        takesLate(LARGE) {
            drained = CompletableFuture.supplyAsync { server.drain(PATIENCE_MILLISECONDS.toLong()) }
            Thread.sleep(QUIET_MILLISECONDS.toLong())
        }
        assertTrue(drained.get())
    }

    @Test
    fun `draining ends a connection behind an answer that had begun`() {
        Socket("127.0.0.1", server.port).use { socket ->
            socket.getOutputStream().write("GET /begun HTTP/1.1\r\nHost: a\r\n\r\n".toByteArray())
            socket.getInputStream().read()
            within(0..<IDLE_MILLISECONDS) { assertTrue(server.drain(PATIENCE_MILLISECONDS.toLong())) }
        }
    }

    @Test
    fun `draining finishes what is in flight`() {
        Socket("127.0.0.1", server.port).use { idle ->
            idle.getOutputStream().write(NEXT.toByteArray())
            assertEquals(Seen(listOf(200), false), observe(idle, Seen(listOf(200), false)))
            val slow = CompletableFuture.runAsync { check(Seen(listOf(200), true), SLOW) }
            started.await()
            assertTrue(server.drain(PATIENCE_MILLISECONDS.toLong()))
            slow.get()
            assertEquals(Seen(emptyList(), true), observe(idle, Seen(emptyList(), true)))
        }
        assertFailsWith<ConnectException> { Socket("127.0.0.1", server.port) }
    }
}
