package fairground.users

import fairground.*
import kotlinx.coroutines.*
import kotlinx.coroutines.sync.*
import org.springframework.security.crypto.argon2.Argon2PasswordEncoder

/** As many requests wait for a hash as may. */
class TooManyPasswords : DescribedException("too many passwords are waiting to be hashed")

/** argon2id, one hash at a time for each CPU and on threads that answer no other requests; 32 more wait for each CPU. */
class Passwords(
    cpus: Int = Runtime.getRuntime().availableProcessors(),
) {
    private val encoder = Argon2PasswordEncoder(SALT_BYTES, HASH_BYTES, LANES, MEMORY_KIB, ITERATIONS)
    private val dispatcher = Dispatchers.IO.limitedParallelism(cpus)
    private val places = Semaphore(cpus * (1 + WAITING_PER_CPU))

    // Checked where there is no user, so that an unknown email takes as long as a wrong password.
    private val decoy = checkNotNull(encoder.encode("decoy"))

    /** The hash of [password] in PHC format. Fails with [TooManyPasswords], as [matches] does. */
    suspend fun hash(password: String): String = compute { checkNotNull(encoder.encode(password)) }

    /** Whether [hash] is of [password]; false, after the same time, if there is no hash. */
    suspend fun matches(
        password: String,
        hash: String?,
    ): Boolean = compute { encoder.matches(password, hash ?: decoy) } && hash != null

    internal suspend fun <T> compute(work: () -> T): T {
        if (!places.tryAcquire()) throw TooManyPasswords()
        try {
            return withContext(dispatcher) { work() }
        } finally {
            places.release()
        }
    }

    private companion object {
        const val WAITING_PER_CPU = 32
        const val SALT_BYTES = 16
        const val HASH_BYTES = 32
        const val LANES = 1
        const val MEMORY_KIB = 19_456
        const val ITERATIONS = 2
    }
}
