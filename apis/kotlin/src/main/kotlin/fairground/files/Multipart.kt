package fairground.files

import io.ktor.http.*
import io.ktor.http.cio.*
import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.plugins.ContentTransformationException
import io.ktor.server.request.*
import io.ktor.utils.io.*
import kotlinx.coroutines.*
import kotlinx.io.bytestring.ByteString
import java.io.IOException
import java.io.UncheckedIOException

private const val MAX_BODY_BYTES = MAX_FILE_BYTES + 65_536

/**
 * Reads a `multipart/form-data` body and stores its part `file`; other parts are skipped. Ktor's parser is used by itself:
 * `receiveMultipart` keeps each field in memory, up to the limit of a file.
 */
suspend fun ApplicationCall.receiveUpload(uploads: UploadDirectory): Upload {
    val type = request.contentType()
    if (!type.match(ContentType.MultiPart.FormData)) throw UnsupportedMediaTypeException(type)
    if ((request.contentLength() ?: 0) > MAX_BODY_BYTES) throw PayloadTooLargeException(MAX_BODY_BYTES)
    val boundary = type.parameter("boundary") ?: throw BadRequestException("no boundary")
    val body = receiveChannel()
    var upload: Upload? = null
    try {
        withContext(Dispatchers.IO) {
            for (event in parseMultipart(upToEnd(body, boundary), type.toString(), null)) {
                if (event !is MultipartEvent.MultipartPart) continue
                if (upload == null) upload = event.storeIfFile(uploads)
                event.body.discard()
            }
        }
        return upload ?: throw BadRequestException("no part named file with a file name")
    } catch (failure: Exception) {
        upload?.let { uploads.delete(it.storageName) }
        currentCoroutineContext().ensureActive()
        throw asRefusal(failure)
    }
}

/**
 * The body up to its closing delimiter. Fails if there is none, since the parser takes a body that breaks off for a whole one,
 * or if it is too long.
 */
private fun CoroutineScope.upToEnd(
    body: ByteReadChannel,
    boundary: String,
): ByteReadChannel {
    val delimiter = "\r\n--$boundary--".encodeToByteArray()
    return writer {
        try {
            body.readUntil(ByteString(delimiter), channel, MAX_BODY_BYTES)
        } catch (failure: IOException) {
            throw if (body.isClosedForRead) failure else PayloadTooLargeException(MAX_BODY_BYTES)
        }
        channel.writeFully(delimiter)
    }.channel
}

private suspend fun MultipartEvent.MultipartPart.storeIfFile(uploads: UploadDirectory): Upload? {
    val headers = headers.await()
    val disposition = headers[HttpHeaders.ContentDisposition]?.let { ContentDisposition.parse(it.toString()) } ?: return null
    val filename = disposition.parameter(ContentDisposition.Parameters.FileName).orEmpty()
    if (disposition.disposition.lowercase() != "form-data" || disposition.name != "file" || filename.isEmpty()) return null
    return uploads.store(filename, headers[HttpHeaders.ContentType]?.toString(), body)
}

/** What to throw for [failure]: Ktor's parser has many kinds of exceptions for what it can't read. */
private fun asRefusal(failure: Exception): Throwable =
    generateSequence<Throwable>(failure) { it.cause }
        .firstOrNull { it is ContentTransformationException || it is UncheckedIOException }
        ?: BadRequestException("The multipart body can't be read", failure)
