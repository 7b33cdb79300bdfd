package fairground

import fairground.database.*
import fairground.files.*
import fairground.plugins.*
import fairground.posts.*
import fairground.redis.*
import fairground.users.*
import io.ktor.server.application.*
import io.ktor.server.plugins.defaultheaders.*

/** Everything the routes use, made once. */
class Services(
    settings: Settings,
) {
    val postgres = Postgres(settings.database, settings.poolSize)
    val redis = Redis(settings.redis)
    val tokens = Tokens(settings.jwtSecret)
    val passwords = Passwords()
    val users = UserRepository(postgres)
    val posts = PostRepository(postgres)
    val postCache = PostCache(redis)
    val files = FileRepository(postgres)
    val uploads = UploadDirectory(settings.uploads)
}

fun main() {
    val settings = readOrExit { Settings.read(System.getenv()) }
    logFrom(settings.logLevel)
    val services = Services(settings)
    serve(settings.address) { module(services) }
}

/** The API: plugins, then routes. */
fun Application.module(services: Services) {
    install(DefaultHeaders)
    configureMonitoring()
    configureSerialization()
    configureStatusPages()
    configureSecurity(services.tokens)
    configureRouting(services)
}
