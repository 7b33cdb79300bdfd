package fairground.plugins

import fairground.*
import fairground.files.*
import fairground.health.*
import fairground.posts.*
import fairground.users.*
import io.ktor.server.application.*
import io.ktor.server.routing.*

fun Application.configureRouting(services: Services) {
    routing {
        healthRoutes(services.postgres, services.redis)
        userRoutes(services.users, services.passwords, services.tokens)
        postRoutes(services.posts, services.postCache)
        fileRoutes(services.files, services.uploads)
    }
}
