package fairground.plugins

import io.ktor.http.*
import io.ktor.server.application.*
import io.ktor.server.plugins.*
import io.ktor.server.request.*
import kotlinx.serialization.Serializable

// Ktor's RequestValidation does the same, but stops at a text; the contract wants each wrong field.

/** What is wrong with one field of a request. */
@Serializable
class FieldError(
    val field: String,
    val message: String,
)

/** Collects what is wrong with a request. */
class FieldErrors {
    private val errors = mutableListOf<FieldError>()

    /** Records that [field] is wrong unless [condition] holds. */
    fun require(
        field: String,
        condition: Boolean,
        message: String,
    ) {
        if (!condition) errors += FieldError(field, message)
    }

    /** Fails with a 422 if anything was recorded. */
    fun throwIfAny() {
        if (errors.isNotEmpty()) throw Problem(HttpStatusCode.UnprocessableEntity, errors = errors)
    }
}

/** A request body that knows its rules. */
interface Validated {
    fun validate(errors: FieldErrors)
}

/** The JSON body of the request. Fails if it isn't JSON, or breaks a rule. */
suspend inline fun <reified T : Validated> ApplicationCall.receiveValid(): T {
    val type = request.contentType()
    if (!type.match(ContentType.Application.Json)) throw UnsupportedMediaTypeException(type)
    // Where there is nothing to convert, Ktor would answer receive by itself.
    val body = receiveNullable<T?>() ?: throw BadRequestException("no body")
    FieldErrors().also(body::validate).throwIfAny()
    return body
}

/** The id in the path. Fails with a 404 unless it is an integer from 1 to 2⁶³−1. */
val ApplicationCall.id: Long
    get() = parameters["id"]?.toLongOrNull()?.takeIf { it > 0 } ?: throw Problem(HttpStatusCode.NotFound)
