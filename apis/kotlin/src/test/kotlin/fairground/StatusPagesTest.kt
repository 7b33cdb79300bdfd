package fairground

import fairground.database.*
import fairground.plugins.*
import fairground.posts.*
import fairground.users.*
import io.ktor.client.request.*
import io.ktor.client.statement.*
import io.ktor.http.*
import io.ktor.server.auth.*
import io.ktor.server.response.*
import io.ktor.server.routing.*
import io.ktor.server.testing.*
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.sql.SQLException
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse

/** The plugins, with routes that do nothing but fail. */
class StatusPagesTest {
    private val tokens = Tokens(ByteArray(32))

    private fun test(block: suspend ApplicationTestBuilder.() -> Unit) =
        testApplication {
            application {
                configureSerialization()
                configureStatusPages()
                configureSecurity(tokens)
                routing {
                    get("/ids/{id}") { call.respond(mapOf("id" to call.id)) }
                    get("/bug") { error("secret") }
                    get("/sql") { throw SQLException("secret", "42601") }
                    get("/outage") { throw DatabaseUnavailable("secret") }
                    get("/busy") { throw TooManyPasswords() }
                    route("/posts") {
                        install(JsonBody)
                        post { call.respond(HttpStatusCode.Created, call.receiveValid<PostContent>()) }
                    }
                    authenticate { get("/me") { call.respond(HttpStatusCode.OK) } }
                }
            }
            block()
        }

    private suspend fun expectProblem(
        status: Int,
        response: HttpResponse,
    ): HttpResponse {
        val text = response.bodyAsText()
        assertEquals(status, response.status.value, text)
        assertEquals(ContentType.Application.ProblemJson, response.contentType())
        val problem = Json.parseToJsonElement(text).jsonObject
        assertEquals(status, problem.getValue("status").jsonPrimitive.int)
        assertFalse(
            problem
                .getValue("title")
                .jsonPrimitive.content
                .isEmpty(),
        )
        assertFalse("secret" in text, text)
        return response
    }

    private suspend fun ApplicationTestBuilder.send(
        method: String,
        path: String,
        body: String? = null,
        type: ContentType? = ContentType.Application.Json,
    ) = client.request(path) {
        this.method = HttpMethod(method)
        if (body != null) setBody(body)
        if (body != null && type != null) contentType(type)
    }

    @Test
    fun `what isn't there is a problem, too`() =
        test {
            for (path in listOf("/nothing", "/ids/0", "/ids/x", "/ids/9223372036854775808")) expectProblem(404, send("GET", path))
            expectProblem(405, send("PUT", "/posts"))
            assertEquals("""{"id":9223372036854775807}""", send("GET", "/ids/9223372036854775807").bodyAsText())
        }

    @Test
    fun `failures are told without their cause`() =
        test {
            for ((path, status) in mapOf("/bug" to 500, "/sql" to 500, "/outage" to 503, "/busy" to 503)) {
                expectProblem(status, send("GET", path))
            }
        }

    @Test
    fun `bodies that can't be read are refused`() =
        test {
            val bodies =
                listOf(
                    "",
                    "{",
                    "[]",
                    "null",
                    "1",
                    """{"title":1,"body":"b"}""",
                    """{"title":"t" "body":"b"}""",
                    """{"title":"t","body":"b","other":bare}""",
                    "{\"title\":\"a\nb\",\"body\":\"b\"}",
                    """{"title":"t","body":"b","other":${"[".repeat(30_000)}${"]".repeat(30_000)}}""",
                    "\u0000\u0000\u0000\u0001",
                )
            for (body in bodies) expectProblem(400, send("POST", "/posts", body))
            expectProblem(413, send("POST", "/posts", "\"" + "a".repeat(65_536)))
            expectProblem(415, send("POST", "/posts", "{}", ContentType.Text.Plain))
            val invalid = expectProblem(422, send("POST", "/posts", """{"title":null,"other":[]}"""))
            val errors = Json.parseToJsonElement(invalid.bodyAsText()).jsonObject.getValue("errors")
            val fields =
                errors.jsonArray.map {
                    it.jsonObject
                        .getValue("field")
                        .jsonPrimitive.content
                }
            assertEquals(listOf("title", "body"), fields)
        }

    @Test
    fun `who has no token is challenged`() =
        test {
            for (header in listOf(null, "Bearer", "Bearer x", "Bearer a, b", "Basic eDp5", ", ,")) {
                val response = client.request("/me") { header?.let { header(HttpHeaders.Authorization, it) } }
                assertEquals("Bearer", expectProblem(401, response).headers[HttpHeaders.WWWAuthenticate])
            }
            assertEquals(200, client.request("/me") { bearerAuth(tokens.create(1, "alice")) }.status.value)
        }
}
