package fairground.http

import fairground.api.Octets
import fairground.api.read
import fairground.api.send
import fairground.config.Address
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.Application
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import kotlinx.coroutines.delay
import java.io.InputStream
import java.net.ConnectException
import java.net.Socket
import java.net.SocketException
import java.net.SocketTimeoutException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

private const val LIMIT_MILLISECONDS = 600L
private const val SLOW_MILLISECONDS = 1500L
private const val SLOW = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
private const val NEXT = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

class HttpServerTest {
    private val nanos = TimeUnit.MILLISECONDS.toNanos(LIMIT_MILLISECONDS)
    private val limits = TimeLimits(head = nanos, bodyIdle = nanos, idle = 3 * nanos, lingering = nanos / 2)
    private val server = HttpServer(Address("127.0.0.1", 0), 1, limits) { routes() }.also { it.start() }

    @AfterTest
    fun stop() {
        server.drain(1)
    }

    private fun Application.routes() {
        routing {
            read("/") { call.send(Octets("ok".toByteArray())) }
            get("/304") { call.send(Empty(HttpStatusCode.NotModified)) }
            get("/slow") {
                delay(SLOW_MILLISECONDS)
                call.send(Octets("slow".toByteArray()))
            }
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

    private fun exchange(
        octets: String,
        milliseconds: Long = LIMIT_MILLISECONDS,
        endsInput: Boolean = false,
    ): Seen =
        Socket("127.0.0.1", server.port).use { socket ->
            socket.soTimeout = milliseconds.toInt()
            socket.getOutputStream().write(octets.toByteArray())
            if (endsInput) socket.shutdownOutput()
            val (text, closed) = read(socket.getInputStream())
            val statuses = Regex("HTTP/1.1 (\\d{3}) ").findAll(text).map { it.groupValues[1].toInt() }
            Seen(statuses.toList(), closed)
        }

    private fun read(stream: InputStream): Pair<String, Boolean> {
        val text = StringBuilder()
        val piece = ByteArray(4096)
        while (true) {
            val read =
                try {
                    stream.read(piece)
                } catch (_: SocketTimeoutException) {
                    return text.toString() to false
                } catch (_: SocketException) {
                    -1
                }
            if (read < 0) return text.toString() to true
            text.append(String(piece, 0, read, Charsets.ISO_8859_1))
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
        for ((octets, seen) in expected) assertEquals(seen, exchange(octets, 2 * SLOW_MILLISECONDS), octets.take(120))
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
        for ((octets, status) in expected) assertEquals(Seen(listOf(status), true), exchange(octets + NEXT), octets.take(120))
        assertEquals(Seen(emptyList(), true), exchange(post("/read", "Transfer-Encoding: chunked", "x\r\n$NEXT")))
    }

    @Test
    fun `slow and idle clients are given up`() {
        val long = 3 * LIMIT_MILLISECONDS
        assertEquals(Seen(emptyList(), true), exchange("GET / HTTP/1.1\r\n", long))
        // Sooner than an idle connection, whatever the head came with.
        assertEquals(Seen(listOf(200), true), exchange(NEXT + "GET / HTTP/1.1\r\n", 2 * LIMIT_MILLISECONDS))
        assertEquals(Seen(listOf(200), true), exchange(NEXT + "GE", 2 * LIMIT_MILLISECONDS))
        assertEquals(Seen(emptyList(), true), exchange(post("/read", "Content-Length: 9", "abc"), long))
        assertEquals(Seen(listOf(200), false), exchange(NEXT, long / 2))
        assertEquals(Seen(listOf(200), true), exchange(NEXT, 2 * long))
        assertEquals(Seen(listOf(200), false), exchange(SLOW, SLOW_MILLISECONDS + LIMIT_MILLISECONDS))
    }

    @Test
    fun `who ends its side gets its answer`() {
        assertEquals(Seen(listOf(200, 200), true), exchange(NEXT + NEXT, endsInput = true))
        assertEquals(Seen(emptyList(), true), exchange(post("/read", "Content-Length: 9", "abc"), endsInput = true))
        assertEquals(Seen(emptyList(), true), exchange("", endsInput = true))
    }

    @Test
    fun `draining finishes what is in flight`() {
        val idle = CompletableFuture.supplyAsync { exchange(NEXT, 2 * SLOW_MILLISECONDS) }
        val slow = CompletableFuture.supplyAsync { exchange(SLOW, 3 * SLOW_MILLISECONDS) }
        TimeUnit.MILLISECONDS.sleep(LIMIT_MILLISECONDS)
        assertTrue(server.drain(3 * SLOW_MILLISECONDS))
        assertEquals(Seen(listOf(200), true), idle.get())
        assertEquals(Seen(listOf(200), true), slow.get())
        assertFailsWith<ConnectException> { Socket("127.0.0.1", server.port) }
    }
}
