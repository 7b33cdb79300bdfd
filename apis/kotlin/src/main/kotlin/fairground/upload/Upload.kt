package fairground.upload

import java.security.MessageDigest
import java.util.HexFormat

/** Limits of an upload, in octets. */
const val MAX_FILE_BYTES = 2L shl 20
const val MAX_BODY_BYTES = MAX_FILE_BYTES + (64L shl 10)

/** The content is of no accepted type, or is declared as another. */
class UnacceptedType : Exception(null, null, false, false)

/** The body or the file passes its limit. */
class TooLarge : Exception(null, null, false, false)

/** A file whose content is stored. */
class ReceivedFile(
    val name: String,
    val contentType: String,
    val size: Long,
    val sha256: String,
    val storageName: String,
)

/**
 * Reads a body up to its closing delimiter and stores the content of the one part named `file`. The first breach decides
 * and leaves nothing behind: [MalformedMultipart], [UnacceptedType] or [TooLarge].
 */
suspend fun UploadDirectory.receive(
    body: OctetSource,
    boundary: String,
): ReceivedFile {
    val reader = MultipartReader(LimitedSource(body), boundary)
    var file: ReceivedFile? = null
    try {
        while (true) {
            val headers = reader.nextPart() ?: break
            val disposition =
                headers["content-disposition"]?.let(ContentDisposition::parse)
                    ?: throw MalformedMultipart("a part has no good Content-Disposition")
            if (disposition.name != "file") continue
            if (file != null || disposition.filename.isEmpty()) throw MalformedMultipart("not exactly one file with a name")
            file = store(reader, safeName(disposition.filename), headers["content-type"])
        }
        return file ?: throw MalformedMultipart("no part named file")
    } catch (failure: Throwable) {
        file?.let { remove(it.storageName) }
        throw failure
    }
}

private suspend fun UploadDirectory.store(
    reader: MultipartReader,
    name: String,
    declaredType: String?,
): ReceivedFile {
    val content = ContentWriter(this)
    try {
        while (reader.nextPiece(content::prefix) && !content.hasPrefix) Unit
        val type = content.type()
        if (declaredType != null && !declaredType.substringBefore(';').trim(' ', '\t').equals(type, ignoreCase = true)) {
            throw UnacceptedType()
        }
        content.open()
        while (reader.nextPiece(content::write)) Unit
        return content.finish(name, type)
    } catch (failure: Throwable) {
        content.discard()
        throw failure
    }
}

/** Looks at the first octets of a content, then writes and hashes all of them. */
private class ContentWriter(
    private val directory: UploadDirectory,
) {
    private val digest = MessageDigest.getInstance("SHA-256")
    private var pending = ByteArray(0)
    private var stored: StoredContent? = null
    private var size = 0L

    /** Whether so much was read that more wouldn't tell another type. */
    val hasPrefix get() = pending.size >= PREFIX_BYTES

    fun prefix(
        octets: ByteArray,
        offset: Int,
        length: Int,
    ) {
        pending += octets.copyOfRange(offset, offset + length)
    }

    fun type(): String = fileType(pending, pending.size) ?: throw UnacceptedType()

    fun open() {
        stored = directory.create()
        write(pending, 0, pending.size)
        pending = ByteArray(0)
    }

    fun write(
        octets: ByteArray,
        offset: Int,
        length: Int,
    ) {
        size += length
        if (size > MAX_FILE_BYTES) throw TooLarge()
        digest.update(octets, offset, length)
        stored!!.write(octets, offset, length)
    }

    fun finish(
        name: String,
        type: String,
    ): ReceivedFile {
        val content = stored!!
        content.close()
        return ReceivedFile(name, type, size, HexFormat.of().formatHex(digest.digest()), content.name)
    }

    fun discard() {
        stored?.let {
            it.close()
            directory.remove(it.name)
        }
    }
}

/** Fails with [TooLarge] once more was read than a body may have. */
private class LimitedSource(
    private val source: OctetSource,
) : OctetSource {
    private var left = MAX_BODY_BYTES

    override suspend fun read(
        target: ByteArray,
        offset: Int,
        length: Int,
    ): Int {
        val read = source.read(target, offset, minOf(length.toLong(), left + 1).toInt())
        left -= maxOf(read, 0)
        if (left < 0) throw TooLarge()
        return read
    }
}
