package fairground.store

import org.jetbrains.exposed.sql.Op
import org.jetbrains.exposed.sql.SqlExpressionBuilder.eq
import org.jetbrains.exposed.sql.insertReturning
import org.jetbrains.exposed.sql.selectAll

/** Users in PostgreSQL, one statement a method. */
class UserStore internal constructor(
    private val statements: Statements,
) {
    /** Inserts a user. Fails with [UsernameTaken] or [EmailTaken]. */
    suspend fun create(
        username: String,
        email: String,
        passwordHash: String,
    ): User =
        statements.run {
            val row =
                Users
                    .insertReturning(listOf(Users.id, Users.createdAt)) {
                        it[Users.username] = username
                        it[Users.email] = email
                        it[Users.passwordHash] = passwordHash
                    }.single()
            User(row[Users.id], username, email, passwordHash, row[Users.createdAt])
        }

    /** The user with this address, in lower case. */
    suspend fun findByEmail(email: String): User? = find { Users.email eq email }

    suspend fun find(id: Long): User? = find { Users.id eq id }

    private suspend fun find(predicate: () -> Op<Boolean>): User? =
        statements.run {
            Users.selectAll().where(predicate()).firstOrNull()?.let {
                User(it[Users.id], it[Users.username], it[Users.email], it[Users.passwordHash], it[Users.createdAt])
            }
        }
}
