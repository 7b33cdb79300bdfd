package fairground.store

import org.jetbrains.exposed.sql.Table
import org.jetbrains.exposed.sql.javatime.timestampWithTimeZone

// The columns of the contract's schema. Ids, versions and times come from the database, which has defaults for them.

internal object Users : Table("users") {
    val id = long("id").autoIncrement()
    val username = text("username")
    val email = text("email")
    val passwordHash = text("password_hash")
    val createdAt = timestampWithTimeZone("created_at").databaseGenerated()
    override val primaryKey = PrimaryKey(id)
}

internal object Posts : Table("posts") {
    val id = long("id").autoIncrement()
    val authorId = long("author_id").references(Users.id)
    val title = text("title")
    val body = text("body")
    val version = long("version").databaseGenerated()
    val createdAt = timestampWithTimeZone("created_at").databaseGenerated()
    val updatedAt = timestampWithTimeZone("updated_at").databaseGenerated()
    override val primaryKey = PrimaryKey(id)
}

internal object Files : Table("files") {
    val id = long("id").autoIncrement()
    val ownerId = long("owner_id").references(Users.id)
    val filename = text("filename")
    val contentType = text("content_type")
    val size = long("size")
    val sha256 = text("sha256")
    val storageName = text("storage_name")
    override val primaryKey = PrimaryKey(id)
}
