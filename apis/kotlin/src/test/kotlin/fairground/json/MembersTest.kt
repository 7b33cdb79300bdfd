package fairground.json

import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class MembersTest {
    private val names = listOf("a", "b")

    private fun read(text: String) = readMembers(text.toByteArray(), names)

    private fun refuses(octets: ByteArray) {
        assertFailsWith<InvalidJson>(String(octets.copyOf(minOf(octets.size, 60)))) { readMembers(octets, names) }
    }

    @Test
    fun `known members are strings or null`() {
        assertEquals(listOf("x", "y"), read(""" { "b" : "y" , "a":"x" } """))
        assertEquals(listOf(null, ""), read("""{"b":"","a":null}"""))
        assertEquals(listOf(null, null), read("{}"))
        assertEquals(listOf("x", null), read("""{"A":1,"a":"x","c":[1,{"a":1,"a":2}],"":-0.5e+7,"d":true,"e":false}"""))
    }

    @Test
    fun escapes() {
        assertEquals(listOf("\"\\/\b\u000c\n\r\té😀\u0000x", null), read("""{"\u0061":"\"\\\/\b\f\n\r\té\ud83d\uDE00\u0000x"}"""))
        assertEquals(listOf("plain😀", null), read("""{"a":"plain😀"}"""))
    }

    @Test
    fun `what is no object is refused`() {
        val texts =
            listOf(
                "",
                " ",
                "{",
                "{}x",
                "{}{}",
                "[]",
                "\"t\"",
                "null",
                "1",
                "{,}",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":\"x\",}",
                "{a:1}",
            ) +
                listOf(
                    "{'a':'x'}",
                    "{\"a\":\"x\" \"b\":\"y\"}",
                    "{\"a\":\"x\"}\u0000",
                    "\uFEFF{}",
                    "{\"a\":\"\n\"}",
                    "{\"a\":\"\\x\"}",
                ) +
                listOf(
                    "01",
                    "+1",
                    ".5",
                    "1.",
                    "0x1",
                    "NaN",
                    "-",
                    "1e",
                    "1e+",
                    "Infinity",
                    "True",
                    "nul",
                    "tru",
                    "[1,]",
                    "[1",
                    "[",
                    "{}}",
                ).map { "{\"x\":$it}" }
        for (text in texts) refuses(text.toByteArray())
    }

    @Test
    fun `bad UTF-8 is refused`() {
        val sequences =
            listOf(intArrayOf(0xff), intArrayOf(0xc0, 0x80), intArrayOf(0xed, 0xa0, 0x80), intArrayOf(0xf4, 0x90, 0x80, 0x80))
        for (sequence in sequences + intArrayOf(0xe4, 0xbd)) {
            val octets = ByteArray(sequence.size) { sequence[it].toByte() }
            refuses("{\"a\":\"".toByteArray() + octets + "\"}".toByteArray())
            refuses("{\"x\":\"".toByteArray() + octets + "\"}".toByteArray())
        }
    }

    @Test
    fun `lone surrogates are refused everywhere`() {
        for (escape in listOf("\\ud800", "\\udfff", "\\udc00\\ud800", "\\ud800\\u0041", "\\ud800x", "\\u00g0", "\\u12")) {
            refuses("""{"a":"$escape"}""".toByteArray())
            refuses("""{"x":["$escape"]}""".toByteArray())
            refuses("""{"$escape":1}""".toByteArray())
        }
    }

    @Test
    fun `wrong types and repeated names are refused`() {
        for (value in listOf("1", "true", "{}", "[\"x\"]")) refuses("{\"a\":$value}".toByteArray())
        for (text in listOf(
            """{"a":"x","a":"x"}""",
            """{"a":null,"\u0061":"x"}""",
            """{"x":1,"x":2}""",
        )) {
            refuses(text.toByteArray())
        }
    }

    @Test
    fun `depth has a limit, and costs no stack`() {
        assertEquals(listOf(null, null), read("{\"x\":" + "[".repeat(31) + "]".repeat(31) + "}"))
        assertEquals(listOf(null, null), read("{\"x\":" + "{\"y\":".repeat(30) + "[]" + "}".repeat(30) + "}"))
        refuses(("{\"x\":" + "[".repeat(32) + "]".repeat(32) + "}").toByteArray())
        refuses(("{\"x\":" + "[".repeat(30_000)).toByteArray())
        var isRead = false
        StrictJson(("{\"x\":" + "[".repeat(30_000) + "]".repeat(30_000) + "}").toByteArray(), Int.MAX_VALUE).readObject {
            skip()
            isRead = true
        }
        assertEquals(true, isRead)
    }

    @Test
    fun `mutations of a good text are read or refused`() {
        val random = Random(1)
        val good = """{"a":"x\u00e9\ud83d\ude00é","b":null,"c":[1,-2.5e3,{"d":[true,false,null,"\n"]}]}""".toByteArray()
        var read = 0
        repeat(Integer.getInteger("fuzz.rounds", 20_000)) {
            val octets = good.copyOf(if (random.nextBoolean()) good.size else random.nextInt(good.size + 1))
            repeat(random.nextInt(4)) { if (octets.isNotEmpty()) octets[random.nextInt(octets.size)] = random.nextInt().toByte() }
            try {
                readMembers(octets, names)
                read++
            } catch (_: InvalidJson) {
                // As it should be of most.
            }
        }
        assertEquals(true, read > 0)
    }
}
