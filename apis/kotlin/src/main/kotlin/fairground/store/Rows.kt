package fairground.store

import java.time.OffsetDateTime

/** A row of users. */
class User(
    val id: Long,
    val username: String,
    val email: String,
    val passwordHash: String,
    val createdAt: OffsetDateTime,
)

/** A row of posts, with its author's name. */
class Post(
    val id: Long,
    val authorId: Long,
    val authorName: String,
    val title: String,
    val body: String,
    val version: Long,
    val createdAt: OffsetDateTime,
    val updatedAt: OffsetDateTime,
)

/** What is recorded of an uploaded file. */
class NewFile(
    val ownerId: Long,
    val filename: String,
    val contentType: String,
    val size: Long,
    val sha256: String,
    val storageName: String,
)

/** What a download needs of a row of files. */
class StoredFile(
    val filename: String,
    val contentType: String,
    val size: Long,
    val storageName: String,
)

/** What became of a change to a post. */
sealed interface Change<out T> {
    class Done<T>(
        val result: T,
    ) : Change<T>

    data object NotFound : Change<Nothing>

    data object NotOwner : Change<Nothing>
}
