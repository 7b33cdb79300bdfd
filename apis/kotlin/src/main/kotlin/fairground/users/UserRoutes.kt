package fairground.users

import fairground.plugins.*
import io.ktor.http.*
import io.ktor.server.auth.*
import io.ktor.server.response.*
import io.ktor.server.routing.*

/** `/api/users` and `/api/auth`. */
fun Route.userRoutes(
    users: UserRepository,
    passwords: Passwords,
    tokens: Tokens,
) {
    route("/api/users") {
        install(JsonBody)

        post {
            val new = call.receiveValid<NewUser>()
            val hash = call.whileConnected { passwords.hash(new.password) }
            val account = users.create(new.username, new.email.lowercase(), hash)
            call.response.header(HttpHeaders.Location, "/api/users/${account.id}")
            call.respond(HttpStatusCode.Created, account)
        }

        authenticate {
            get("/me") {
                call.respond(users.findAccount(call.caller.id) ?: throw Problem(HttpStatusCode.Unauthorized))
            }
        }

        get("/{id}") {
            call.respond(users.find(call.id) ?: throw Problem(HttpStatusCode.NotFound))
        }
    }

    route("/api/auth") {
        install(JsonBody)

        post("/login") {
            val login = call.receiveValid<Login>()
            val user =
                call.whileConnected {
                    val found = users.findCredentials(login.email.lowercase())
                    found.takeIf { passwords.matches(login.password, it?.passwordHash) }
                } ?: throw Problem(HttpStatusCode.Unauthorized, "The email or the password is wrong.")
            call.respond(AccessToken(tokens.create(user.id, user.username), "Bearer", TOKEN_SECONDS))
        }
    }
}
