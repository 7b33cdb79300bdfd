package fairground.cache

import fairground.logging.Occasionally
import fairground.logging.log
import io.lettuce.core.RedisCommandExecutionException
import io.lettuce.core.RedisFuture
import io.lettuce.core.SetArgs
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.future.await

/** An encoded post with its entity tag. */
class CachedPost(
    val entityTag: String,
    val document: ByteArray,
)

/**
 * Keeps encoded posts in Redis. Only [ping] fails: Redis being away or slow is a miss, and one warning a second in the log.
 */
class PostCache(
    private val connection: RedisConnection,
) {
    private val warnings = Occasionally()

    /** Until then Redis is passed over by reads: what waits in a queue for a Redis that hangs would only grow. */
    @Volatile
    private var passedOverUntil = System.nanoTime()

    /** Fails unless Redis answers. */
    suspend fun ping() {
        connection.ping().await()
    }

    /** The post with this id; null if it isn't there, or has no entity tag. */
    suspend fun post(id: Long): CachedPost? =
        read("GET") { connection.get(postKey(id), CachedPostCodec) }?.takeIf { it !== CachedPostCodec.MALFORMED }

    /** Stores the post with this id. */
    suspend fun setPost(
        id: Long,
        post: CachedPost,
    ) {
        read("SET") { connection.set(postKey(id), post, CachedPostCodec, SetArgs.Builder.ex(POST_SECONDS)) }
    }

    /** Forgets the post with this id. It is tried even while Redis is passed over: a stale post would stay for ten minutes. */
    suspend fun deletePost(id: Long) {
        attempt("DEL") { connection.delete(postKey(id)) }
    }

    /** The default first page. */
    suspend fun firstPage(): ByteArray? = read("GET") { connection.get(FIRST_PAGE_KEY, OctetsCodec) }

    /** Stores the default first page. */
    suspend fun setFirstPage(page: ByteArray) {
        read("SET") { connection.set(FIRST_PAGE_KEY, page, OctetsCodec, SetArgs.Builder.ex(PAGE_SECONDS)) }
    }

    private suspend inline fun <T> read(
        command: String,
        send: () -> RedisFuture<T>,
    ): T? = if (System.nanoTime() - passedOverUntil < 0) null else attempt(command, send)

    private suspend inline fun <T> attempt(
        command: String,
        send: () -> RedisFuture<T>,
    ): T? =
        try {
            send().await()
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (failure: Exception) {
            onFailure(command, failure)
            null
        }

    private fun onFailure(
        command: String,
        failure: Exception,
    ) {
        // A Redis that answers, if only with an error, costs no time.
        if (failure !is RedisCommandExecutionException) passedOverUntil = System.nanoTime() + PASSED_OVER_NANOS
        if (warnings.isDue()) {
            log
                .atWarn()
                .addKeyValue("command", command)
                .setCause(failure)
                .log("Redis failed")
        }
    }

    private companion object {
        const val POST_SECONDS = 600L
        const val PAGE_SECONDS = 5L
        const val FIRST_PAGE_KEY = "posts:first"
        const val PASSED_OVER_NANOS = 500_000_000L

        fun postKey(id: Long) = "post:$id"
    }
}
