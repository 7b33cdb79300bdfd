package fairground.api

import fairground.view.Problem
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull

class RulesTest {
    @Test
    fun paths() {
        val paths =
            mapOf(
                "/healthz" to Path.HEALTH,
                "/api/users/me" to Path.ME,
                "/api/users/1" to Path.USER,
                "/api/posts" to Path.POSTS,
            ) +
                mapOf("/api/posts/9223372036854775807" to Path.POST, "/api/files/12" to Path.FILE, "/api/files" to Path.FILES)
        for ((text, path) in paths) assertEquals(path, Path.of(text), text)
        for (text in listOf(
            "",
            "/",
            "/healthz/",
            "//healthz",
            "/%68ealthz",
            "/api/users/",
            "/api/users/Me",
            "/api/posts/0",
            "/api/posts/1/",
        )) {
            assertNull(Path.of(text), text)
        }
        assertEquals("DELETE, GET, HEAD, PUT", Path.POST.allow)
        assertEquals(listOf(true, false), listOf("HEAD", "head").map(Path.POST::takes))
    }

    @Test
    fun queries() {
        assertEquals(PageQuery(20, null), PageQuery.parse(""))
        assertEquals(PageQuery(5, 7), PageQuery.parse("x=1&limit=5&&before=7&Limit=0&%6cimit=0"))
        assertEquals(PageQuery(100, null), PageQuery.parse("limit=100"))
        assertEquals(true, PageQuery.parse("limit=20").isDefault)
        assertEquals(false, PageQuery.parse("before=20").isDefault)
    }

    private fun errorsOf(query: String) =
        String(assertFailsWith<Problem>(query) { PageQuery.parse(query) }.document).substringAfter("\"errors\":")

    @Test
    fun `queries that are refused`() {
        val limit = """{"field":"limit","message":"must be an integer from 1 to 100"}"""
        val before = """{"field":"before","message":"must be an id"}"""
        for (value in listOf(
            "limit",
            "limit=",
            "limit=0",
            "limit=01",
            "limit=101",
            "limit=+1",
            "limit=1.0",
            "limit=%31",
            "limit=1=",
        )) {
            assertEquals("[$limit]}", errorsOf(value))
        }
        assertEquals("[$limit,$before]}", errorsOf("before=0&limit=x"))
        assertEquals("""[{"field":"before","message":"must be given only once"}]}""", errorsOf("before=1&before=x"))
    }

    @Test
    fun `fields have rules`() {
        val good =
            listOf(
                EMAIL to "a@b",
                EMAIL to "!@" + "~".repeat(252),
                PASSWORD to "12345678",
                PASSWORD to "é".repeat(36),
                USERNAME to "abc",
            ) +
                listOf(TITLE to "😀".repeat(200), TITLE to " ", BODY to "x".repeat(20_000))
        for ((field, value) in good) assertNull(field.rule(value), value)
        val bad =
            listOf("", "a@", "@b", "ab", "a@b@c", "a b@c", "é@b", "a@b\u007f", "a@" + "b".repeat(253)).map { EMAIL to it } +
                listOf(
                    PASSWORD to "1234567",
                    PASSWORD to "é".repeat(37),
                    TITLE to "",
                    TITLE to "😀".repeat(201),
                    BODY to "x".repeat(20_001),
                )
        for ((field, value) in bad) assertNotNull(field.rule(value), value)
        for (field in listOf(PASSWORD, TITLE, BODY)) assertEquals("must not contain U+0000", field.rule("\u0000"))
    }

    @Test
    fun tags() {
        for (fields in listOf("\"1-1\"", "W/\"1-1\"", "*", " * ", "\"x\", \"1-1\"", ",, W/\"1-1\"", "\"a,b\", \"1-1\"").map {
            listOf(it)
        }) {
            assertEquals(true, matchesTag(fields, "\"1-1\""), fields.toString())
        }
        assertEquals(true, matchesTag(listOf("\"x\"", "\"1-1\""), "\"1-1\""))
        for (value in listOf(
            "",
            "\"1-2\"",
            "1-1",
            "w/\"1-1\"",
            "W/ \"1-1\"",
            "\"1-1\"\"1-1\"",
            "\"x\" \"1-1\"",
            "*, \"x\"",
            "**",
        )) {
            assertEquals(false, matchesTag(listOf(value), "\"1-1\""), value)
        }
    }
}
