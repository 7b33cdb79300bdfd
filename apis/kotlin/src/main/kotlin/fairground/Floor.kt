package fairground

import fairground.api.NoBody
import fairground.api.Octets
import fairground.api.read
import fairground.api.send
import fairground.config.FloorSettings
import fairground.config.LogLevel
import fairground.config.readFloorSettings
import fairground.http.HttpServer
import fairground.logging.setLogLevel
import fairground.store.Store
import fairground.view.PostView
import fairground.view.encode
import fairground.view.entityTag
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.response.header
import io.ktor.server.routing.routing
import kotlinx.coroutines.runBlocking

private const val PAGE_SIZE = 1000

/** One post as it is sent. */
private class Answer(
    val entityTag: String,
    val document: ByteArray,
)

/**
 * The least that a Ktor server can do for `GET /api/posts/{id}`: it answers with the same octets and headers as the API on a
 * cache hit, from memory. It has the API's own server settings, and benchmarks measure the API against it. It is no part of
 * the API.
 */
object Floor {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val settings = settingsOrExit { readFloorSettings(System.getenv()) }
        setLogLevel(LogLevel.WARN)
        val answers = load(settings)
        val server = HttpServer(settings.address, Runtime.getRuntime().availableProcessors()) { floor(answers) }
        drainOnSignal(server) {}
        startOrExit(server, settings.address)
    }

    private fun Application.floor(answers: Map<String, Answer>) {
        routing {
            read("/readyz") { call.send(NoBody(HttpStatusCode.OK)) }
            read("/api/posts/{id}") {
                val answer = answers[call.pathParameters["id"]]
                if (answer == null) {
                    call.send(NoBody(HttpStatusCode.NotFound))
                } else {
                    call.response.header("X-Content-Type-Options", "nosniff")
                    call.response.header(HttpHeaders.ETag, answer.entityTag)
                    call.response.header("X-Cache", "HIT")
                    call.send(Octets(answer.document))
                }
            }
        }
    }

    /** Reads all posts, page by page. */
    private fun load(settings: FloorSettings): Map<String, Answer> =
        Store(settings.database, poolSize = 1).use { store ->
            runBlocking {
                val answers = HashMap<String, Answer>()
                var before: Long? = null
                do {
                    val page = store.posts.page(before, PAGE_SIZE)
                    page.associateTo(answers) {
                        it.id.toString() to Answer(entityTag(it), encode(PostView.serializer(), PostView(it)))
                    }
                    before = page.lastOrNull()?.id
                } while (page.size == PAGE_SIZE)
                answers
            }
        }
}
