package fairground.security

import java.util.Base64

private val decoder = Base64.getUrlDecoder()
private val encoder = Base64.getUrlEncoder().withoutPadding()

/**
 * The octets of unpadded base64url, null if [text] is none. The JDK's decoder takes padding and bits left over behind the
 * last octet; encoding once more shows both.
 */
internal fun decodeBase64Url(text: String): ByteArray? =
    try {
        decoder.decode(text).takeIf { encoder.encodeToString(it) == text }
    } catch (_: IllegalArgumentException) {
        null
    }
