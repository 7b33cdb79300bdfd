package fairground.api

import fairground.parseId
import fairground.view.FieldError
import fairground.view.Problem

private const val DEFAULT_LIMIT = 20
private const val MAX_LIMIT = 100

/** Which posts a list asks for. */
internal data class PageQuery(
    val limit: Int,
    val before: Long?,
) {
    val isDefault get() = limit == DEFAULT_LIMIT && before == null

    companion object {
        private val DEFAULT = PageQuery(DEFAULT_LIMIT, null)

        /** Reads a query string as it was sent: nothing in it is decoded. Fails with a 422. */
        fun parse(query: String): PageQuery {
            if (query.isEmpty()) return DEFAULT
            val errors = mutableListOf<FieldError>()

            fun <T : Any> read(
                name: String,
                message: String,
                parse: (String) -> T?,
            ): T? {
                val values = query.split('&').filter { it.substringBefore('=') == name }.map { it.substringAfter('=', "") }
                if (values.isEmpty()) return null
                val value = values.singleOrNull()?.let(parse)
                if (value == null) errors += FieldError(name, if (values.size > 1) "must be given only once" else message)
                return value
            }
            val limit = read("limit", "must be an integer from 1 to $MAX_LIMIT", ::parseLimit)
            val before = read("before", "must be an id") { parseId(it) }
            if (errors.isNotEmpty()) throw Problem.invalid(errors)
            return PageQuery(limit ?: DEFAULT_LIMIT, before)
        }

        private fun parseLimit(text: String): Int? = parseId(text)?.takeIf { it <= MAX_LIMIT }?.toInt()
    }
}
