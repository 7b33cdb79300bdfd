package fairground.users

import fairground.database.*
import org.jetbrains.exposed.sql.*

/** Users in PostgreSQL. */
class UserRepository(
    private val postgres: Postgres,
) {
    /** Inserts a user. Emails are in lower case here. */
    suspend fun create(
        username: String,
        email: String,
        passwordHash: String,
    ): Account =
        postgres.transaction {
            Users
                .insertReturning(listOf(Users.id, Users.createdAt)) {
                    it[Users.username] = username
                    it[Users.email] = email
                    it[Users.passwordHash] = passwordHash
                }.single()
                .let { Account(it[Users.id], username, email, it[Users.createdAt]) }
        }

    suspend fun findCredentials(email: String): Credentials? =
        postgres.transaction {
            Users
                .select(Users.id, Users.username, Users.passwordHash)
                .where { Users.email eq email }
                .singleOrNull()
                ?.let { Credentials(it[Users.id], it[Users.username], it[Users.passwordHash]) }
        }

    suspend fun findAccount(id: Long): Account? =
        postgres.transaction {
            Users
                .select(Users.id, Users.username, Users.email, Users.createdAt)
                .where { Users.id eq id }
                .singleOrNull()
                ?.let { Account(it[Users.id], it[Users.username], it[Users.email], it[Users.createdAt]) }
        }

    suspend fun find(id: Long): User? =
        postgres.transaction {
            Users
                .select(Users.id, Users.username, Users.createdAt)
                .where { Users.id eq id }
                .singleOrNull()
                ?.let { User(it[Users.id], it[Users.username], it[Users.createdAt]) }
        }
}
