package fairground.upload

import kotlinx.coroutines.runBlocking
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readBytes
import kotlin.random.Random
import kotlin.reflect.KClass
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

private const val PNG = "\u0089PNG\r\n\u001a\n and so on"
private const val CLOSING = "--B--\r\n"
private const val FILE = "Content-Disposition: form-data; name=\"file\"; filename=\"../a b.png\""

class UploadTest {
    private val path: Path = Files.createTempDirectory("uploads")
    private val directory = UploadDirectory(path)

    @OptIn(ExperimentalPathApi::class)
    @AfterTest
    fun remove() = path.deleteRecursively()

    private fun part(
        headers: String,
        content: String,
    ) = "--B\r\n$headers\r\n\r\n$content\r\n"

    private val note = part("Content-Disposition: form-data; name=\"note\"", "text")

    /** Gives [text] in pieces of at most [piece] octets. */
    private fun source(
        text: String,
        piece: Int,
    ): OctetSource {
        val octets = text.toByteArray(Charsets.ISO_8859_1)
        var position = 0
        return OctetSource { target, offset, length ->
            val count = minOf(length, piece, octets.size - position)
            octets.copyInto(target, offset, position, position + count)
            position += count
            if (count == 0) -1 else count
        }
    }

    private fun receive(
        body: String,
        piece: Int = Int.MAX_VALUE,
    ) = runBlocking { directory.receive(source(body, piece), "B") }

    private fun isStored(
        body: String,
        content: String,
        type: String = "image/png",
    ) {
        for (piece in listOf(1, 2, 3, 7, 64, 1000, Int.MAX_VALUE)) {
            if (body.length > 100_000 && piece < 1000) continue
            val file = receive(body, piece)
            val octets = content.toByteArray(Charsets.ISO_8859_1)
            assertEquals(
                listOf("a_b.png", type, octets.size.toLong()),
                listOf(file.name, file.contentType, file.size),
                body.take(200),
            )
            assertContentEquals(octets, directory.locate(file.storageName).readBytes())
            assertEquals(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets)), file.sha256)
            directory.remove(file.storageName)
        }
    }

    private fun <T : Throwable> fails(
        kind: KClass<T>,
        body: String,
    ) {
        for (piece in if (body.length > 100_000) listOf(Int.MAX_VALUE) else listOf(1, 5, Int.MAX_VALUE)) {
            assertFailsWith(kind, body.take(300)) { receive(body, piece) }
            assertEquals(emptyList(), path.listDirectoryEntries(), "nothing is left behind")
        }
    }

    @Test
    fun `files that are taken`() {
        val largest = PNG + "x".repeat(MAX_FILE_BYTES.toInt() - PNG.length)
        isStored(part(FILE, PNG) + CLOSING, PNG)
        isStored(note + part(FILE, PNG) + note + CLOSING, PNG)
        isStored("pre\r\n" + part(FILE, PNG) + CLOSING + "post", PNG)
        isStored("--Bx\r\n--B x\r\n" + part(FILE, PNG) + CLOSING, PNG)
        isStored("--B \t\r\n$FILE\r\n\r\n$PNG\r\n--B-- \t", PNG)
        isStored(part("$FILE\r\nContent-Type: IMAGE/WebP ; x=y", "RIFFxxxxWEBPx") + CLOSING, "RIFFxxxxWEBPx", "image/webp")
        isStored(part("$FILE\r\nContent-Disposition: x", PNG) + CLOSING, PNG)
        isStored(part("content-disposition:form-data;\r\n\tname=file; filename=\"a b.png\"", PNG) + CLOSING, PNG)
        isStored(
            part("$FILE\r\nContent-Transfer-Encoding: quoted-printable", "%PDF-=41") + CLOSING,
            "%PDF-=41",
            "application/pdf",
        )
        isStored(part(FILE, "\u00ff\u00d8\u00ff") + CLOSING, "\u00ff\u00d8\u00ff", "image/jpeg")
        isStored(part(FILE, "$PNG\r\n--A--\r\n--Bx--\r\n--B-x\r\r\n") + CLOSING, "$PNG\r\n--A--\r\n--Bx--\r\n--B-x\r\r\n")
        isStored(part("X: " + "x".repeat(3900) + "\r\n$FILE", PNG) + CLOSING, PNG)
        isStored("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n" + part(FILE, PNG) + CLOSING, PNG)
        isStored(part(FILE, largest) + CLOSING, largest)
    }

    @Test
    fun `bodies that are malformed`() {
        val bodies =
            listOf(
                "",
                "not multipart",
                CLOSING,
                note + CLOSING,
                part(FILE, PNG),
                part(FILE, PNG) + "--B",
                part(FILE, PNG) + "--B-",
                part(FILE, PNG) + "--B--x",
                part(FILE, PNG) + "--B x\r\n" + CLOSING,
                part(FILE, PNG) + part(FILE, PNG) + CLOSING,
                part(FILE, PNG) + part("X: y", "") + CLOSING,
                part(FILE, PNG) + "--B\r\n\r\ncontent\r\n" + CLOSING,
                part(FILE.replace("; filename=\"../a b.png\"", ""), PNG) + CLOSING,
                part(FILE.replace("../a b.png", ""), PNG) + CLOSING,
                part(FILE.replace("form-data", "attachment"), PNG) + CLOSING,
                part(FILE.replace("\"file\"", "\"File\""), PNG) + CLOSING,
                part(" $FILE", PNG) + CLOSING,
                part("no colon\r\n$FILE", PNG) + CLOSING,
                part("bad name: x\r\n$FILE", PNG) + CLOSING,
                part("X: " + "x".repeat(20_000) + "\r\n$FILE", PNG) + CLOSING,
                "--B\r\n$FILE",
                "--B\r\n$FILE\r\n",
                "--B\r\n$FILE\r\n\r\n",
            )
        for (body in bodies) fails(MalformedMultipart::class, body)
    }

    @Test
    fun `the first breach decides`() {
        val text = "more than twelve octets of text"
        val large = PNG + "x".repeat(MAX_FILE_BYTES.toInt())
        fails(UnacceptedType::class, part(FILE, text) + CLOSING)
        fails(UnacceptedType::class, part(FILE, "") + CLOSING)
        fails(UnacceptedType::class, part(FILE, text))
        fails(UnacceptedType::class, part(FILE, text) + part(FILE, PNG) + CLOSING)
        fails(UnacceptedType::class, part("$FILE\r\nContent-Type: image/gif", large))
        fails(UnacceptedType::class, part("$FILE\r\nContent-Type:", PNG) + CLOSING)
        fails(TooLarge::class, part(FILE, large))
        fails(TooLarge::class, part("Content-Disposition: form-data; name=x", "x".repeat(MAX_BODY_BYTES.toInt())))
    }

    @Test
    fun `random contents come through random pieces`() {
        val random = Random(1)
        val alphabet = "\r\n-B x"
        repeat(Integer.getInteger("fuzz.rounds", 2_000)) {
            val tail = String(CharArray(random.nextInt(60)) { alphabet[random.nextInt(alphabet.length)] })
            // A delimiter in the content would end it.
            if (Regex("\r\n--B([ \t\r]|--)").containsMatchIn("$tail\r\n")) return@repeat
            val body = part(FILE, PNG + tail) + CLOSING
            val file = receive(body, 1 + random.nextInt(9))
            assertContentEquals((PNG + tail).toByteArray(Charsets.ISO_8859_1), directory.locate(file.storageName).readBytes())
            directory.remove(file.storageName)
        }
    }
}
