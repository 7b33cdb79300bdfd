package fairground.api

import fairground.cache.CachedPost
import fairground.cache.PostCache
import fairground.http.sentQuery
import fairground.security.AccessTokens
import fairground.store.Change
import fairground.store.NoSuchUser
import fairground.store.PostStore
import fairground.view.PageView
import fairground.view.PostView
import fairground.view.Problem
import fairground.view.encode
import fairground.view.entityTag
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.response.header
import io.ktor.server.routing.RoutingCall
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext

private val CONTENT = listOf(TITLE, BODY)

/** Posts, read through the cache. */
internal class PostEndpoints(
    private val posts: PostStore,
    private val cache: PostCache,
    private val tokens: AccessTokens,
) {
    suspend fun list(call: RoutingCall) {
        val query = PageQuery.parse(call.sentQuery)
        val cached = if (query.isDefault) cache.firstPage() else null
        if (cached != null) {
            call.send(Octets(cached))
            return
        }
        // One more than asked for tells whether there is a next page.
        val page = PageView.of(posts.page(query.before, query.limit + 1), query.limit)
        val document = encode(PageView.serializer(), page)
        if (query.isDefault) cache.setFirstPage(document)
        call.send(Octets(document))
    }

    suspend fun show(call: RoutingCall) {
        val id = call.pathId
        val cached = cache.post(id)
        if (cached != null) {
            call.sendPost(cached, "HIT")
            return
        }
        val post = posts.find(id) ?: throw Problem.NO_POST
        val entry = CachedPost(entityTag(post), encode(PostView.serializer(), PostView(post)))
        cache.setPost(id, entry)
        call.sendPost(entry, "MISS")
    }

    private suspend fun RoutingCall.sendPost(
        post: CachedPost,
        origin: String,
    ) {
        response.header(HttpHeaders.ETag, post.entityTag)
        response.header("X-Cache", origin)
        val conditions = request.headers.getAll(HttpHeaders.IfNoneMatch)
        val isUnmodified = conditions != null && matchesTag(conditions, post.entityTag)
        send(if (isUnmodified) NoBody(HttpStatusCode.NotModified) else Octets(post.document))
    }

    suspend fun create(call: RoutingCall) {
        val caller = call.authenticate(tokens)
        val (title, body) = call.readFields(CONTENT)
        val post =
            try {
                posts.create(caller.id, caller.name, title, body)
            } catch (_: NoSuchUser) {
                throw Problem.BAD_TOKEN
            }
        call.response.header(HttpHeaders.Location, "/api/posts/${post.id}")
        call.sendDocument(PostView.serializer(), PostView(post), HttpStatusCode.Created)
    }

    suspend fun update(call: RoutingCall) {
        val caller = call.authenticate(tokens)
        val (title, body) = call.readFields(CONTENT)
        val id = call.pathId
        val post = change(id) { posts.update(id, caller.id, caller.name, title, body) }
        call.sendDocument(PostView.serializer(), PostView(post))
    }

    suspend fun delete(call: RoutingCall) {
        val caller = call.authenticate(tokens)
        val id = call.pathId
        change(id) { posts.delete(id, caller.id) }
        call.send(NoBody(HttpStatusCode.NoContent))
    }

    /**
     * Runs a statement that changes a post and drops the post from the cache behind it. It goes on where the client has gone,
     * and where the statement failed: it may have been committed all the same, with the cache stale.
     */
    private suspend fun <T> change(
        id: Long,
        statement: suspend () -> Change<T>,
    ): T =
        withContext(NonCancellable) {
            val change =
                try {
                    statement()
                } catch (failure: Exception) {
                    cache.deletePost(id)
                    throw failure
                }
            when (change) {
                Change.NotFound -> throw Problem.NO_POST
                Change.NotOwner -> throw Problem.NOT_OWNER
                is Change.Done -> change.result.also { cache.deletePost(id) }
            }
        }
}
