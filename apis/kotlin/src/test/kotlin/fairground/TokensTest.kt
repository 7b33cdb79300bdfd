package fairground

import com.auth0.jwt.JWT
import com.auth0.jwt.JWTCreator
import com.auth0.jwt.algorithms.Algorithm
import com.auth0.jwt.exceptions.JWTVerificationException
import fairground.plugins.*
import io.ktor.server.auth.jwt.*
import java.time.Instant
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class TokensTest {
    private val secret = ByteArray(32) { it.toByte() }
    private val tokens = Tokens(secret)
    private val now = Instant.now()

    private fun token(
        algorithm: Algorithm = Algorithm.HMAC256(secret),
        change: JWTCreator.Builder.() -> Unit = {},
    ) = JWT
        .create()
        .withSubject("7")
        .withClaim("name", "alice")
        .withIssuedAt(now)
        .withExpiresAt(now.plusSeconds(60))
        .withIssuer("fairground")
        .withAudience("fairground-api")
        .apply(change)
        .sign(algorithm)

    @Test
    fun `a token names its user for an hour`() {
        val issued = now.truncatedTo(java.time.temporal.ChronoUnit.SECONDS)
        val verified = tokens.verifier.verify(tokens.create(7, "alice", issued))
        assertEquals(3600, verified.expiresAtAsInstant.epochSecond - verified.issuedAtAsInstant.epochSecond)
        val caller = callerOf(JWTCredential(verified))!!
        assertEquals(7L to "alice", caller.id to caller.name)
    }

    @Test
    fun `other claims are ignored`() {
        for (ignored in listOf<JWTCreator.Builder.() -> Unit>(
            { withIssuedAt(now.plusSeconds(60)) },
            { withNotBefore(now.minusSeconds(60)) },
            { withClaim("jti", 7) },
            { withClaim("role", listOf("admin")) },
        )) {
            assertEquals(7L, callerOf(JWTCredential(tokens.verifier.verify(token(change = ignored))))!!.id)
        }
    }

    @Test
    fun `tokens that aren't for this API, or no more, are refused`() {
        val refused =
            listOf(
                tokens.create(7, "alice", now.minusSeconds(3601)),
                token { withExpiresAt(now.minusSeconds(1)) },
                token { withIssuer("another") },
                token { withAudience("another") },
                token(Algorithm.HMAC256(ByteArray(32))),
                token(Algorithm.HMAC384(secret)),
                token(Algorithm.none()),
                "not.a.token",
            )
        for (token in refused) assertFailsWith<JWTVerificationException>(token) { tokens.verifier.verify(token) }
    }

    @Test
    fun `a token without a user or an expiry names nobody`() {
        for (change in listOf<JWTCreator.Builder.() -> Unit>(
            { withExpiresAt(null as Instant?) },
            { withNullClaim("exp") },
            { withSubject("0") },
            { withSubject("me") },
            { withSubject(null) },
            { withClaim("name", 7) },
        )) {
            assertNull(callerOf(JWTCredential(tokens.verifier.verify(token(change = change)))))
        }
    }
}
