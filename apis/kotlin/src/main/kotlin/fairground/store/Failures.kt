package fairground.store

import org.postgresql.util.PSQLException
import java.sql.SQLException
import java.sql.SQLTransientConnectionException

/** What a caller tells apart of a statement's failures; any other exception is unexpected. */
sealed class StoreFailure(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause, false, false)

/** The username is taken. */
class UsernameTaken : StoreFailure("the username is taken")

/** The email is taken. */
class EmailTaken : StoreFailure("the email is taken")

/** The row refers to a user who doesn't exist. */
class NoSuchUser : StoreFailure("the row refers to a user who doesn't exist")

/** PostgreSQL can't be reached, ended the connection, is starting or stopping, or has no connection free. */
open class StoreUnavailable(
    message: String,
    cause: Throwable? = null,
) : StoreFailure(message, cause)

/** The pool had no connection in time. */
internal class NoConnection(
    cause: Throwable,
) : StoreUnavailable("no connection", cause)

/** The connection turned out to be dead. */
internal class ConnectionLost(
    cause: Throwable,
) : StoreUnavailable("the connection was lost", cause)

// SQLSTATE codes, from the appendix of the PostgreSQL manual.
private const val UNIQUE_VIOLATION = "23505"
private const val FOREIGN_KEY_VIOLATION = "23503"
private const val TOO_MANY_CONNECTIONS = "53300"
private const val CONNECTION_EXCEPTIONS = "08"
private const val OPERATOR_INTERVENTION = "57P"

/** Gives a failure of Exposed, Hikari or the driver its name of this package. */
internal fun translate(failure: Throwable): Throwable {
    if (failure is StoreFailure) return failure
    val chain = generateSequence(failure) { it.cause }.take(MAX_CAUSES).toList()
    if (chain.any { it is SQLTransientConnectionException }) return NoConnection(failure)
    val cause = chain.filterIsInstance<PSQLException>().firstOrNull() ?: chain.filterIsInstance<SQLException>().lastOrNull()
    val state = cause?.sqlState.orEmpty()
    return when {
        cause == null -> failure
        state == UNIQUE_VIOLATION && cause.constraint() == "users_username_key" -> UsernameTaken()
        state == UNIQUE_VIOLATION && cause.constraint() == "users_email_key" -> EmailTaken()
        state == FOREIGN_KEY_VIOLATION -> NoSuchUser()
        state == TOO_MANY_CONNECTIONS || state.startsWith(CONNECTION_EXCEPTIONS) || state.startsWith(OPERATOR_INTERVENTION) ->
            ConnectionLost(cause)
        // Without the statement and its arguments, which Exposed's exception carries.
        else -> cause
    }
}

private fun SQLException.constraint(): String? = (this as? PSQLException)?.serverErrorMessage?.constraint

private const val MAX_CAUSES = 5
