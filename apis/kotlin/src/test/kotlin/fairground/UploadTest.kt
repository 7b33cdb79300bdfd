package fairground

import fairground.files.*
import fairground.plugins.*
import io.ktor.client.request.*
import io.ktor.client.statement.*
import io.ktor.http.*
import io.ktor.server.response.*
import io.ktor.server.routing.*
import io.ktor.server.testing.*
import java.nio.file.Files
import kotlin.test.Test
import kotlin.test.assertEquals

private const val MAX_FILE_BYTES = 2 shl 20
private const val BOUNDARY = "a-boundary"
private const val PNG = "\u0089PNG\r\n\u001a\nand the rest"

class UploadTest {
    private val directory = Files.createTempDirectory("uploads")
    private val uploads = UploadDirectory(directory)

    private fun test(block: suspend ApplicationTestBuilder.() -> Unit) =
        testApplication {
            application {
                configureSerialization()
                configureStatusPages()
                routing {
                    post("/") {
                        val upload = call.receiveUpload(uploads)
                        call.respondText("${upload.filename} ${upload.contentType} ${upload.size} ${upload.storageName}")
                    }
                }
            }
            block()
        }

    private fun part(
        content: String,
        disposition: String = "form-data; name=\"file\"; filename=\"a b.png\"",
        type: String? = "image/png",
    ) = "--$BOUNDARY\r\nContent-Disposition: $disposition\r\n${type?.let { "Content-Type: $it\r\n" }.orEmpty()}\r\n$content\r\n"

    private suspend fun ApplicationTestBuilder.send(
        body: String,
        type: String = "multipart/form-data; boundary=$BOUNDARY",
    ) = client.post("/") {
        setBody(body.toByteArray(Charsets.ISO_8859_1))
        header(HttpHeaders.ContentType, type)
    }

    private val end = "--$BOUNDARY--\r\n"

    @Test
    fun `the file is stored under a random name, whatever else is sent`() =
        test {
            val other = part("text", "form-data; name=\"note\"", null)
            for (body in listOf(
                part(PNG),
                other + part(PNG) + other,
                part(PNG, type = null),
                part(PNG, type = "Image/PNG;x=y"),
            )) {
                val (name, type, size, storageName) = send(body + end).bodyAsText().split(' ')
                assertEquals(listOf("a_b.png", "image/png", "${PNG.length}"), listOf(name, type, size))
                assertEquals(PNG, Files.readString(directory.resolve(storageName), Charsets.ISO_8859_1))
            }
            assertEquals(4, Files.list(directory).count())
        }

    @Test
    fun `what is refused leaves nothing`() =
        test {
            val large = PNG.padEnd(MAX_FILE_BYTES + 1)
            val refused =
                listOf(
                    400 to "",
                    400 to end,
                    400 to part(PNG),
                    400 to part(PNG) + end.dropLast(4),
                    400 to part(PNG) + "--$BOUNDARY\r\nno colon\r\n\r\n\r\n$end",
                    400 to part(PNG, "form-data; name=\"file\"") + end,
                    400 to part(PNG, "form-data; name=\"other\"; filename=\"a.png\"") + end,
                    413 to part(large) + end,
                    415 to part("GIF89a") + end,
                    415 to part("") + end,
                    415 to part(PNG, type = "image/gif") + end,
                )
            for ((status, body) in refused) assertEquals(status, send(body).status.value, body.take(200))
            assertEquals(415, send(part(PNG) + end, "multipart/mixed; boundary=$BOUNDARY").status.value)
            assertEquals(400, send(part(PNG) + end, "multipart/form-data").status.value)
            assertEquals(0, Files.list(directory).count())
        }

    @Test
    fun `the largest file is taken`() =
        test {
            assertEquals(200, send(part(PNG.padEnd(MAX_FILE_BYTES)) + end).status.value)
        }
}
