package fairground.security

import com.auth0.jwt.JWT
import com.auth0.jwt.algorithms.Algorithm
import fairground.isUsername
import fairground.json.InvalidJson
import fairground.json.StrictJson
import fairground.parseId
import java.security.MessageDigest
import java.time.Clock
import java.time.Instant

/** Whom a token speaks for. */
data class Caller(
    val id: Long,
    val name: String,
)

/**
 * Issues and verifies access tokens: JWTs signed with HS256 under [secret]. The library writes and signs them. What it reads it
 * is more lenient about than the contract in some things, and less in others, so that is done here.
 */
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

    /** Whom [token] speaks for; null if it is refused. */
    fun verify(token: String): Caller? {
        val parts = token.split('.')
        if (parts.size != PARTS) return null
        val (header, payload, signature) = parts.map { decodeBase64Url(it) ?: return null }
        return try {
            if (algorithmOf(header) != algorithm.name) return null
            val expected = algorithm.sign(parts[0].toByteArray(), parts[1].toByteArray())
            if (!MessageDigest.isEqual(expected, signature)) return null
            Claims.read(payload).caller(clock.instant().epochSecond)
        } catch (_: InvalidJson) {
            null
        }
    }

    private fun algorithmOf(header: ByteArray): String? {
        var name: String? = null
        StrictJson(header, maxDepth = Int.MAX_VALUE).readObject { if (it == "alg") name = text() else skip() }
        return name
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

        private fun StrictJson.integer(): Long? =
            if (peek() == '-' || peek() in '0'..'9') integerOrNull() else null.also { skip() }

        private fun StrictJson.namesAudience(): Boolean {
            if (peek() != '[') return text() == AccessTokens.AUDIENCE
            var found = false
            var others = false
            array {
                when (text()) {
                    AccessTokens.AUDIENCE -> found = true
                    null -> others = true
                }
            }
            return found && !others
        }
    }
}

/** Reads a value; null if it is no string. */
private fun StrictJson.text(): String? = if (peek() == '"') string() else null.also { skip() }
