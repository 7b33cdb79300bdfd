package fairground.cache

import io.lettuce.core.RedisCommandTimeoutException
import io.lettuce.core.codec.StringCodec
import io.lettuce.core.output.StatusOutput
import io.lettuce.core.protocol.AsyncCommand
import io.lettuce.core.protocol.Command
import io.lettuce.core.protocol.CommandType
import io.netty.bootstrap.Bootstrap
import io.netty.buffer.ByteBuf
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.MultiThreadIoEventLoopGroup
import io.netty.channel.SimpleChannelInboundHandler
import io.netty.channel.nio.NioIoHandler
import io.netty.channel.socket.nio.NioSocketChannel
import io.netty.util.HashedWheelTimer
import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import kotlin.system.measureTimeMillis
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** What takes longer than this has failed, on however busy a machine. */
private const val PATIENCE_MILLISECONDS = 30_000L

private const val LIMIT_MILLISECONDS = 50L

/** So long a loop is busy with requests here. */
private const val BUSY_MILLISECONDS = 400L

class ReplyDeadlineTest {
    private val loops = MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())
    private val timer = HashedWheelTimer(1, TimeUnit.MILLISECONDS)
    private val deadline = ReplyDeadline(timer)
    private val command = AsyncCommand(Command(CommandType.PING, StatusOutput(StringCodec.ASCII)))

    @AfterTest
    fun stop() {
        timer.stop()
        loops.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS).sync()
    }

    @Test
    fun `a command without an answer fails after its time`() {
        val milliseconds =
            measureTimeMillis {
                val failure = assertFailsWith<ExecutionException> { deadline.watch(command, loops.next()).get() }
                assertIs<RedisCommandTimeoutException>(failure.cause)
            }
        assertTrue(milliseconds in LIMIT_MILLISECONDS until PATIENCE_MILLISECONDS)
    }

    @Test
    fun `a command that was answered is left alone`() {
        val watched = deadline.watch(command, loops.next())
        command.complete("PONG")
        assertEquals("PONG", watched.get())
    }

    @Test
    fun `an answer that has come while the loop was busy counts`() {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            connect(server.localPort)
            server.accept().use { redis ->
                val watched = deadline.watch(command, loops.next())
                val isBusy = CountDownLatch(1)
                loops.next().execute {
                    isBusy.countDown()
                    Thread.sleep(BUSY_MILLISECONDS)
                }
                isBusy.await()
                redis.getOutputStream().write('+'.code)
                assertEquals("PONG", watched.get(PATIENCE_MILLISECONDS, TimeUnit.MILLISECONDS))
            }
        }
    }

    /** A connection on the loop, which completes the command with the first octet that comes. */
    private fun connect(port: Int) {
        val reader =
            object : SimpleChannelInboundHandler<ByteBuf>() {
                override fun channelRead0(
                    context: ChannelHandlerContext,
                    octets: ByteBuf,
                ) {
                    command.complete("PONG")
                }
            }
        Bootstrap()
            .group(loops)
            .channel(NioSocketChannel::class.java)
            .handler(reader)
            .connect(InetAddress.getLoopbackAddress(), port)
            .sync()
    }
}
