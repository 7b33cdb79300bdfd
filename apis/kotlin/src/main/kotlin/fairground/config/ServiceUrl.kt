package fairground.config

/** The parts of `scheme://user:password@host:port/path?query`, user and password decoded. [port] is 0 if there is none. */
class ServiceUrl(
    val user: String,
    val password: String,
    val host: String,
    val port: Int,
    val path: String,
    val query: String,
) {
    companion object {
        private val PORTS = 1..65_535

        /**
         * Reads [text], which must have one of [schemes]; null if it is no such URL.
         *
         * `java.net.URI` is no help here: it has no host for names with an underscore, as container names have.
         */
        fun parse(
            text: String,
            vararg schemes: String,
        ): ServiceUrl? {
            val scheme = text.substringBefore("://", missingDelimiterValue = "")
            if (scheme !in schemes) return null
            val rest = text.substring(scheme.length + "://".length)
            val authority = rest.takeWhile { it != '/' && it != '?' && it != '#' }
            val target = rest.substring(authority.length)
            if ('#' in target) return null
            val credentials = authority.substringBeforeLast('@', missingDelimiterValue = "")
            val (host, port) = address(authority.substringAfterLast('@')) ?: return null
            return ServiceUrl(
                user = percentDecoded(credentials.substringBefore(':')) ?: return null,
                password = percentDecoded(credentials.substringAfter(':', missingDelimiterValue = "")) ?: return null,
                host = host,
                port = port,
                path = target.substringBefore('?').removePrefix("/"),
                query = target.substringAfter('?', missingDelimiterValue = ""),
            )
        }

        private fun address(text: String): Pair<String, Int>? {
            val closing = if (text.startsWith("[")) text.indexOf(']') + 1 else text.indexOf(':')
            val hostEnd = if (closing < 0) text.length else closing
            if (hostEnd == 0) return null
            val host = text.substring(0, hostEnd).removeSurrounding("[", "]")
            val port = text.substring(hostEnd)
            if (host.isEmpty() || host.any { it <= ' ' || it == '%' }) return null
            if (port.isEmpty()) return host to 0
            val number = port.removePrefix(":").takeIf { port.startsWith(":") && it.all(Char::isAsciiDigit) }?.toIntOrNull()
            return number?.takeIf { it in PORTS }?.let { host to it }
        }
    }
}

internal fun Char.isAsciiDigit(): Boolean = this in '0'..'9'

/** [text] with its `%xx` replaced by the octets that they stand for; null if a `%` stands for none, or the result is no UTF-8. */
internal fun percentDecoded(text: String): String? {
    if ('%' !in text) return text
    val octets = text.toByteArray()
    var length = 0
    var index = 0
    while (index < octets.size) {
        if (octets[index] == '%'.code.toByte()) {
            val code = if (index + 2 < octets.size) String(octets, index + 1, 2, Charsets.ISO_8859_1) else ""
            if (code.length != 2 || !code.all { it.isAsciiDigit() || it in 'a'..'f' || it in 'A'..'F' }) return null
            octets[length++] = code.toInt(radix = 16).toByte()
            index += 3
        } else {
            octets[length++] = octets[index++]
        }
    }
    return runCatching { octets.decodeToString(0, length, throwOnInvalidSequence = true) }.getOrNull()
}
