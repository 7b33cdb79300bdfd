package fairground.api

/** Whether the fields of `If-None-Match` name [tag], by the weak comparison of RFC 9110, section 8.8.3.2. */
internal fun matchesTag(
    fields: List<String>,
    tag: String,
): Boolean {
    val list = fields.joinToString(",")
    return list.trim(' ', '\t') == "*" || list.split(',').any { it.trim(' ', '\t').removePrefix("W/") == tag }
}
