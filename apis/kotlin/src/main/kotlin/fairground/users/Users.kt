package fairground.users

import fairground.plugins.*
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

private val USERNAME = Regex("[a-z0-9_]{3,32}")

// Printable ASCII on both sides of one @: whether the address exists shows when mail is sent to it.
private val EMAIL = Regex("[!-?A-~]+@[!-?A-~]+")
private const val MAX_EMAIL_LENGTH = 254
private val PASSWORD_BYTES = 8..72

/** The body of a registration. Missing members are empty, and so out of bounds. */
@Serializable
class NewUser(
    val username: String = "",
    val email: String = "",
    val password: String = "",
) : Validated {
    override fun validate(errors: FieldErrors) {
        errors.require("username", USERNAME.matches(username), "must be 3 to 32 of a-z, 0-9 and _")
        errors.requireCredentials(email, password)
    }
}

/** The body of a login. */
@Serializable
class Login(
    val email: String = "",
    val password: String = "",
) : Validated {
    override fun validate(errors: FieldErrors) {
        errors.requireCredentials(email, password)
    }
}

private fun FieldErrors.requireCredentials(
    email: String,
    password: String,
) {
    require("email", email.length <= MAX_EMAIL_LENGTH && EMAIL.matches(email), "must be an email address")
    val length = password.encodeToByteArray().size
    require("password", length in PASSWORD_BYTES && '\u0000' !in password, "must be 8 to 72 bytes without U+0000")
}

/** The answer to a login. */
@Serializable
class AccessToken(
    @SerialName("access_token") val accessToken: String,
    @SerialName("token_type") val tokenType: String,
    @SerialName("expires_in") val expiresIn: Long,
)

/** What everybody may know of a user. */
@Serializable
class User(
    val id: Long,
    val username: String,
    @SerialName("created_at") val createdAt: Timestamp,
)

/** What a user may know of itself. */
@Serializable
class Account(
    val id: Long,
    val username: String,
    val email: String,
    @SerialName("created_at") val createdAt: Timestamp,
)

/** What a login needs to know of a user. */
class Credentials(
    val id: Long,
    val username: String,
    val passwordHash: String,
)
