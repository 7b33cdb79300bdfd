package fairground.json

private const val MAX_DEPTH = 32

/**
 * Reads the JSON body of a request: an object whose members [names] are strings or null, and in which no name is repeated.
 * Returns their values in the order of [names]; missing ones are null. Throws [InvalidJson].
 */
fun readMembers(
    body: ByteArray,
    names: List<String>,
): List<String?> {
    val values = arrayOfNulls<String>(names.size)
    val seen = HashSet<String>()
    StrictJson(body, MAX_DEPTH).readObject { name ->
        if (!seen.add(name)) throw InvalidJson("a member appears twice")
        val index = names.indexOf(name)
        if (index < 0) skip() else values[index] = stringOrNull()
    }
    return values.asList()
}
