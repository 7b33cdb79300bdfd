package fairground.upload

/** From RFC 2046, section 5.1.1. */
private val BOUNDARY_LENGTHS = 1..70

/** The parameter `boundary` of a `Content-Type`, a token or a quoted string; null if it is missing or of another length. */
internal fun boundaryOf(contentType: String): String? {
    var boundary: String? = null
    val parameters = ParameterReader(contentType, contentType.substringBefore(';').length)
    while (!parameters.atEnd()) {
        val (name, value) = parameters.next() ?: return null
        if (boundary == null && name.equals("boundary", ignoreCase = true)) boundary = value
    }
    return boundary?.takeIf { it.length in BOUNDARY_LENGTHS }
}
