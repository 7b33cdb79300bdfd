package fairground.files

import io.ktor.http.*
import io.ktor.server.plugins.*
import io.ktor.utils.io.*
import kotlinx.io.readByteArray
import java.io.File
import java.io.IOException
import java.io.OutputStream
import java.io.UncheckedIOException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.security.MessageDigest
import java.security.SecureRandom
import java.util.HexFormat

/** The largest file that is taken: 2 MiB. */
const val MAX_FILE_BYTES = 2L shl 20

/** A file whose content is stored. */
class Upload(
    val filename: String,
    val contentType: String,
    val size: Long,
    val sha256: String,
    val storageName: String,
)

/** The contents of files, under random names in [directory]. Its methods block; what the disk refuses is an [UncheckedIOException]. */
class UploadDirectory(
    private val directory: Path,
) {
    private val random = SecureRandom()

    /**
     * Stores what [content] has, as it arrives. Fails if it is too large, of no type that is taken, or of another than
     * [declaredType]; then nothing is left.
     */
    suspend fun store(
        filename: String,
        declaredType: String?,
        content: ByteReadChannel,
    ): Upload {
        val start = content.readRemaining(SIGNATURE_BYTES.toLong()).readByteArray()
        val type = mediaType(start)
        if (type == null || declaredType != null && !isType(declaredType, type)) throw UnsupportedMediaTypeException(null)
        val storageName = HexFormat.of().formatHex(ByteArray(STORAGE_NAME_BYTES).also(random::nextBytes))
        val digest = MessageDigest.getInstance("SHA-256")
        val size =
            try {
                blocking { Files.newOutputStream(partial(storageName)) }.use { copy(start, content, it, digest) }
            } catch (failure: Throwable) {
                blocking { Files.deleteIfExists(partial(storageName)) }
                throw failure
            }
        blocking { Files.move(partial(storageName), directory.resolve(storageName), StandardCopyOption.ATOMIC_MOVE) }
        return Upload(safeName(filename), type, size, HexFormat.of().formatHex(digest.digest()), storageName)
    }

    /** The file with a content. */
    fun file(storageName: String): File = directory.resolve(storageName).toFile()

    fun delete(storageName: String) {
        blocking { Files.deleteIfExists(directory.resolve(storageName)) }
    }

    private fun partial(storageName: String) = directory.resolve("$storageName.part")

    private suspend fun copy(
        start: ByteArray,
        content: ByteReadChannel,
        output: OutputStream,
        digest: MessageDigest,
    ): Long {
        val buffer = start.copyOf(BUFFER_BYTES)
        var length = start.size
        var size = 0L
        while (true) {
            size += length
            if (size > MAX_FILE_BYTES) throw PayloadTooLargeException(MAX_FILE_BYTES)
            digest.update(buffer, 0, length)
            blocking { output.write(buffer, 0, length) }
            if (content.exhausted()) return size
            length = content.readAvailable(buffer)
        }
    }

    private fun isType(
        declared: String,
        type: String,
    ) = runCatching { ContentType.parse(declared).match(type) }.getOrDefault(false)

    private inline fun <T> blocking(work: () -> T): T =
        try {
            work()
        } catch (failure: IOException) {
            throw UncheckedIOException(failure)
        }

    private companion object {
        const val STORAGE_NAME_BYTES = 16
        const val BUFFER_BYTES = 65_536
    }
}
