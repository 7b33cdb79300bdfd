package fairground.files

import io.ktor.server.plugins.*
import io.ktor.utils.io.*
import kotlinx.coroutines.*
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.security.SecureRandom
import java.util.HexFormat

/** The contents of files, in [directory]. */
class UploadDirectory(
    private val directory: Path,
) {
    private val random = SecureRandom()

    /** Writes [body] to a temporary file while it arrives, then hands that to [read]. Fails if it is longer than [limit] bytes. */
    suspend fun <T> spool(
        body: ByteReadChannel,
        limit: Long,
        read: suspend (Path) -> T,
    ): T =
        withContext(Dispatchers.IO) {
            val spooled = Files.createTempFile(directory, "body-", TEMPORARY)
            try {
                Files.newOutputStream(spooled).use { output ->
                    val buffer = ByteArray(BUFFER_BYTES)
                    var size = 0L
                    while (true) {
                        val length = body.readAvailable(buffer)
                        if (length < 0) break
                        size += length
                        if (size > limit) throw PayloadTooLargeException(limit)
                        output.write(buffer, 0, length)
                    }
                }
                read(spooled)
            } finally {
                Files.deleteIfExists(spooled)
            }
        }

    /** Stores [content] and returns the random name that it has from now on. */
    fun store(content: ByteArray): String {
        val name = HexFormat.of().formatHex(ByteArray(NAME_BYTES).also(random::nextBytes))
        val temporary = directory.resolve(name + TEMPORARY)
        try {
            Files.write(temporary, content)
            Files.move(temporary, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE)
        } finally {
            Files.deleteIfExists(temporary)
        }
        return name
    }

    /** The file with a content. */
    fun file(storageName: String): File = directory.resolve(storageName).toFile()

    fun delete(storageName: String) {
        Files.deleteIfExists(directory.resolve(storageName))
    }

    private companion object {
        const val TEMPORARY = ".part"
        const val NAME_BYTES = 16
        const val BUFFER_BYTES = 32_768
    }
}
