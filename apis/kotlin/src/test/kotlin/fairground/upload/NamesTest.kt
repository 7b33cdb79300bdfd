package fairground.upload

import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class NamesTest {
    @Test
    fun `names are made safe`() {
        val expected =
            mapOf(
                "picture.png" to "picture.png",
                "../../etc/passwd" to "passwd",
                "C:\\temp\\a b.png" to "a_b.png",
                ".htaccess" to "htaccess",
                "...é...png" to "_...png",
                "…é…png" to "_png",
                "Zoë (1).jpg" to "Zo_1_.jpg",
                ".." to "file",
                "" to "file",
                "a/" to "file",
                "\"\r\nX: y" to "_X_y",
                "a__b  c" to "a__b_c",
                "x".repeat(300) to "x".repeat(100),
                "." + "n".repeat(99) + ".png" to "n".repeat(99) + ".",
            )
        for ((given, safe) in expected) assertEquals(safe, safeName(given), given)
    }

    @Test
    fun `any name is made safe`() {
        val random = Random(1)
        val safe = Regex("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
        repeat(Integer.getInteger("fuzz.rounds", 20_000)) {
            val given = String(CharArray(random.nextInt(12)) { Char(random.nextInt(if (random.nextBoolean()) 128 else 65_536)) })
            assertTrue(safe.matches(safeName(given)), given)
        }
    }

    @Test
    fun `dispositions that are read`() {
        val expected =
            mapOf(
                """form-data""" to ("" to ""),
                """form-data; name="file"; filename="a.png"""" to ("file" to "a.png"),
                "FORM-DATA;NAME=file;\tFileName=a.png  " to ("file" to "a.png"),
                """form-data; name="a\"b\\c"""" to ("a\"b\\c" to ""),
                """form-data; name="a;b"; filename="c=d"""" to ("a;b" to "c=d"),
                """form-data; name=file; name=other""" to ("file" to ""),
                """form-data; filename*=UTF-8''x.png; name=file""" to ("file" to ""),
                """form-data; name="%66ile" ; x=y""" to ("%66ile" to ""),
                """form-data; name=""" to ("" to ""),
            )
        for ((header, value) in expected) {
            assertEquals(ContentDisposition(value.first, value.second), ContentDisposition.parse(header), header)
        }
    }

    @Test
    fun `dispositions that are refused`() {
        val headers =
            listOf("", "attachment; name=\"file\"", "form-data name=\"file\"", "form-data; name", "form-data; =\"file\"") +
                listOf(
                    "form-data; name=\"file",
                    "form-data; name=\"file\\",
                    "form-data; name=\"file\"x",
                    "form-data; name=file x",
                ) +
                listOf("form-data; name=\"file\";", "form-data;; name=\"file\"", "form-data; na\"me=x")
        for (header in headers) assertNull(ContentDisposition.parse(header), header)
    }

    @Test
    fun boundaries() {
        assertEquals("a b", boundaryOf("multipart/form-data ;charset=utf-8; BOUNDARY=\"a b\""))
        assertEquals("x".repeat(70), boundaryOf("multipart/form-data; boundary=${"x".repeat(70)}"))
        for (parameters in listOf(
            "",
            "; boundary=",
            "; boundary=\"\"",
            "; boundary=${"x".repeat(71)}",
            "; boundary=\"x",
            "; charset=x",
        )) {
            assertNull(boundaryOf("multipart/form-data$parameters"), parameters)
        }
    }

    @Test
    fun `types are told by the first octets`() {
        fun type(text: String) = text.toByteArray(Charsets.ISO_8859_1).let { fileType(it, it.size) }
        assertEquals("image/png", type("\u0089PNG\r\n\u001a\n"))
        assertEquals("image/jpeg", type("\u00ff\u00d8\u00ff"))
        assertEquals("image/webp", type("RIFFxxxxWEBP"))
        assertEquals("application/pdf", type("%PDF-1"))
        for (text in listOf(
            "",
            "GIF89a",
            "\u0089PNG\r\n\u001a\r",
            "\u00ff\u00d8",
            "RIFFxxxxWEB",
            "RIFFxxxxWAVE",
            "%PDF",
            "%pdf-",
        )) {
            assertNull(type(text), text)
        }
    }
}
