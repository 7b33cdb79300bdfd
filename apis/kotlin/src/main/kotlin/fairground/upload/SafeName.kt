package fairground.upload

private const val MAX_LENGTH = 100

/**
 * Turns the file name that a client gave into one that is safe to show, and to put between quotes in a header. It is never
 * used as a path.
 */
fun safeName(given: String): String {
    val name = StringBuilder()
    var replaced = false
    for (character in given.substring(given.lastIndexOfAny(charArrayOf('/', '\\')) + 1)) {
        val safe = isSafe(character)
        if (safe) {
            name.append(character)
        } else if (!replaced) {
            name.append('_')
        }
        replaced = !safe
    }
    return name
        .trimStart('.')
        .take(MAX_LENGTH)
        .ifEmpty { "file" }
        .toString()
}

private fun isSafe(character: Char): Boolean =
    character in 'A'..'Z' || character in 'a'..'z' || character in '0'..'9' || character in ".-_"
