package fairground.posts

import fairground.plugins.*
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

private const val MAX_TITLE_LENGTH = 200
private const val MAX_BODY_LENGTH = 20_000

/** The body of a creation or an update. Missing members are empty, and so out of bounds. */
@Serializable
class PostContent(
    val title: String = "",
    val body: String = "",
) : Validated {
    override fun validate(errors: FieldErrors) {
        errors.requireText("title", title, MAX_TITLE_LENGTH)
        errors.requireText("body", body, MAX_BODY_LENGTH)
    }
}

private fun FieldErrors.requireText(
    field: String,
    text: String,
    maxLength: Int,
) {
    // Neither U+0000 nor half of a surrogate pair can be stored.
    val isText = '\u0000' !in text && Charsets.UTF_8.newEncoder().canEncode(text)
    require(field, isText && text.codePointCount(0, text.length) in 1..maxLength, "must be 1 to $maxLength characters")
}

/** The user within a post. */
@Serializable
class Author(
    val id: Long,
    val username: String,
)

@Serializable
class Post(
    val id: Long,
    val author: Author,
    val title: String,
    val body: String,
    val version: Long,
    @SerialName("created_at") val createdAt: Timestamp,
    @SerialName("updated_at") val updatedAt: Timestamp,
)

/** Posts, newest first, and where the next page begins; null on the last one. */
@Serializable
class Page(
    val items: List<Post>,
    @SerialName("next_before") val nextBefore: Long?,
)

/** There is no post with the id, or it is another user's. */
class PostNotChanged(
    val isMissing: Boolean,
) : Exception()
