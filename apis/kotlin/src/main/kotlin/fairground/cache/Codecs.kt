package fairground.cache

import io.lettuce.core.codec.RedisCodec
import io.lettuce.core.codec.StringCodec
import java.nio.ByteBuffer

/** Keys are ASCII. Values come out of the client's buffer in one copy. */
internal abstract class ValueCodec<T> : RedisCodec<String, T> {
    override fun decodeKey(bytes: ByteBuffer): String = StringCodec.ASCII.decodeKey(bytes)

    override fun encodeKey(key: String): ByteBuffer = StringCodec.ASCII.encodeKey(key)
}

internal object OctetsCodec : ValueCodec<ByteArray>() {
    override fun decodeValue(bytes: ByteBuffer): ByteArray = ByteArray(bytes.remaining()).also(bytes::get)

    override fun encodeValue(value: ByteArray): ByteBuffer = ByteBuffer.wrap(value)
}

/** A post as the contract has it: entity tag, newline, document. */
internal object CachedPostCodec : ValueCodec<CachedPost>() {
    /** Stands for a value without a newline. */
    val MALFORMED = CachedPost("", ByteArray(0))

    private const val NEWLINE = '\n'.code.toByte()

    override fun decodeValue(bytes: ByteBuffer): CachedPost {
        val start = bytes.position()
        // Not a search in a range, which would box each index.
        var newline = start
        while (newline < bytes.limit() && bytes.get(newline) != NEWLINE) newline++
        if (newline == bytes.limit()) return MALFORMED
        val tag = ByteArray(newline - start).also(bytes::get)
        bytes.get()
        val document = ByteArray(bytes.remaining()).also(bytes::get)
        return CachedPost(String(tag, Charsets.UTF_8), document)
    }

    override fun encodeValue(value: CachedPost): ByteBuffer {
        val tag = value.entityTag.encodeToByteArray()
        val buffer = ByteBuffer.allocate(tag.size + 1 + value.document.size)
        return buffer
            .put(tag)
            .put(NEWLINE)
            .put(value.document)
            .flip()
    }
}
