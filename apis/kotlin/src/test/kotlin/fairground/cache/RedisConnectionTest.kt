package fairground.cache

import fairground.config.RedisSettings
import io.lettuce.core.RedisCommandTimeoutException
import io.netty.channel.MultiThreadIoEventLoopGroup
import io.netty.channel.nio.NioIoHandler
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertTrue

private const val WAVE = 5000
private const val MAX_WAVES = 20
private const val PATIENCE_SECONDS = 30L

class RedisConnectionTest {
    private val redis = ServerSocket(0, 1, InetAddress.getLoopbackAddress())
    private val loops = MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())
    private val connection = RedisConnection(RedisSettings("127.0.0.1", redis.localPort, "", "", 0), loops)

    @Volatile
    private var isHanging = false

    @AfterTest
    fun stop() {
        redis.close()
        connection.close()
        loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS).sync()
    }

    private fun serve() {
        try {
            while (true) redis.accept().use(::answer)
        } catch (_: SocketException) {
            // The test is over.
        }
    }

    /** Takes all commands, and answers them until it is to hang. */
    private fun answer(client: Socket) {
        val piece = ByteArray(64 * 1024)
        while (true) {
            val length = client.getInputStream().read(piece)
            if (length < 0) return
            // Each command begins with an asterisk, and none here has another one.
            val commands = (0 until length).count { piece[it] == '*'.code.toByte() }
            if (!isHanging) client.getOutputStream().write("+PONG\r\n".repeat(commands).toByteArray())
        }
    }

    private fun ping(): CompletableFuture<String> =
        try {
            connection.ping().toCompletableFuture()
        } catch (refused: Exception) {
            CompletableFuture.failedFuture(refused)
        }

    private fun failure(ping: CompletableFuture<String>): Throwable? =
        try {
            ping.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
            null
        } catch (failed: ExecutionException) {
            failed.cause
        }

    @Test
    fun `what a Redis that hangs leaves without an answer is bounded`() {
        thread(isDaemon = true) { serve() }
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)
        while (failure(ping()) != null) assertTrue(System.nanoTime() < end, "it never connected")
        isHanging = true
        val failures = generateSequence { List(WAVE) { ping() }.map { failure(it) } }.take(MAX_WAVES)
        val refusal = failures.flatten().first { it !is RedisCommandTimeoutException }
        assertTrue("exceeded" in refusal?.message.orEmpty(), "$refusal")
    }
}
