package fairground.store

import org.jetbrains.exposed.sql.SqlExpressionBuilder.eq
import org.jetbrains.exposed.sql.insertReturning
import org.jetbrains.exposed.sql.selectAll

/** What is recorded of files in PostgreSQL, one statement a method. */
class FileStore internal constructor(
    private val statements: Statements,
) {
    /** Inserts a file and returns its id. Fails with [NoSuchUser]. */
    suspend fun create(file: NewFile): Long =
        statements.run {
            Files
                .insertReturning(listOf(Files.id)) {
                    it[ownerId] = file.ownerId
                    it[filename] = file.filename
                    it[contentType] = file.contentType
                    it[size] = file.size
                    it[sha256] = file.sha256
                    it[storageName] = file.storageName
                }.single()[Files.id]
        }

    suspend fun find(id: Long): StoredFile? =
        statements.run {
            Files.selectAll().where(Files.id eq id).firstOrNull()?.let {
                StoredFile(it[Files.filename], it[Files.contentType], it[Files.size], it[Files.storageName])
            }
        }
}
