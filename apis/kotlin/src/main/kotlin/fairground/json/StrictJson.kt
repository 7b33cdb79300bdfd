package fairground.json

/** The JSON text is not what RFC 8259 says, or breaks one of this API's further rules. */
class InvalidJson(
    message: String,
) : Exception(message, null, false, false)

/**
 * A reader of one JSON value that takes nothing but what RFC 8259 has: valid UTF-8, no byte order mark, no lone surrogate,
 * nothing behind the value, and no nesting beyond [maxDepth].
 *
 * Neither kotlinx.serialization nor Jackson is used: the former takes unquoted words and lone surrogates in its tree, the
 * latter guesses the encoding, and neither tells a repeated name in the outermost object from one further inside.
 *
 * Values that nobody asks for are checked and skipped without recursion, so depth costs no stack.
 */
class StrictJson(
    private val text: ByteArray,
    private val maxDepth: Int,
) {
    private var position = 0

    /**
     * Reads the text as an object and hands each of its members to [member], which must consume the value by one of the
     * functions below. Names may repeat; [member] is told each time.
     */
    fun readObject(member: StrictJson.(name: String) -> Unit) {
        checkUtf8(text)
        skipSpace()
        expect('{')
        skipSpace()
        if (!take('}')) {
            do {
                skipSpace()
                val name = string()
                skipSpace()
                expect(':')
                skipSpace()
                member(name)
                skipSpace()
            } while (take(','))
            expect('}')
        }
        skipSpace()
        if (position != text.size) fail("something follows the value")
    }

    /** The next octet as a character: what a value begins with tells its type. */
    fun peek(): Char = if (position < text.size) Char(text[position].toInt() and BYTE) else fail("the text ends too early")

    /** Reads a string. */
    fun string(): String {
        expect('"')
        val start = position
        while (true) {
            when (val octet = next()) {
                '"'.code -> return String(text, start, position - 1 - start, Charsets.UTF_8)
                '\\'.code -> return stringWithEscapes(start)
                in 0 until ' '.code -> fail("a control character in a string at $octet")
            }
        }
    }

    /** Reads a string or null; anything else is an error. */
    fun stringOrNull(): String? {
        if (peek() == '"') return string()
        word("null")
        return null
    }

    /** Reads a number and returns it as an integer; null if it has a fraction or an exponent, or doesn't fit. */
    fun integerOrNull(): Long? {
        val start = position
        number()
        return String(text, start, position - start, Charsets.ISO_8859_1).toLongOrNull()
    }

    /** Reads an array, and hands each of its elements to [element], which must consume it. */
    fun array(element: StrictJson.() -> Unit) {
        expect('[')
        skipSpace()
        if (take(']')) return
        do {
            skipSpace()
            element()
            skipSpace()
        } while (take(','))
        expect(']')
    }

    /** Reads a value of any kind that lies in [outside] arrays and objects, the outermost included, and drops it. */
    fun skip(outside: Int = 1) {
        val closers = StringBuilder()
        while (true) {
            skipSpace()
            when (peek()) {
                '{', '[' -> {
                    val closer = if (text[position++] == '{'.code.toByte()) '}' else ']'
                    if (outside + closers.length >= maxDepth) fail("nested too deeply")
                    skipSpace()
                    if (!take(closer)) {
                        closers.append(closer)
                        if (closer == '}') memberName()
                        continue
                    }
                }
                '"' -> string()
                't' -> word("true")
                'f' -> word("false")
                'n' -> word("null")
                else -> number()
            }
            if (!hasNext(closers)) return
        }
    }

    /** Goes on behind a value: closes what ends there. Returns whether another value follows. */
    private fun hasNext(closers: StringBuilder): Boolean {
        while (closers.isNotEmpty()) {
            val closer = closers.last()
            skipSpace()
            if (take(',')) {
                if (closer == '}') memberName()
                return true
            }
            expect(closer)
            closers.setLength(closers.length - 1)
        }
        return false
    }

    private fun memberName() {
        skipSpace()
        string()
        skipSpace()
        expect(':')
    }

    private fun stringWithEscapes(start: Int): String {
        val result = StringBuilder(String(text, start, position - 1 - start, Charsets.UTF_8))
        position--
        var plain = position
        while (true) {
            when (val octet = next()) {
                '"'.code -> return result.append(String(text, plain, position - 1 - plain, Charsets.UTF_8)).toString()
                '\\'.code -> {
                    result.append(String(text, plain, position - 1 - plain, Charsets.UTF_8))
                    escape(result)
                    plain = position
                }
                in 0 until ' '.code -> fail("a control character in a string at $octet")
            }
        }
    }

    private fun escape(result: StringBuilder) {
        when (val kind = Char(next())) {
            '"', '\\', '/' -> result.append(kind)
            'b' -> result.append('\b')
            'f' -> result.append('\u000c')
            'n' -> result.append('\n')
            'r' -> result.append('\r')
            't' -> result.append('\t')
            'u' -> {
                val unit = codeUnit()
                if (unit.isLowSurrogate()) fail("a lone surrogate")
                result.append(unit)
                if (unit.isHighSurrogate()) {
                    if (next() != '\\'.code || next() != 'u'.code) fail("a lone surrogate")
                    val low = codeUnit()
                    if (!low.isLowSurrogate()) fail("a lone surrogate")
                    result.append(low)
                }
            }
            else -> fail("an unknown escape")
        }
    }

    private fun codeUnit(): Char {
        var unit = 0
        repeat(HEX_DIGITS) {
            val digit = Character.digit(next(), HEX)
            if (digit < 0) fail("no hexadecimal digit")
            unit = unit * HEX + digit
        }
        return Char(unit)
    }

    private fun number() {
        take('-')
        if (!take('0')) digits()
        if (take('.')) digits()
        if (take('e') || take('E')) {
            if (!take('+')) take('-')
            digits()
        }
    }

    private fun digits() {
        val start = position
        while (position < text.size && text[position] in DIGITS) position++
        if (position == start) fail("no digit")
    }

    private fun word(word: String) {
        for (character in word) if (next() != character.code) fail("an unknown word")
    }

    private fun skipSpace() {
        while (position < text.size && isSpace(text[position].toInt())) position++
    }

    private fun isSpace(octet: Int) = octet == ' '.code || octet == '\n'.code || octet == '\r'.code || octet == '\t'.code

    private fun take(character: Char): Boolean {
        val found = position < text.size && text[position] == character.code.toByte()
        if (found) position++
        return found
    }

    private fun expect(character: Char) {
        if (!take(character)) fail("expected $character")
    }

    private fun next(): Int = if (position < text.size) text[position++].toInt() and BYTE else fail("the text ends too early")

    private fun fail(message: String): Nothing = throw InvalidJson("$message, at octet $position")

    private companion object {
        const val BYTE = 0xff
        const val HEX = 16
        const val HEX_DIGITS = 4
        val DIGITS = '0'.code.toByte()..'9'.code.toByte()
    }
}
