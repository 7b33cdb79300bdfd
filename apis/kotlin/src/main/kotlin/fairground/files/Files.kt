package fairground.files

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** The answer to an upload. */
@Serializable
class UploadedFile(
    val id: Long,
    val filename: String,
    @SerialName("content_type") val contentType: String,
    val size: Long,
    val sha256: String,
)

/** What a download needs to know of a file. */
class StoredFile(
    val filename: String,
    val contentType: String,
    val size: Long,
    val storageName: String,
)

private const val MAX_NAME_LENGTH = 100
private val UNSAFE = Regex("[^A-Za-z0-9._-]+")

/** The last part of a path, in characters that are safe in any file system and header. */
fun safeName(name: String): String =
    name
        .substringAfterLast('/')
        .substringAfterLast('\\')
        .replace(UNSAFE, "_")
        .trimStart('.')
        .take(MAX_NAME_LENGTH)
        .ifEmpty { "file" }

/** The media type that the first bytes of [content] tell; null if it is none of those that are taken. */
fun mediaType(content: ByteArray): String? {
    fun has(
        signature: String,
        offset: Int = 0,
    ) = signature.indices.all { content.getOrNull(offset + it) == signature[it].code.toByte() }
    return when {
        has("\u0089PNG\r\n\u001a\n") -> "image/png"
        has("\u00ff\u00d8\u00ff") -> "image/jpeg"
        has("RIFF") && has("WEBP", offset = 8) -> "image/webp"
        has("%PDF-") -> "application/pdf"
        else -> null
    }
}
