package fairground.upload

/** Reads `;name=value` again and again, from [position] of [text] on. */
internal class ParameterReader(
    private val text: String,
    private var position: Int,
) {
    fun atEnd(): Boolean {
        skipBlanks()
        return position == text.length
    }

    /** The next name and value; null if what follows is none. */
    fun next(): Pair<String, String>? {
        if (text[position++] != ';') return null
        skipBlanks()
        val end = text.indexOfAny(charArrayOf('=', ';', '"', ' ', '\t'), position)
        if (end <= position || text[end] != '=') return null
        val name = text.substring(position, end)
        position = end + 1
        val value = if (position < text.length && text[position] == '"') quoted() else unquoted()
        return value?.let { name to it }
    }

    private fun unquoted(): String {
        val end = text.indexOfAny(charArrayOf(';', ' ', '\t'), position).let { if (it < 0) text.length else it }
        return text.substring(position, end).also { position = end }
    }

    /** In a quoted string a backslash stands for the character behind it. */
    private fun quoted(): String? {
        val value = StringBuilder()
        var index = position + 1
        while (index < text.length) {
            val character = text[index++]
            when {
                character == '"' -> {
                    position = index
                    return value.toString()
                }
                character != '\\' -> value.append(character)
                index < text.length -> value.append(text[index++])
            }
        }
        return null
    }

    private fun skipBlanks() {
        while (position < text.length && (text[position] == ' ' || text[position] == '\t')) position++
    }
}
