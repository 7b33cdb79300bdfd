package fairground.security

import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.withContext
import org.bouncycastle.crypto.generators.Argon2BytesGenerator
import org.bouncycastle.crypto.params.Argon2Parameters
import java.security.MessageDigest
import java.security.SecureRandom
import java.util.concurrent.Executors

/** A stored hash is no argon2id PHC string. */
class DamagedHash : Exception("a stored password hash is not an argon2id PHC string")

/**
 * Hashes passwords with argon2id, at most [concurrency] at a time on threads of their own; further callers queue in order
 * without holding a thread.
 */
class Passwords(
    concurrency: Int,
) : AutoCloseable {
    private val hashing =
        Executors
            .newFixedThreadPool(
                concurrency,
                Thread
                    .ofPlatform()
                    .name("hash-", 0)
                    .daemon()
                    .factory(),
            ).asCoroutineDispatcher()
    private val random = SecureRandom()

    /** A new PHC string for [password]. */
    suspend fun hash(password: String): String {
        val salt = ByteArray(SALT_BYTES).also(random::nextBytes)
        return parameters(salt, derive(parameters(salt, ByteArray(KEY_BYTES)), password)).toString()
    }

    /** Whether [password] belongs to the [stored] PHC string. */
    suspend fun verify(
        stored: String,
        password: String,
    ): Boolean {
        val phc = Phc.parse(stored) ?: throw DamagedHash()
        return MessageDigest.isEqual(derive(phc, password), phc.key)
    }

    /**
     * Costs what [verify] costs and matches nothing. A login with an unknown email calls it, so that the time of the answer
     * doesn't tell whether the email is known.
     */
    suspend fun verifyDecoy(password: String) {
        verify(DECOY, password)
    }

    private suspend fun derive(
        phc: Phc,
        password: String,
    ): ByteArray =
        withContext(hashing) {
            val parameters =
                Argon2Parameters
                    .Builder(Argon2Parameters.ARGON2_id)
                    .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                    .withMemoryAsKB(phc.memoryKib)
                    .withIterations(phc.iterations)
                    .withParallelism(phc.lanes)
                    .withSalt(phc.salt)
                    .build()
            val generator = Argon2BytesGenerator().also { it.init(parameters) }
            ByteArray(phc.key.size).also { generator.generateBytes(password.toByteArray(), it) }
        }

    override fun close() = hashing.close()

    private companion object {
        // The first choice of the OWASP password storage cheat sheet for argon2id with 19 MiB.
        const val MEMORY_KIB = 19_456
        const val ITERATIONS = 2
        const val LANES = 1
        const val SALT_BYTES = 16
        const val KEY_BYTES = 32

        fun parameters(
            salt: ByteArray,
            key: ByteArray,
        ) = Phc(MEMORY_KIB, ITERATIONS, LANES, salt, key)

        /** Nobody knows a password for it. */
        val DECOY = parameters(ByteArray(SALT_BYTES), ByteArray(KEY_BYTES)).toString()
    }
}
