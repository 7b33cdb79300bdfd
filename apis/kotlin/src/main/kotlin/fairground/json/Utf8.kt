package fairground.json

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** Throws [InvalidJson] unless [text] is well-formed UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF. */
internal fun checkUtf8(text: ByteArray) {
    if (text.none { it < 0 }) return
    try {
        // The JDK's decoder is exactly as strict as RFC 3629, but only where it is told to report.
        Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text))
    } catch (_: CharacterCodingException) {
        throw InvalidJson("not UTF-8")
    }
}
