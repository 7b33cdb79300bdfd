package fairground.view

import fairground.store.NewFile
import fairground.store.Post
import fairground.store.User
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationStrategy
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import java.time.OffsetDateTime
import java.time.ZoneOffset

/** The public view of a user. */
@Serializable
class UserView(
    val id: Long,
    val username: String,
    @SerialName("created_at") val createdAt: Timestamp,
) {
    constructor(user: User) : this(user.id, user.username, user.createdAt)
}

/** A user's view of itself. */
@Serializable
class AccountView(
    val id: Long,
    val username: String,
    val email: String,
    @SerialName("created_at") val createdAt: Timestamp,
) {
    constructor(user: User) : this(user.id, user.username, user.email, user.createdAt)
}

/** The user within a post. */
@Serializable
class AuthorView(
    val id: Long,
    val username: String,
)

/** A post with its author. */
@Serializable
class PostView(
    val id: Long,
    val author: AuthorView,
    val title: String,
    val body: String,
    val version: Long,
    @SerialName("created_at") val createdAt: Timestamp,
    @SerialName("updated_at") val updatedAt: Timestamp,
) {
    constructor(post: Post) : this(
        post.id,
        AuthorView(post.authorId, post.authorName),
        post.title,
        post.body,
        post.version,
        post.createdAt,
        post.updatedAt,
    )
}

/** One page of posts, newest first. */
@Serializable
class PageView(
    val items: List<PostView>,
    @SerialName("next_before") val nextBefore: Long?,
) {
    companion object {
        /** The view of the first [limit] of [posts]. One post more tells that there is a next page. */
        fun of(
            posts: List<Post>,
            limit: Int,
        ): PageView {
            val items = posts.take(limit).map(::PostView)
            return PageView(items, if (posts.size > limit) items.last().id else null)
        }
    }
}

/** An uploaded file. */
@Serializable
class FileView(
    val id: Long,
    val filename: String,
    @SerialName("content_type") val contentType: String,
    val size: Long,
    val sha256: String,
) {
    constructor(id: Long, file: NewFile) : this(id, file.filename, file.contentType, file.size, file.sha256)
}

/** The answer to a login. */
@Serializable
class AccessTokenView(
    @SerialName("access_token") val accessToken: String,
    @SerialName("token_type") val tokenType: String,
    @SerialName("expires_in") val expiresIn: Long,
)

/** Which services answer. */
@Serializable
class ReadinessView(
    val postgres: String,
    val redis: String,
)

/** The strong entity tag of a post. */
fun entityTag(post: Post): String = "\"${post.id}-${post.version}\""

/** The octets of a document: equal documents are equal octets, with members in the order of their declaration. */
fun <T> encode(
    serializer: SerializationStrategy<T>,
    document: T,
): ByteArray = Json.encodeToString(serializer, document).encodeToByteArray()

typealias Timestamp =
    @Serializable(with = TimestampSerializer::class)
    OffsetDateTime

/** Documents are only written, never read. */
internal object TimestampSerializer : KSerializer<OffsetDateTime> {
    private const val LENGTH = 24

    override val descriptor = PrimitiveSerialDescriptor("fairground.Timestamp", PrimitiveKind.STRING)

    override fun serialize(
        encoder: Encoder,
        value: OffsetDateTime,
    ) {
        encoder.encodeString(StringBuilder(LENGTH).appendTimestamp(value.withOffsetSameInstant(ZoneOffset.UTC)).toString())
    }

    override fun deserialize(decoder: Decoder): OffsetDateTime = throw UnsupportedOperationException("times are only written")
}
