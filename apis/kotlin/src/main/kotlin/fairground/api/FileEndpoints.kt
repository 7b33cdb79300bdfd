package fairground.api

import fairground.http.RequestBody
import fairground.security.AccessTokens
import fairground.store.FileStore
import fairground.store.NewFile
import fairground.store.NoSuchUser
import fairground.store.StoredFile
import fairground.upload.MAX_BODY_BYTES
import fairground.upload.MalformedMultipart
import fairground.upload.ReceivedFile
import fairground.upload.TooLarge
import fairground.upload.UnacceptedType
import fairground.upload.UploadDirectory
import fairground.upload.boundaryOf
import fairground.upload.receive
import fairground.view.FileView
import fairground.view.Problem
import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpMethod
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.request.httpMethod
import io.ktor.server.response.header
import io.ktor.server.routing.RoutingCall
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.writeFully
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

private const val PIECE_BYTES = 64 * 1024

/** Uploads and downloads. */
internal class FileEndpoints(
    private val files: FileStore,
    private val uploads: UploadDirectory,
    private val tokens: AccessTokens,
) {
    suspend fun upload(call: RoutingCall) {
        val caller = call.authenticate(tokens)
        val received = receive(call)
        val file = NewFile(caller.id, received.name, received.contentType, received.size, received.sha256, received.storageName)
        // Not cut off where the client has gone: the row might be there all the same, and its content not.
        val id = withContext(NonCancellable) { record(file) }
        call.sendDocument(FileView.serializer(), FileView(id, file), HttpStatusCode.Created)
    }

    private suspend fun record(file: NewFile): Long =
        try {
            files.create(file)
        } catch (failure: Exception) {
            withContext(Dispatchers.IO) { uploads.remove(file.storageName) }
            throw if (failure is NoSuchUser) Problem.BAD_TOKEN else failure
        }

    private suspend fun receive(call: RoutingCall): ReceivedFile {
        val contentType = call.contentType("multipart/form-data") ?: throw Problem.NOT_MULTIPART
        if ((call.declaredLength ?: 0) > MAX_BODY_BYTES) throw Problem.FILE_TOO_LARGE
        val boundary = boundaryOf(contentType) ?: throw Problem.BAD_UPLOAD
        val body = RequestBody.of(call)
        return try {
            // Hashing and writing would hold up the requests that share the event loop.
            withContext(Dispatchers.IO) { uploads.receive(body::read, boundary).also { body.finish() } }
        } catch (_: MalformedMultipart) {
            throw Problem.BAD_UPLOAD
        } catch (_: UnacceptedType) {
            throw Problem.NOT_ACCEPTED_FILE
        } catch (_: TooLarge) {
            throw Problem.FILE_TOO_LARGE
        }
    }

    suspend fun download(call: RoutingCall) {
        val file = files.find(call.pathId) ?: throw Problem.NO_FILE
        val content = withContext(Dispatchers.IO) { open(file) }
        content.use {
            call.response.header(HttpHeaders.ContentDisposition, "attachment; filename=\"${file.filename}\"")
            val type = ContentType.parse(file.contentType)
            if (call.request.httpMethod == HttpMethod.Head) {
                call.send(EmptyFile(type, file.size))
            } else {
                call.send(FileContent(content, type, file.size))
            }
        }
    }

    private fun open(file: StoredFile): FileChannel {
        val content = FileChannel.open(uploads.locate(file.storageName))
        if (content.size() == file.size) return content
        content.close()
        throw IOException("the content ${file.storageName} hasn't the size that its row says")
    }
}

private class EmptyFile(
    override val contentType: ContentType,
    override val contentLength: Long,
) : OutgoingContent.NoContent()

private class FileContent(
    private val content: FileChannel,
    override val contentType: ContentType,
    override val contentLength: Long,
) : OutgoingContent.WriteChannelContent() {
    override suspend fun writeTo(channel: ByteWriteChannel) {
        val piece = ByteArray(minOf(PIECE_BYTES.toLong(), contentLength).toInt())
        var left = contentLength
        while (left > 0) {
            val buffer = ByteBuffer.wrap(piece, 0, minOf(piece.size.toLong(), left).toInt())
            val read = withContext(Dispatchers.IO) { content.read(buffer) }
            if (read < 0) throw IOException("a content ended early")
            channel.writeFully(piece, 0, read)
            left -= read
        }
    }
}
