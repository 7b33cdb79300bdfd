package fairground.security

import kotlinx.coroutines.runBlocking
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class PasswordsTest {
    private val good = "\$argon2id\$v=19\$m=64,t=1,p=1\$c29tZXNhbHQ\$H47wjpLyYEtgDAr4SUGbUlcXX2jhEqzEgGSfnxE4nDE"

    @Test
    fun `a hash is verified by its password alone`() =
        runBlocking {
            Passwords(1).use { passwords ->
                val stored = passwords.hash("pässword")
                val form =
                    Regex("""\${'$'}argon2id\${'$'}v=19\${'$'}m=19456,t=2,p=1\${'$'}[A-Za-z0-9+/]{22}\${'$'}[A-Za-z0-9+/]{43}""")
                assertTrue(form.matches(stored), stored)
                assertTrue(passwords.verify(stored, "pässword"))
                assertFalse(passwords.verify(stored, "password"))
                assertNotEquals(stored, passwords.hash("pässword"))
                passwords.verifyDecoy("any password")
            }
        }

    @Test
    fun `a damaged hash is told`() =
        runBlocking<Unit> { Passwords(1).use { passwords -> assertFailsWith<DamagedHash> { passwords.verify("x", "password") } } }

    @Test
    fun `phc strings are read in one form only`() {
        assertEquals(good, Phc.parse(good).toString())
        val others =
            listOf("", "x", good.drop(1), "$good\$", good.replace("argon2id", "argon2i"), good.replace("v=19", "v=16")) +
                listOf("m=7", "m=064", "m=+64", "m=2000000", "x=64", "m=").map { good.replace("m=64", it) } +
                listOf(
                    good.replace("t=1", "t=0"),
                    good.replace("p=1", "p=17"),
                    good.replace("p=1", "p=9"),
                    good.replace(",p=1", ""),
                ) +
                listOf(
                    "$good=",
                    good.dropLast(1) + "F",
                    good.replace("c29tZXNhbHQ", "c29t"),
                    good.replace("c29tZXNhbHQ", "c29tZXNhbH*"),
                )
        for (text in others) assertNull(Phc.parse(text), text)
    }
}
