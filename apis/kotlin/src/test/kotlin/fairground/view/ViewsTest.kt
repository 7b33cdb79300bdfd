package fairground.view

import fairground.store.Post
import java.time.OffsetDateTime
import kotlin.test.Test
import kotlin.test.assertEquals

class ViewsTest {
    private val time = OffsetDateTime.parse("2026-01-31T13:00:00+01:00")

    private fun post(id: Long) =
        Post(id, 2, "alice", "a\"\\/<>&\b\t\n\u000c\r\u0001\u001f\u007f\u2028", "é😀", 3, time, time.plusNanos(5_000_000))

    private val document =
        """{"id":1,"author":{"id":2,"username":"alice"},"title":"a\"\\/<>&\b\t\n\f\r\u0001\u001f""" + "\u007f\u2028" +
            """","body":"é😀","version":3,"created_at":"2026-01-31T12:00:00.000Z","updated_at":"2026-01-31T12:00:00.005Z"}"""

    @Test
    fun `posts are written in one way`() {
        assertEquals(document, String(encode(PostView.serializer(), PostView(post(1)))))
        assertEquals("\"1-3\"", entityTag(post(1)))
    }

    @Test
    fun `pages tell whether there is another`() {
        fun page(limit: Int) = String(encode(PageView.serializer(), PageView.of(listOf(post(1), post(1)), limit)))
        assertEquals("""{"items":[$document],"next_before":1}""", page(1))
        assertEquals("""{"items":[$document,$document],"next_before":null}""", page(2))
        assertEquals("""{"items":[],"next_before":null}""", String(encode(PageView.serializer(), PageView.of(emptyList(), 2))))
    }

    @Test
    fun `problems are written in one way`() {
        val expected = """{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such post."}"""
        assertEquals(expected, String(Problem.NO_POST.document))
        val invalid =
            """{"type":"about:blank","title":"Unprocessable Content","status":422,""" +
                """"detail":"One or more fields are not valid.","errors":[{"field":"a","message":"b"}]}"""
        assertEquals(invalid, String(Problem.invalid(listOf(FieldError("a", "b"))).document))
    }
}
