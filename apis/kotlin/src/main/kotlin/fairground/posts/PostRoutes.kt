package fairground.posts

import fairground.plugins.*
import io.ktor.http.*
import io.ktor.server.application.*
import io.ktor.server.auth.*
import io.ktor.server.response.*
import io.ktor.server.routing.*

private const val DEFAULT_LIMIT = 20
private const val MAX_LIMIT = 100

/** `/api/posts`. */
fun Route.postRoutes(
    posts: PostRepository,
    cache: PostCache,
) = route("/api/posts") {
    install(JsonBody)

    get {
        val query = PageQuery.of(call.request.queryParameters)
        val document = if (query.isFirstPage) firstPage(posts, cache) else page(posts, query)
        call.respondBytes(document, ContentType.Application.Json)
    }

    get("/{id}") {
        val id = call.id
        val cached = cache.find(id)
        if (cached != null) {
            call.respondPost(cached, "HIT")
        } else {
            val post = CachedPost(posts.find(id) ?: throw Problem(HttpStatusCode.NotFound))
            cache.store(id, post)
            call.respondPost(post, "MISS")
        }
    }

    authenticate {
        post {
            val post = posts.create(call.caller, call.receiveValid<PostContent>())
            call.response.header(HttpHeaders.Location, "/api/posts/${post.id}")
            call.respond(HttpStatusCode.Created, post)
        }

        put("/{id}") {
            val id = call.id
            val content = call.receiveValid<PostContent>()
            call.respond(posts.update(id, call.caller, content) { cache.remove(id) })
        }

        delete("/{id}") {
            val id = call.id
            posts.delete(id, call.caller) { cache.remove(id) }
            call.respond(HttpStatusCode.NoContent)
        }
    }
}

/** The query of a list. */
internal class PageQuery(
    val limit: Int,
    val before: Long?,
) {
    val isFirstPage get() = limit == DEFAULT_LIMIT && before == null

    companion object {
        /** Fails with a 422 if `limit` or `before` is out of bounds. */
        fun of(parameters: Parameters): PageQuery {
            val limit = parameters["limit"]?.let { it.toIntOrNull() ?: 0 } ?: DEFAULT_LIMIT
            val before = parameters["before"]?.let { it.toLongOrNull() ?: 0 }
            FieldErrors()
                .apply {
                    require("limit", limit in 1..MAX_LIMIT, "must be an integer from 1 to $MAX_LIMIT")
                    require("before", before == null || before > 0, "must be an id")
                }.throwIfAny()
            return PageQuery(limit, before)
        }
    }
}

private suspend fun firstPage(
    posts: PostRepository,
    cache: PostCache,
): ByteArray = cache.findFirstPage() ?: page(posts, PageQuery(DEFAULT_LIMIT, before = null)).also { cache.storeFirstPage(it) }

private suspend fun page(
    posts: PostRepository,
    query: PageQuery,
): ByteArray = json.encodeToString(posts.page(query.limit, query.before)).encodeToByteArray()

private suspend fun ApplicationCall.respondPost(
    post: CachedPost,
    cache: String,
) {
    response.header(HttpHeaders.ETag, post.etag)
    response.header("X-Cache", cache)
    if (request.headers[HttpHeaders.IfNoneMatch] == post.etag) {
        respond(HttpStatusCode.NotModified)
    } else {
        respondBytes(post.document, ContentType.Application.Json)
    }
}
