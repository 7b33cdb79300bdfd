package fairground.posts

import fairground.plugins.*
import fairground.redis.*

private const val FIRST_PAGE = "posts:first"
private const val POST_SECONDS = 600L
private const val FIRST_PAGE_SECONDS = 5L
private const val NEWLINE = '\n'.code.toByte()

/** A post as it is sent, and its entity tag. */
class CachedPost(
    val etag: String,
    val document: ByteArray,
) {
    constructor(post: Post) : this("\"${post.id}-${post.version}\"", json.encodeToString(post).encodeToByteArray())

    /** As it is stored, also by the other implementations: entity tag, newline, document. */
    fun toEntry(): ByteArray = etag.encodeToByteArray() + NEWLINE + document

    companion object {
        /** Reads what [toEntry] wrote; null if there is no newline. */
        fun ofEntry(entry: ByteArray): CachedPost? {
            val newline = entry.indexOf(NEWLINE)
            if (newline < 0) return null
            return CachedPost(entry.decodeToString(0, newline), entry.copyOfRange(newline + 1, entry.size))
        }
    }
}

/** Posts and the first page in Redis. */
class PostCache(
    private val redis: Redis,
) {
    suspend fun find(id: Long): CachedPost? = redis.get(key(id))?.let(CachedPost::ofEntry)

    suspend fun store(
        id: Long,
        post: CachedPost,
        seconds: Long? = POST_SECONDS,
    ) = redis.set(key(id), post.toEntry(), seconds)

    suspend fun remove(id: Long) = redis.delete(key(id))

    suspend fun findFirstPage(): ByteArray? = redis.get(FIRST_PAGE)

    suspend fun storeFirstPage(document: ByteArray) = redis.set(FIRST_PAGE, document, FIRST_PAGE_SECONDS)

    private fun key(id: Long) = "post:$id"
}
