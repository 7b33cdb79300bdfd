package fairground.upload

import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.OpenOption
import java.nio.file.Path
import java.nio.file.StandardOpenOption.CREATE_NEW
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.PosixFilePermissions
import java.security.SecureRandom
import java.util.HexFormat

/** Holds the content of files in one directory, under random names. */
class UploadDirectory(
    private val path: Path,
) {
    private val random = SecureRandom()

    /** A new content, empty and open for writing. */
    fun create(): StoredContent {
        val name = HexFormat.of().formatHex(ByteArray(NAME_BYTES).also(random::nextBytes))
        return StoredContent(name, FileChannel.open(path.resolve(name), CREATE_OPTIONS, OWNER_ONLY))
    }

    /** Where the content under a storage name is. */
    fun locate(storageName: String): Path = path.resolve(storageName)

    /** Deletes the content under a storage name. */
    fun remove(storageName: String) = Files.delete(path.resolve(storageName))

    private companion object {
        const val NAME_BYTES = 16
        val CREATE_OPTIONS = setOf<OpenOption>(WRITE, CREATE_NEW)
        val OWNER_ONLY = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
    }
}

/** A content that is being written. */
class StoredContent(
    val name: String,
    private val channel: FileChannel,
) : AutoCloseable {
    fun write(
        octets: ByteArray,
        offset: Int,
        length: Int,
    ) {
        val buffer = ByteBuffer.wrap(octets, offset, length)
        while (buffer.hasRemaining()) channel.write(buffer)
    }

    override fun close() = channel.close()
}
