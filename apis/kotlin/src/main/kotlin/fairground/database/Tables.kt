package fairground.database

import org.jetbrains.exposed.sql.*
import org.jetbrains.exposed.sql.javatime.*

// The columns that the API reads or writes. PostgreSQL gives ids, versions and times their values.

object Users : Table("users") {
    val id = long("id").autoIncrement()
    val username = text("username")
    val email = text("email")
    val passwordHash = text("password_hash")
    val createdAt = timestampWithTimeZone("created_at").databaseGenerated()
    override val primaryKey = PrimaryKey(id)
}

object Posts : Table("posts") {
    val id = long("id").autoIncrement()
    val authorId = long("author_id").references(Users.id)
    val title = text("title")
    val body = text("body")
    val version = long("version").databaseGenerated()
    val createdAt = timestampWithTimeZone("created_at").databaseGenerated()
    val updatedAt = timestampWithTimeZone("updated_at").databaseGenerated()
    override val primaryKey = PrimaryKey(id)
}

object Files : Table("files") {
    val id = long("id").autoIncrement()
    val ownerId = long("owner_id").references(Users.id)
    val filename = text("filename")
    val contentType = text("content_type")
    val size = long("size")
    val sha256 = text("sha256")
    val storageName = text("storage_name")
    override val primaryKey = PrimaryKey(id)
}
