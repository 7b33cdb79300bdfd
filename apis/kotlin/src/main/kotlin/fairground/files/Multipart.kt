package fairground.files

import io.ktor.http.*
import io.ktor.http.cio.*
import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.request.*
import io.ktor.utils.io.*
import kotlinx.coroutines.*
import kotlinx.coroutines.sync.*
import kotlinx.io.bytestring.ByteString
import kotlinx.io.bytestring.indexOf
import java.nio.file.Files
import java.security.MessageDigest
import java.util.HexFormat

private const val MAX_FILE_BYTES = 2L shl 20
private const val MAX_BODY_BYTES = MAX_FILE_BYTES + 65_536

/** How many bodies are in memory at once. */
private val parsing = Semaphore(Runtime.getRuntime().availableProcessors())

/** A file whose content is stored. */
class Upload(
    val filename: String,
    val contentType: String,
    val size: Long,
    val sha256: String,
    val storageName: String,
)

/**
 * Reads a `multipart/form-data` body and stores the content of its part `file`.
 *
 * Ktor's engine keeps up to 1 MiB of a body that isn't read as fast as it arrives, and its multipart parser as much again and
 * whole form fields: some hundred uploads at once would exhaust the heap. So a body goes to disk as it arrives, and a few of
 * those that have arrived are parsed at a time.
 */
suspend fun ApplicationCall.receiveUpload(uploads: UploadDirectory): Upload {
    val type = request.contentType()
    if (!type.match(ContentType.MultiPart.FormData)) throw UnsupportedMediaTypeException(type)
    if ((request.contentLength() ?: 0) > MAX_BODY_BYTES) throw PayloadTooLargeException(MAX_BODY_BYTES)
    return uploads.spool(receiveChannel(), MAX_BODY_BYTES) { body ->
        parsing.withPermit { filePart(Files.readAllBytes(body), type).store(uploads) }
    }
}

/** The part `file` of a multipart body, as it was sent. */
private class FilePart(
    val filename: String,
    val declaredType: String?,
    val content: ByteArray,
) {
    /** Fails if the content is too large, of no type that is taken, or of another than declared. */
    fun store(uploads: UploadDirectory): Upload {
        if (content.size > MAX_FILE_BYTES) throw PayloadTooLargeException(MAX_FILE_BYTES)
        val type = mediaType(content)
        if (type == null || declaredType != null && !isType(declaredType, type)) throw UnsupportedMediaTypeException(null)
        val sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content))
        return Upload(safeName(filename), type, content.size.toLong(), sha256, uploads.store(content))
    }

    private fun isType(
        declared: String,
        type: String,
    ) = runCatching { ContentType.parse(declared).match(type) }.getOrDefault(false)
}

/** Finds the part `file`. Fails with a 400 if there is none with a file name, or the body can't be read. */
private suspend fun filePart(
    body: ByteArray,
    type: ContentType,
): FilePart =
    try {
        // The parser takes a body that breaks off for a whole one.
        val end = ByteString("\r\n--${type.parameter("boundary")}--".encodeToByteArray())
        check(ByteString(body).indexOf(end) >= 0) { "no closing delimiter" }
        coroutineScope {
            var file: FilePart? = null
            for (event in parseMultipart(ByteReadChannel(body), type.toString(), body.size.toLong())) {
                if (event is MultipartEvent.MultipartPart) {
                    val part = event.toFilePart()
                    if (file == null) file = part
                }
            }
            checkNotNull(file) { "no part file with a file name" }
        }
    } catch (failure: Exception) {
        currentCoroutineContext().ensureActive()
        // The parser has many kinds of exceptions for what it can't read.
        throw BadRequestException("bad multipart", failure)
    }

/** The part, whose content is consumed in any case; null if it isn't the file. */
private suspend fun MultipartEvent.MultipartPart.toFilePart(): FilePart? {
    val headers = headers.await()
    val content = body.toByteArray()
    val disposition = headers[HttpHeaders.ContentDisposition]?.let { ContentDisposition.parse(it.toString()) } ?: return null
    val filename = disposition.parameter(ContentDisposition.Parameters.FileName).orEmpty()
    val isFile = disposition.disposition.lowercase() == "form-data" && disposition.name == "file" && filename.isNotEmpty()
    return if (isFile) FilePart(filename, headers[HttpHeaders.ContentType]?.toString(), content) else null
}
