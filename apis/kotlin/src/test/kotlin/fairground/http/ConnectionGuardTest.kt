package fairground.http

import io.netty.buffer.Unpooled
import io.netty.channel.embedded.EmbeddedChannel
import io.netty.handler.codec.http.DefaultFullHttpResponse
import io.netty.handler.codec.http.HttpResponseStatus
import io.netty.handler.codec.http.HttpVersion
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class ConnectionGuardTest {
    private val hour = TimeUnit.HOURS.toNanos(1)
    private val codec = ServerCodec()
    private val limits = TimeLimits(head = 0, bodyIdle = hour, idle = hour)
    private val channel = EmbeddedChannel(codec, ConnectionGuard(codec, Connections(), limits))

    @Test
    fun `the time of a head begins when nothing else is owed`() {
        channel.writeInbound(Unpooled.copiedBuffer("GET / HTTP/1.1\r\nHost: a\r\n\r\nG", Charsets.US_ASCII))
        assertTrue(channel.runScheduledPendingTasks() > hour / 2, "the loop has nothing to do meanwhile")
        channel.writeOutbound(DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK))
        channel.runScheduledPendingTasks()
        assertFalse(channel.isOpen)
    }
}
