package fairground.http

import io.netty.buffer.ByteBuf

private const val MAX_SIZE_DIGITS = 16
private const val BITS_PER_DIGIT = 4
private const val FIRST_PRINTABLE = 0x20
private const val DELETE = 0x7f
private const val TAB = '\t'.code
private const val BLANK = ' '.code
private const val SEMICOLON = ';'.code
private const val CARRIAGE_RETURN = '\r'.code
private const val LINE_FEED = '\n'.code

/**
 * Follows the octets of one chunked body and tells whether they are framed as RFC 9112, section 7.1, has it. Netty's decoder
 * lets a size wrap, takes a NUL for its end, and passes over whatever stands between a chunk and the next line end: behind
 * any of that, another reader sees the body end elsewhere.
 */
internal class ChunkFraming {
    private enum class Place { SIZE, BLANKS, EXTENSION, SIZE_END, DATA, DATA_END, LINE_FEED_OF_DATA, TRAILERS }

    private var place = Place.SIZE
    private var size = 0L
    private var digits = 0

    /** Whether the octets of [buffer] from [start] until [end] go on as they must. Not to be asked again once they didn't. */
    fun accepts(
        buffer: ByteBuf,
        start: Int,
        end: Int,
    ): Boolean {
        var index = start
        while (index < end && place != Place.TRAILERS) {
            if (place == Place.DATA) {
                val length = minOf(size, (end - index).toLong())
                size -= length
                index += length.toInt()
                if (size == 0L) place = Place.DATA_END
            } else if (!accepts(buffer.getUnsignedByte(index++).toInt())) {
                return false
            }
        }
        return true
    }

    private fun accepts(octet: Int): Boolean =
        when (place) {
            Place.SIZE -> acceptsInSize(octet)
            Place.BLANKS ->
                when (octet) {
                    BLANK, TAB -> true
                    else -> octet == SEMICOLON && goOn(Place.EXTENSION)
                }
            Place.EXTENSION ->
                when (octet) {
                    CARRIAGE_RETURN -> goOn(Place.SIZE_END)
                    else -> octet == TAB || (octet >= FIRST_PRINTABLE && octet != DELETE)
                }
            Place.SIZE_END -> octet == LINE_FEED && goOn(if (size == 0L) Place.TRAILERS else Place.DATA)
            Place.DATA_END -> octet == CARRIAGE_RETURN && goOn(Place.LINE_FEED_OF_DATA)
            Place.LINE_FEED_OF_DATA -> octet == LINE_FEED && beginChunk()
            // Neither has octets of framing.
            Place.DATA, Place.TRAILERS -> true
        }

    private fun acceptsInSize(octet: Int): Boolean {
        // Of ASCII alone: Kotlin's own takes digits of all scripts.
        val digit = if (octet < DELETE) Character.digit(octet, 1 shl BITS_PER_DIGIT) else -1
        if (digit >= 0) {
            size = (size shl BITS_PER_DIGIT) or digit.toLong()
            return ++digits <= MAX_SIZE_DIGITS && size >= 0
        }
        return digits > 0 &&
            when (octet) {
                CARRIAGE_RETURN -> goOn(Place.SIZE_END)
                SEMICOLON -> goOn(Place.EXTENSION)
                BLANK, TAB -> goOn(Place.BLANKS)
                else -> false
            }
    }

    private fun beginChunk(): Boolean {
        size = 0
        digits = 0
        return goOn(Place.SIZE)
    }

    private fun goOn(next: Place): Boolean {
        place = next
        return true
    }
}
