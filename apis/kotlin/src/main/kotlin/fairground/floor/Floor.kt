package fairground.floor

import fairground.*
import fairground.database.*
import fairground.posts.*
import io.ktor.http.*
import io.ktor.server.application.*
import io.ktor.server.engine.*
import io.ktor.server.netty.*
import io.ktor.server.plugins.defaultheaders.*
import io.ktor.server.response.*
import io.ktor.server.routing.*
import io.lettuce.core.RedisException
import kotlinx.coroutines.*

private const val PAGE_SIZE = 1000
private const val RETRY_MILLISECONDS = 100L

/** The floor: Ktor alone, answering `GET /api/posts/{id}` from memory. Benchmarks compare the API with it. */
fun main() {
    val (address, database) = readOrExit { System.getenv().run { address() to database() } }
    val posts = loadPosts(database)
    serveFloor(address) { id -> posts[id] }
}

/** Answers posts that [find] has, until the process is ended. */
internal fun serveFloor(
    address: Address,
    find: suspend (Long) -> CachedPost?,
) {
    embeddedServer(Netty, port = address.port, host = address.host) { floor(find) }.start(wait = true)
}

private fun Application.floor(find: suspend (Long) -> CachedPost?) {
    install(DefaultHeaders)
    routing {
        get("/healthz") { call.respond(HttpStatusCode.OK) }
        get("/readyz") { call.respond(HttpStatusCode.OK) }
        get("/api/posts/{id}") {
            val post = call.parameters["id"]?.toLongOrNull()?.let { find(it) }
            if (post == null) {
                call.respond(HttpStatusCode.NotFound)
            } else {
                call.response.header(HttpHeaders.ETag, post.etag)
                call.response.header("X-Cache", "HIT")
                call.respondBytes(post.document, ContentType.Application.Json)
            }
        }
    }
}

/** All posts, as the API caches them. */
internal fun loadPosts(database: DatabaseSettings): Map<Long, CachedPost> =
    runBlocking {
        val repository = PostRepository(Postgres(database, poolSize = 1))
        val posts = HashMap<Long, CachedPost>()
        var before: Long? = null
        do {
            val page = untilItSucceeds { repository.page(PAGE_SIZE, before) }
            page.items.associateTo(posts) { it.id to CachedPost(it) }
            before = page.nextBefore
        } while (before != null)
        posts
    }

/** The result of [action], which is tried until PostgreSQL or Redis is there. */
internal suspend fun <T> untilItSucceeds(action: suspend () -> T): T {
    while (true) {
        try {
            return action()
        } catch (failure: DescribedException) {
            delay(RETRY_MILLISECONDS)
        } catch (failure: RedisException) {
            delay(RETRY_MILLISECONDS)
        }
    }
}
