package fairground

import fairground.files.*
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class FilesTest {
    @Test
    fun `a safe name is kept`() {
        for (name in listOf("picture.png", "-rf", "a..b", "_", "n".repeat(100))) assertEquals(name, safeName(name))
    }

    @Test
    fun `any other name becomes a safe one`() {
        val names =
            listOf("../../etc/passwd", "C:\\temp\\a b.png", ".htaccess", "..", "/", "", "Zoë (1).jpg", "\u0000", "n".repeat(101))
        for (name in names) assertTrue(Regex("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}").matches(safeName(name)), name)
        assertEquals("passwd", safeName("../../etc/passwd"))
    }

    @Test
    fun `the first bytes tell the type`() {
        fun type(start: String) = mediaType(start.toByteArray(Charsets.ISO_8859_1))
        assertEquals("image/png", type("\u0089PNG\r\n\u001a\n"))
        assertEquals("image/jpeg", type("\u00ff\u00d8\u00ff\u00e0"))
        assertEquals("image/webp", type("RIFF\u0000\u0000\u0000\u0000WEBP"))
        assertEquals("application/pdf", type("%PDF-1.7"))
        for (other in listOf("", "GIF89a", "\u0089PNG\r\n\u001a", "RIFF\u0000\u0000\u0000\u0000WAVE", "%PDF", " %PDF-")) {
            assertEquals(null, type(other))
        }
    }
}
