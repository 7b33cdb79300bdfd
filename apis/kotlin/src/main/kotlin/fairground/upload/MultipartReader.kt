package fairground.upload

/** The body isn't made of parts as in RFC 7578. */
class MalformedMultipart(
    message: String,
) : Exception(message, null, false, false)

/** Where octets come from, piece by piece. */
fun interface OctetSource {
    /** Reads up to [length] octets into [target] at [offset], at least one; -1 at the end. */
    suspend fun read(
        target: ByteArray,
        offset: Int,
        length: Int,
    ): Int
}

/** The headers of a part. Of a repeated one the first counts. */
internal class PartHeaders {
    private val values = HashMap<String, String>()

    operator fun get(name: String): String? = values[name]

    fun add(
        name: String,
        value: String,
    ) {
        values.putIfAbsent(name.lowercase(), value)
    }
}

/**
 * Reads `multipart/form-data` front to back in one buffer: parts are never held as a whole. Ktor's own reader is more
 * lenient than the contract, and takes the end of the body for the end of a part.
 */
internal class MultipartReader(
    private val source: OctetSource,
    boundary: String,
) {
    private val delimiter = "\r\n--$boundary".toByteArray(Charsets.ISO_8859_1)
    private val buffer = ByteArray(BUFFER_BYTES)
    private var start = 0
    private var end = 0
    private var sourceEnded = false

    private var inPreamble = true

    /** Whether [start] is at the CRLF that ends a part's headers, which may also be that of a delimiter: an empty part. */
    private var atHeadersEnd = false

    // The first delimiter may open the body, without the CRLF that precedes all others.
    init {
        CRLF.copyInto(buffer)
        end = CRLF.size
    }

    /** The headers of the next part, what is left of the one before skipped; null at the closing delimiter. */
    suspend fun nextPart(): PartHeaders? {
        do {
            while (nextPiece { _, _, _ -> }) Unit
            start += delimiter.size
            val kind = delimiterLine()
            if (kind == DelimiterLine.CLOSING) return null
        } while (kind == DelimiterLine.NONE)
        inPreamble = false
        return headers()
    }

    /**
     * Hands the next piece of the part's content to [consume]: an array, an offset, a length. Returns false, without having
     * called it, at the part's end.
     */
    suspend fun nextPiece(consume: (ByteArray, Int, Int) -> Unit): Boolean {
        while (true) {
            val found = findDelimiter()
            val contentStart = if (atHeadersEnd) start + CRLF.size else start
            if ((found == start || found == contentStart) && isWholeDelimiter(found)) {
                atHeadersEnd = false
                start = found
                return false
            }
            if (found > contentStart) {
                atHeadersEnd = false
                start = found
                consume(buffer, contentStart, found - contentStart)
                return true
            }
            if (!fill()) throw MalformedMultipart("the body ends within a part")
        }
    }

    /**
     * The position of the first delimiter from [start] on, or of what may turn out to be one when more is read; [end] if
     * there is neither.
     */
    private fun findDelimiter(): Int {
        var position = start
        while (position < end) {
            if (buffer[position] == CR && mayBeDelimiter(position)) return position
            position++
        }
        return end
    }

    private fun mayBeDelimiter(position: Int): Boolean {
        val length = minOf(delimiter.size, end - position)
        for (index in 0 until length) if (buffer[position + index] != delimiter[index]) return false
        val behind = position + delimiter.size
        if (behind >= end) return !sourceEnded
        return when (buffer[behind]) {
            ' '.code.toByte(), '\t'.code.toByte(), CR -> true
            DASH -> if (behind + 1 < end) buffer[behind + 1] == DASH else !sourceEnded
            else -> false
        }
    }

    private fun isWholeDelimiter(position: Int): Boolean {
        val behind = position + delimiter.size
        return behind < end && (buffer[behind] != DASH || behind + 1 < end) && mayBeDelimiter(position)
    }

    private enum class DelimiterLine { PART, CLOSING, NONE }

    /** Reads what follows a delimiter: blanks and CRLF, or two dashes, blanks, and CRLF or the end. */
    private suspend fun delimiterLine(): DelimiterLine {
        val closing = buffer[start] == DASH
        if (closing) start += 2
        while (has(1) && (buffer[start] == ' '.code.toByte() || buffer[start] == '\t'.code.toByte())) start++
        if (has(2) && buffer[start] == CR && buffer[start + 1] == LF) {
            start += 2
            return if (closing) DelimiterLine.CLOSING else DelimiterLine.PART
        }
        if (closing && !has(1)) return DelimiterLine.CLOSING
        // In a preamble it is only a line that looks like a delimiter.
        if (inPreamble) return DelimiterLine.NONE
        throw MalformedMultipart("a delimiter goes on")
    }

    private suspend fun headers(): PartHeaders {
        val headers = PartHeaders()
        var size = 0
        var name: String? = null
        var value = ""
        while (true) {
            val line = line()
            size += line.length + CRLF.size
            if (size > MAX_HEADERS_BYTES) throw MalformedMultipart("the headers of a part are too long")
            val continued = line.startsWith(" ") || line.startsWith("\t")
            if (continued) {
                if (name == null) throw MalformedMultipart("a part begins with a continued header")
                value = "$value ${line.trim(' ', '\t')}"
                continue
            }
            name?.let { headers.add(it, value.trim(' ', '\t')) }
            if (line.isEmpty()) {
                start -= CRLF.size
                atHeadersEnd = true
                return headers
            }
            name = line.substringBefore(':', missingDelimiterValue = "")
            if (name.isEmpty() || !name.all(::isTokenCharacter)) throw MalformedMultipart("a header of a part is malformed")
            value = line.substring(name.length + 1).trim(' ', '\t')
        }
    }

    /** Reads a line up to its CRLF. */
    private suspend fun line(): String {
        var length = 0
        while (true) {
            while (start + length + 1 < end) {
                if (buffer[start + length] == CR && buffer[start + length + 1] == LF) {
                    return String(buffer, start, length, Charsets.ISO_8859_1).also { start += length + CRLF.size }
                }
                length++
            }
            if (length > MAX_HEADERS_BYTES || !fill()) throw MalformedMultipart("a header of a part doesn't end")
        }
    }

    private suspend fun has(octets: Int): Boolean {
        while (end - start < octets) if (!fill()) return false
        return true
    }

    /** Reads more; false if there is no more. */
    private suspend fun fill(): Boolean {
        if (sourceEnded) return false
        // Two octets before start are kept: headers() goes back by a CRLF.
        val keepFrom = maxOf(0, start - CRLF.size)
        if (end == buffer.size || keepFrom > buffer.size / 2) {
            buffer.copyInto(buffer, 0, keepFrom, end)
            start -= keepFrom
            end -= keepFrom
        }
        val read = source.read(buffer, end, buffer.size - end)
        if (read < 0) {
            sourceEnded = true
            // What looked like the beginning of a delimiter is none now, and the caller looks again.
            return start < end
        }
        end += read
        return true
    }

    private companion object {
        const val BUFFER_BYTES = 64 * 1024
        const val MAX_HEADERS_BYTES = 8 * 1024
        const val CR = '\r'.code.toByte()
        const val LF = '\n'.code.toByte()
        const val DASH = '-'.code.toByte()
        val CRLF = "\r\n".toByteArray()

        fun isTokenCharacter(character: Char): Boolean =
            character in 'a'..'z' || character in 'A'..'Z' || character in '0'..'9' || character in "!#$%&'*+-.^_`|~"
    }
}
