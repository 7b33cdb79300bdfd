package fairground.api

import fairground.security.AccessTokens
import fairground.security.Caller
import fairground.security.Passwords
import fairground.store.EmailTaken
import fairground.store.UserStore
import fairground.store.UsernameTaken
import fairground.view.AccessTokenView
import fairground.view.AccountView
import fairground.view.Problem
import fairground.view.UserView
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.response.header
import io.ktor.server.routing.RoutingCall

private val REGISTRATION = listOf(USERNAME, EMAIL, PASSWORD)
private val LOGIN = listOf(EMAIL, PASSWORD)

/** Registration, login, and what is known of users. */
internal class UserEndpoints(
    private val users: UserStore,
    private val passwords: Passwords,
    private val tokens: AccessTokens,
) {
    suspend fun register(call: RoutingCall) {
        val (username, email, password) = call.readFields(REGISTRATION)
        val hash = passwords.hash(password)
        val user =
            try {
                users.create(username, email.lowercase(), hash)
            } catch (_: UsernameTaken) {
                throw Problem.USERNAME_TAKEN
            } catch (_: EmailTaken) {
                throw Problem.EMAIL_TAKEN
            }
        call.response.header(HttpHeaders.Location, "/api/users/${user.id}")
        call.sendDocument(AccountView.serializer(), AccountView(user), HttpStatusCode.Created)
    }

    suspend fun login(call: RoutingCall) {
        val (email, password) = call.readFields(LOGIN)
        val user = users.findByEmail(email.lowercase())
        if (user == null) {
            passwords.verifyDecoy(password)
            throw Problem.BAD_LOGIN
        }
        if (!passwords.verify(user.passwordHash, password)) throw Problem.BAD_LOGIN
        val token = tokens.issue(Caller(user.id, user.username))
        val document = AccessTokenView(token, "Bearer", AccessTokens.LIFETIME_SECONDS)
        call.sendDocument(AccessTokenView.serializer(), document)
    }

    suspend fun account(call: RoutingCall) {
        val caller = call.authenticate(tokens)
        val user = users.find(caller.id) ?: throw Problem.BAD_TOKEN
        call.sendDocument(AccountView.serializer(), AccountView(user))
    }

    suspend fun show(call: RoutingCall) {
        val user = users.find(call.pathId) ?: throw Problem.NO_USER
        call.sendDocument(UserView.serializer(), UserView(user))
    }
}
