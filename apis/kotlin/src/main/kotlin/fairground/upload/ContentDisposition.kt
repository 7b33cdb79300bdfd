package fairground.upload

/** What a part's `Content-Disposition` says, empty where it doesn't. */
internal data class ContentDisposition(
    val name: String,
    val filename: String,
) {
    companion object {
        /**
         * Reads `form-data` with its parameters; null if [header] isn't of that form. Ktor's parser isn't used: it is lenient,
         * decodes `filename*`, and lets the last of repeated parameters count.
         */
        fun parse(header: String): ContentDisposition? {
            val kind = header.substringBefore(';')
            if (!kind.trim(' ', '\t').equals("form-data", ignoreCase = true)) return null
            var name: String? = null
            var filename: String? = null
            val parameters = ParameterReader(header, kind.length)
            while (!parameters.atEnd()) {
                val (key, value) = parameters.next() ?: return null
                when (key.lowercase()) {
                    "name" -> name = name ?: value
                    "filename" -> filename = filename ?: value
                }
            }
            return ContentDisposition(name.orEmpty(), filename.orEmpty())
        }
    }
}
