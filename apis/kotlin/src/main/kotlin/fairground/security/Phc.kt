package fairground.security

import java.util.Base64

/** A decoded `$argon2id$v=19$m=…,t=…,p=…$salt$key` string. */
internal class Phc(
    val memoryKib: Int,
    val iterations: Int,
    val lanes: Int,
    val salt: ByteArray,
    val key: ByteArray,
) {
    override fun toString(): String =
        "\$argon2id\$v=19\$m=$memoryKib,t=$iterations,p=$lanes\$${encoder.encodeToString(salt)}\$${encoder.encodeToString(key)}"

    companion object {
        // Bounds on a stored hash, so that a damaged one can't take the process down.
        private val MEMORY = 8..(1 shl 20)
        private val ITERATIONS = 1..64
        private val LANES = 1..16
        private val SALT_BYTES = 8..64
        private val KEY_BYTES = 16..64
        private const val MIN_MEMORY_PER_LANE = 8
        private const val FIELDS = 6
        private const val PARAMETERS = 3

        private val encoder = Base64.getEncoder().withoutPadding()
        private val decoder = Base64.getDecoder()

        /** Reads [text]; null if it is no argon2id hash, written in exactly one way. */
        fun parse(text: String): Phc? {
            val fields = text.split('$')
            if (fields.size != FIELDS || fields[0].isNotEmpty() || fields[1] != "argon2id" || fields[2] != "v=19") return null
            val parameters = fields[3].split(',')
            if (parameters.size != PARAMETERS) return null
            val memory = parameter(parameters[0], "m=", MEMORY)
            val iterations = parameter(parameters[1], "t=", ITERATIONS)
            val lanes = parameter(parameters[2], "p=", LANES)
            val salt = octets(fields[4], SALT_BYTES)
            val key = octets(fields[5], KEY_BYTES)
            if (memory == null || iterations == null || lanes == null || salt == null || key == null) return null
            if (memory < MIN_MEMORY_PER_LANE * lanes) return null
            return Phc(memory, iterations, lanes, salt, key)
        }

        private fun parameter(
            text: String,
            prefix: String,
            range: IntRange,
        ): Int? {
            if (!text.startsWith(prefix)) return null
            val digits = text.substring(prefix.length)
            return digits.toIntOrNull()?.takeIf { it in range && it.toString() == digits }
        }

        private fun octets(
            text: String,
            sizes: IntRange,
        ): ByteArray? =
            try {
                decoder.decode(text).takeIf { it.size in sizes && encoder.encodeToString(it) == text }
            } catch (_: IllegalArgumentException) {
                null
            }
    }
}
