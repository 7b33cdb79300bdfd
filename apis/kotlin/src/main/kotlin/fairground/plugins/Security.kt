package fairground.plugins

import com.auth0.jwt.JWT
import com.auth0.jwt.algorithms.Algorithm
import io.ktor.http.*
import io.ktor.server.application.*
import io.ktor.server.auth.*
import io.ktor.server.auth.jwt.*
import java.time.Instant
import java.time.temporal.ChronoUnit

private const val ISSUER = "fairground"
private const val AUDIENCE = "fairground-api"

/** How long a token is valid. */
const val TOKEN_SECONDS = 3600L

/** Whose token a request has. */
class Caller(
    val id: Long,
    val name: String,
)

/** Makes and verifies access tokens. */
class Tokens(
    secret: ByteArray,
) {
    private val algorithm = Algorithm.HMAC256(secret)

    /** Checks signature, algorithm, issuer, audience and expiry. */
    val verifier =
        JWT
            .require(algorithm)
            .withIssuer(ISSUER)
            .withAudience(AUDIENCE)
            // Another host's clock may be ahead of this one's.
            .ignoreIssuedAt()
            .build()

    /** A token for a user. */
    fun create(
        userId: Long,
        username: String,
        now: Instant = Instant.now().truncatedTo(ChronoUnit.SECONDS),
    ): String =
        JWT
            .create()
            .withSubject(userId.toString())
            .withClaim("name", username)
            .withIssuedAt(now)
            .withExpiresAt(now.plusSeconds(TOKEN_SECONDS))
            .withIssuer(ISSUER)
            .withAudience(AUDIENCE)
            .sign(algorithm)
}

/** The user that a verified token names; null if it names none, or doesn't expire. */
internal fun callerOf(token: JWTCredential): Caller? {
    token.expiresAt ?: return null
    val id = token.subject?.toLongOrNull()?.takeIf { it > 0 } ?: return null
    return token["name"]?.let { Caller(id, it) }
}

fun Application.configureSecurity(tokens: Tokens) {
    install(Authentication) {
        jwt {
            // Ktor would answer 400 to a header that it can't parse.
            authHeader { call -> runCatching { call.request.parseAuthorizationHeader() }.getOrNull() }
            verifier(tokens.verifier)
            validate { callerOf(it) }
            challenge { _, _ -> throw Problem(HttpStatusCode.Unauthorized, "A valid access token is required.") }
        }
    }
}

/** Whose token the request has, within `authenticate`. */
val ApplicationCall.caller: Caller
    get() = checkNotNull(principal<Caller>())
