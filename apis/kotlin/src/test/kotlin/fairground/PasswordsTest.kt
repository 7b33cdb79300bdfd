package fairground

import fairground.users.*
import kotlinx.coroutines.*
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class PasswordsTest {
    @Test
    fun `hashes are argon2id in PHC format with the contract's parameters`() =
        runBlocking {
            val passwords = Passwords(cpus = 1)
            val hash = passwords.hash("pässword")
            assertTrue(PHC.matches(hash), hash)
            assertTrue(passwords.matches("pässword", hash))
            assertFalse(passwords.matches("password", hash))
        }

    @Test
    fun `a hash of another implementation is verified`() =
        runBlocking {
            val passwords = Passwords(cpus = 1)
            assertTrue(passwords.matches("seeded password 1", ANOTHERS_HASH))
            assertFalse(passwords.matches("seeded password 1", "not a hash"))
            assertFalse(passwords.matches("seeded password 1", null))
        }

    @Test
    fun `one runs at a time for each CPU, 32 wait, and further ones are refused`() =
        runBlocking {
            val passwords = Passwords(cpus = 1)
            val gate = CountDownLatch(1)
            val running = AtomicInteger()
            val most = AtomicInteger()
            val work = {
                most.accumulateAndGet(running.incrementAndGet(), ::maxOf)
                gate.await()
                running.decrementAndGet()
            }
            val accepted = List(33) { async(start = CoroutineStart.UNDISPATCHED) { passwords.compute(work) } }
            assertFailsWith<TooManyPasswords> { passwords.compute {} }
            gate.countDown()
            accepted.awaitAll()
            assertEquals(1, most.get())
            passwords.compute {}
        }

    private companion object {
        val PHC = Regex("[$]argon2id[$]v=19[$]m=19456,t=2,p=1[$][A-Za-z0-9+/]{22}[$][A-Za-z0-9+/]{43}")
        const val ANOTHERS_HASH =
            "\$argon2id\$v=19\$m=19456,t=2,p=1\$zkHUtoXAdWMm8ORRq0dj0Q\$6JZXHqeq22GBEZ51gy5Z9iUrJvb7kw9vtjT7kX7DYTE"
    }
}
