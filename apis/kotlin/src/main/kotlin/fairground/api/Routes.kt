package fairground.api

import fairground.cache.PostCache
import fairground.logging.log
import fairground.security.AccessTokens
import fairground.security.Passwords
import fairground.store.Store
import fairground.upload.UploadDirectory
import io.ktor.server.application.Application
import io.ktor.server.routing.Route
import io.ktor.server.routing.RoutingHandler
import io.ktor.server.routing.delete
import io.ktor.server.routing.get
import io.ktor.server.routing.head
import io.ktor.server.routing.post
import io.ktor.server.routing.put
import io.ktor.server.routing.routing

/** What the routes are made of. */
class Services(
    val store: Store,
    val cache: PostCache,
    val passwords: Passwords,
    val tokens: AccessTokens,
    val uploads: UploadDirectory,
)

/** All routes of the contract. At the level info requests are logged. */
fun Application.api(services: Services) {
    val outages = Outages()
    val health = HealthEndpoints(this, outages, services.store::ping, services.cache::ping)
    val users = UserEndpoints(services.store.users, services.passwords, services.tokens)
    val posts = PostEndpoints(services.store.posts, services.cache, services.tokens)
    val files = FileEndpoints(services.store.files, services.uploads, services.tokens)

    if (log.isInfoEnabled) logRequests()
    answerFailures(outages)
    checkRoutes()
    routing {
        read("/healthz") { health.health(call) }
        read("/readyz") { health.readiness(call) }
        post("/api/users") { users.register(call) }
        post("/api/auth/login") { users.login(call) }
        read("/api/users/me") { users.account(call) }
        read("/api/users/{id}") { users.show(call) }
        read("/api/posts") { posts.list(call) }
        post("/api/posts") { posts.create(call) }
        read("/api/posts/{id}") { posts.show(call) }
        put("/api/posts/{id}") { posts.update(call) }
        delete("/api/posts/{id}") { posts.delete(call) }
        post("/api/files") { files.upload(call) }
        read("/api/files/{id}") { files.download(call) }
    }
}

/** Takes GET, and HEAD, for which Netty leaves out the body. */
internal fun Route.read(
    path: String,
    handler: RoutingHandler,
) {
    get(path, handler)
    head(path, handler)
}
