package fairground

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

class IdentifierTest {
    @Test
    fun `ids are positive decimals of 63 bits`() {
        for (id in listOf(1L, 9, 10, 1_000_000_007, 999_999_999_999_999_999, Long.MAX_VALUE)) assertEquals(id, parseId("$id"))
        assertEquals(42, parseId("/api/posts/42", "/api/posts/".length))
    }

    @Test
    fun `anything else is no id`() {
        val others =
            listOf(
                "",
                "0",
                "00",
                "01",
                "-1",
                "+1",
                "1.0",
                "1e3",
                "0x1",
                "1a",
                "a1",
                " 1",
                "1 ",
                "%31",
                "٣",
                "9223372036854775808",
            )
        for (text in others + "9".repeat(19) + "1".repeat(20) + "1/") assertNull(parseId(text), text)
    }

    @Test
    fun usernames() {
        for (name in listOf("abc", "a_1", "___", "0".repeat(32))) assertTrue(isUsername(name), name)
        for (name in listOf("", "ab", "a".repeat(33), "Abc", "a-b", "äbc", "abc\n")) assertFalse(isUsername(name), name)
    }
}
