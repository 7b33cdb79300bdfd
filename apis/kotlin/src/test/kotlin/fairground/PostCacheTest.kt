package fairground

import fairground.posts.*
import java.time.OffsetDateTime
import java.time.ZoneOffset
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class PostCacheTest {
    private val time = OffsetDateTime.of(2026, 1, 31, 13, 0, 0, 20_000_000, ZoneOffset.ofHours(1))
    private val post = Post(7, Author(3, "alice"), "title", "a\nb", 2, time, time)

    @Test
    fun `an entry is the entity tag, a newline and the JSON of the post`() {
        val expected =
            "\"7-2\"\n" +
                """{"id":7,"author":{"id":3,"username":"alice"},"title":"title","body":"a\nb","version":2,""" +
                """"created_at":"2026-01-31T12:00:00.020Z","updated_at":"2026-01-31T12:00:00.020Z"}"""
        assertEquals(expected, CachedPost(post).toEntry().decodeToString())
    }

    @Test
    fun `entries of others are read as they are`() {
        val entry = CachedPost.ofEntry("\"7-2\"\n{ \"id\" : 7 }\n".encodeToByteArray())!!
        assertEquals("\"7-2\"" to "{ \"id\" : 7 }\n", entry.etag to entry.document.decodeToString())
        assertNull(CachedPost.ofEntry("no newline".encodeToByteArray()))
    }
}
