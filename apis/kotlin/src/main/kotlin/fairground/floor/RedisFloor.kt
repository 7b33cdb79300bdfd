package fairground.floor

import fairground.*
import fairground.posts.*
import fairground.redis.*
import kotlinx.coroutines.*

/** The floor with Redis: the same answers, each fetched by the API's client of Redis. */
fun main() {
    val environment = System.getenv()
    val (address, database) = readOrExit { environment.address() to environment.database() }
    val redis = Redis(readOrExit { environment.redis() })
    val cache = PostCache(redis)
    val posts = loadPosts(database)

    // What is missing is stored, so that a flushed Redis is filled again.
    suspend fun find(id: Long): CachedPost? = cache.find(id) ?: posts[id]?.also { cache.store(id, it, seconds = null) }

    runBlocking {
        untilItSucceeds { redis.ping() }
        posts.keys.forEach { find(it) }
    }
    serveFloor(address, ::find)
}
