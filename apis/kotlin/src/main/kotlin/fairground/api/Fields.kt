package fairground.api

import fairground.isUsername

/** A member of a JSON body: its name, and what is wrong with a value, if anything is. */
internal class Field(
    val name: String,
    val rule: (String) -> String?,
)

internal val USERNAME =
    Field("username") { value -> "must be 3 to 32 characters of a-z, 0-9 and _".takeUnless { isUsername(value) } }

internal val EMAIL =
    Field("email") { value ->
        "must be 3 to 254 visible ASCII characters with one @ between others".takeUnless { isEmail(value) }
    }

internal val PASSWORD =
    Field("password") { value ->
        when {
            hasNul(value) -> NUL_MESSAGE
            value.encodeToByteArray().size !in PASSWORD_BYTES -> "must be 8 to 72 bytes"
            else -> null
        }
    }

internal val TITLE = textField("title", MAX_TITLE)
internal val BODY = textField("body", MAX_BODY)

private const val MAX_TITLE = 200
private const val MAX_BODY = 20_000
private val PASSWORD_BYTES = 8..72
private val EMAIL_LENGTHS = 3..254

/** It is about the one character that PostgreSQL can't store in a text. */
private const val NUL_MESSAGE = "must not contain U+0000"

private fun textField(
    name: String,
    maximum: Int,
) = Field(name) { value ->
    when {
        hasNul(value) -> NUL_MESSAGE
        value.isEmpty() || value.codePointCount(0, value.length) > maximum -> "must be 1 to $maximum characters"
        else -> null
    }
}

private fun hasNul(value: String) = '\u0000' in value

private fun isEmail(value: String): Boolean =
    value.length in EMAIL_LENGTHS &&
        value.all { it in '!'..'~' } &&
        value.count { it == '@' } == 1 &&
        value.first() != '@' &&
        value.last() != '@'
