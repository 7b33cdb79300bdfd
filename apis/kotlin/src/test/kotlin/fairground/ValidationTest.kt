package fairground

import fairground.plugins.*
import fairground.posts.*
import fairground.users.*
import io.ktor.http.*
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class ValidationTest {
    private fun wrongFields(body: Validated): List<String> =
        try {
            FieldErrors().also(body::validate).throwIfAny()
            emptyList()
        } catch (problem: Problem) {
            problem.errors!!.map { it.field }
        }

    @Test
    fun `all wrong fields are named, also missing and null ones`() {
        val all = listOf("username", "email", "password")
        assertEquals(
            all,
            wrongFields(json.decodeFromString<NewUser>("""{"username":"ab","email":"a@b@c","password":"1234567"}""")),
        )
        assertEquals(all, wrongFields(json.decodeFromString<NewUser>("""{"username":null,"unknown":{}}""")))
    }

    @Test
    fun `bounds of users are inclusive`() {
        val longest = "a".repeat(242) + "@example.com"
        assertEquals(emptyList(), wrongFields(NewUser("abc", longest, "12345678")))
        assertEquals(emptyList(), wrongFields(NewUser("a_9".padEnd(32, 'x'), "a+b@c.d", "ä".repeat(36))))
        assertEquals(listOf("username"), wrongFields(NewUser("a".repeat(33), longest, "12345678")))
        assertEquals(listOf("username"), wrongFields(NewUser("Abc", longest, "12345678")))
        assertEquals(listOf("email"), wrongFields(NewUser("abc", "a$longest", "12345678")))
        assertEquals(listOf("password"), wrongFields(NewUser("abc", longest, "ä".repeat(37))))
        assertEquals(listOf("password"), wrongFields(NewUser("abc", longest, "1234567\u0000")))
    }

    @Test
    fun `posts are counted in code points`() {
        assertEquals(emptyList(), wrongFields(PostContent("😀".repeat(200), "😀".repeat(20_000))))
        assertEquals(listOf("title", "body"), wrongFields(PostContent("😀".repeat(201), "a".repeat(20_001))))
        assertEquals(listOf("title", "body"), wrongFields(PostContent("\u0000", "")))
    }

    @Test
    fun `a page's query has bounds and defaults`() {
        fun query(text: String) = PageQuery.of(parseQueryString(text)).let { it.limit to it.before }
        assertEquals(20 to null, PageQuery.of(Parameters.Empty).let { it.limit to it.before })
        assertEquals(100 to Long.MAX_VALUE, query("limit=100&before=9223372036854775807&other=x"))
        for (wrong in listOf(
            "limit=0",
            "limit=101",
            "limit=",
            "limit=x",
            "before=0",
            "before=-1",
            "before=9223372036854775808",
        )) {
            assertEquals(1, assertFailsWith<Problem>(wrong) { query(wrong) }.errors!!.size)
        }
        assertEquals(2, assertFailsWith<Problem> { query("limit=0&before=0") }.errors!!.size)
    }
}
