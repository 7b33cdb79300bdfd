package fairground

private const val MAX_DIGITS = 19
private val USERNAME_LENGTHS = 3..32

/** The id that [text] from [start] on is: a positive decimal without leading zeros that fits 63 bits. Null if it is none. */
fun parseId(
    text: CharSequence,
    start: Int = 0,
): Long? {
    val digits = text.length - start
    if (digits !in 1..MAX_DIGITS || text[start] == '0') return null
    var id = 0L
    for (index in start until text.length) {
        val digit = text[index] - '0'
        if (digit !in 0..9) return null
        id = id * 10 + digit
    }
    // Nineteen digits overflow at most once, and then into the sign.
    return id.takeIf { it > 0 }
}

/** Whether [text] may be the name of a user. */
fun isUsername(text: String): Boolean =
    text.length in USERNAME_LENGTHS && text.all { it in 'a'..'z' || it in '0'..'9' || it == '_' }
