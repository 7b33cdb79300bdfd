package fairground.security

import com.auth0.jwt.JWT
import com.auth0.jwt.algorithms.Algorithm
import com.auth0.jwt.exceptions.JWTDecodeException
import com.auth0.jwt.exceptions.SignatureVerificationException
import fairground.isUsername
import fairground.json.InvalidJson
import fairground.json.StrictJson
import fairground.parseId
import java.time.Clock
import java.time.Instant

/** Whom a token speaks for. */
data class Caller(
    val id: Long,
    val name: String,
)

/** Issues and verifies access tokens: JWTs signed with HS256 under [secret]. */
class AccessTokens(
    secret: ByteArray,
    private val clock: Clock = Clock.systemUTC(),
) {
    private val algorithm = Algorithm.HMAC256(secret)

    /** A new token for [caller]. */
    fun issue(caller: Caller): String {
        val now = Instant.ofEpochSecond(clock.instant().epochSecond)
        return JWT
            .create()
            .withSubject(caller.id.toString())
            .withClaim("name", caller.name)
            .withIssuedAt(now)
            .withExpiresAt(now.plusSeconds(LIFETIME_SECONDS))
            .withIssuer(ISSUER)
            .withAudience(AUDIENCE)
            .sign(algorithm)
    }

    /**
     * Whom [token] speaks for; null if it is refused. The library parses the token and verifies its signature. What the
     * contract is stricter about is looked at here: the encoding, and the types of the claims.
     */
    fun verify(token: String): Caller? {
        val parts = token.split('.')
        if (parts.size != PARTS) return null
        val octets = parts.map { decodeBase64Url(it) ?: return null }
        return try {
            val decoded = JWT.decode(token)
            if (decoded.algorithm != algorithm.name) return null
            algorithm.verify(decoded)
            Claims.read(octets[1]).caller(clock.instant().epochSecond)
        } catch (_: JWTDecodeException) {
            null
        } catch (_: SignatureVerificationException) {
            null
        } catch (_: InvalidJson) {
            null
        }
    }

    companion object {
        /** How long a token is valid. */
        const val LIFETIME_SECONDS = 3600L

        internal const val ISSUER = "fairground"
        internal const val AUDIENCE = "fairground-api"
        private const val PARTS = 3
    }
}

/** The claims of a token as they were written: null where one is missing or of another type. */
private class Claims {
    private var subject: String? = null
    private var name: String? = null
    private var issuer: String? = null
    private var hasAudience = false
    private var issuedAt: Long? = null
    private var expiry: Long? = null
    private var notBefore: Long? = null
    private var hasBadNotBefore = false

    fun caller(now: Long): Caller? {
        val id = subject?.let(::parseId)
        val name = name?.takeIf(::isUsername)
        val expiry = expiry
        if (id == null || name == null || issuedAt == null || expiry == null) return null
        if (issuer != AccessTokens.ISSUER || !hasAudience) return null
        if (expiry <= now || hasBadNotBefore || (notBefore ?: now) > now) return null
        return Caller(id, name)
    }

    companion object {
        fun read(payload: ByteArray): Claims {
            val claims = Claims()
            StrictJson(payload, maxDepth = Int.MAX_VALUE).readObject { name ->
                when (name) {
                    "sub" -> claims.subject = text()
                    "name" -> claims.name = text()
                    "iss" -> claims.issuer = text()
                    "iat" -> claims.issuedAt = integer()
                    "exp" -> claims.expiry = integer()
                    "nbf" -> {
                        val isNull = peek() == 'n'
                        claims.notBefore = integer()
                        claims.hasBadNotBefore = !isNull && claims.notBefore == null
                    }
                    "aud" -> claims.hasAudience = namesAudience()
                    else -> skip()
                }
            }
            return claims
        }

        private fun StrictJson.text(): String? = if (peek() == '"') string() else null.also { skip() }

        private fun StrictJson.integer(): Long? =
            if (peek() == '-' || peek() in '0'..'9') integerOrNull() else null.also { skip() }

        private fun StrictJson.namesAudience(): Boolean {
            if (peek() != '[') return text() == AccessTokens.AUDIENCE
            var found = false
            array { if (text() == AccessTokens.AUDIENCE) found = true }
            return found
        }
    }
}
