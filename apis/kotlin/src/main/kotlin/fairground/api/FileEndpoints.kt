package fairground.api

import fairground.http.RequestBody
import fairground.security.AccessTokens
import fairground.security.Caller
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
        val boundary = boundaryOf(call)
        val body = RequestBody.of(call)
        // Hashing and writing would hold up the requests that share the event loop.
        val file =
            withContext(Dispatchers.IO) {
                val received = receive(body, boundary)
                // Not cut off where the client has gone, and there is no wait before it that could be: content and row are
                // both there, or neither.
                withContext(NonCancellable) { record(received, caller, body) }
            }
        call.sendDocument(FileView.serializer(), file, HttpStatusCode.Created)
    }

    private suspend fun record(
        received: ReceivedFile,
        owner: Caller,
        body: RequestBody,
    ): FileView {
        val file = NewFile(owner.id, received.name, received.contentType, received.size, received.sha256, received.storageName)
        try {
            body.finish()
            return FileView(files.create(file), file)
        } catch (failure: Exception) {
            uploads.remove(file.storageName)
            throw if (failure is NoSuchUser) Problem.BAD_TOKEN else failure
        }
    }

    private fun boundaryOf(call: RoutingCall): String {
        val contentType = call.contentType("multipart/form-data") ?: throw Problem.NOT_MULTIPART
        if ((call.declaredLength ?: 0) > MAX_BODY_BYTES) throw Problem.FILE_TOO_LARGE
        return boundaryOf(contentType) ?: throw Problem.BAD_UPLOAD
    }

    private suspend fun receive(
        body: RequestBody,
        boundary: String,
    ): ReceivedFile =
        try {
            uploads.receive(body::read, boundary)
        } catch (_: MalformedMultipart) {
            throw Problem.BAD_UPLOAD
        } catch (_: UnacceptedType) {
            throw Problem.NOT_ACCEPTED_FILE
        } catch (_: TooLarge) {
            throw Problem.FILE_TOO_LARGE
        }

    suspend fun download(call: RoutingCall) {
        val file = files.find(call.pathId) ?: throw Problem.NO_FILE
        // What withContext has opened by the time that the client goes would be dropped, and not closed.
        val content = withContext(NonCancellable) { withContext(Dispatchers.IO) { open(file) } }
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
