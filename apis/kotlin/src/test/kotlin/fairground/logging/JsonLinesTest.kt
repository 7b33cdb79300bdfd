package fairground.logging

import ch.qos.logback.classic.Level
import ch.qos.logback.classic.spi.LoggingEvent
import ch.qos.logback.classic.spi.ThrowableProxy
import org.slf4j.event.KeyValuePair
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class JsonLinesTest {
    @Test
    fun `an event is one line`() {
        val event =
            LoggingEvent().apply {
                level = Level.WARN
                message = "a \"b\"\n\u0001é"
                timeStamp = 1_769_860_800_007
                addKeyValuePair(KeyValuePair("status", 200))
                addKeyValuePair(KeyValuePair("path", "/\\"))
                setThrowableProxy(ThrowableProxy(IllegalStateException("outer", IllegalArgumentException("inner"))))
            }
        val expected =
            """{"time":"2026-01-31T12:00:00.007Z","level":"warn","message":"a \"b\"\u000a\u0001é","status":200,"path":"/\\",""" +
                """"error":"java.lang.IllegalStateException: outer: java.lang.IllegalArgumentException: inner"}""" + "\n"
        assertEquals(expected, JsonLines().doLayout(event))
    }

    @Test
    fun `one a second is let through`() {
        var now = 5L
        val occasionally = Occasionally { now }
        assertTrue(occasionally.isDue())
        assertFalse(occasionally.isDue())
        now += 999_999_999
        assertFalse(occasionally.isDue())
        now++
        assertTrue(occasionally.isDue())
        assertFalse(occasionally.isDue())
    }
}
