package fairground.files

import fairground.database.*
import fairground.plugins.*
import io.ktor.http.*
import io.ktor.server.auth.*
import io.ktor.server.http.content.*
import io.ktor.server.response.*
import io.ktor.server.routing.*
import org.jetbrains.exposed.exceptions.ExposedSQLException

/** `/api/files`. */
fun Route.fileRoutes(
    files: FileRepository,
    uploads: UploadDirectory,
) = route("/api/files") {
    authenticate {
        post {
            val upload = call.receiveUpload(uploads)
            val id =
                try {
                    files.create(call.caller.id, upload)
                } catch (failure: Exception) {
                    // Not sent, or refused. Behind any other failure the row may be there, and so must the content.
                    if (failure is NoConnection || failure is ExposedSQLException) uploads.delete(upload.storageName)
                    throw failure
                }
            call.respond(
                HttpStatusCode.Created,
                UploadedFile(id, upload.filename, upload.contentType, upload.size, upload.sha256),
            )
        }
    }

    get("/{id}") {
        val file = files.find(call.id) ?: throw Problem(HttpStatusCode.NotFound)
        val content = LocalFileContent(uploads.file(file.storageName), ContentType.parse(file.contentType))
        call.response.header(HttpHeaders.ContentDisposition, "attachment; filename=\"${file.filename}\"")
        call.response.header("X-Content-Type-Options", "nosniff")
        call.respond(content)
    }
}
