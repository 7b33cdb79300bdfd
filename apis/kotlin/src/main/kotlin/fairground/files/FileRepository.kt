package fairground.files

import fairground.database.*
import org.jetbrains.exposed.sql.*

/** What PostgreSQL knows of files. */
class FileRepository(
    private val postgres: Postgres,
) {
    /** Inserts a file and returns its id. */
    suspend fun create(
        ownerId: Long,
        upload: Upload,
    ): Long =
        postgres.transaction {
            Files
                .insertReturning(listOf(Files.id)) {
                    it[Files.ownerId] = ownerId
                    it[filename] = upload.filename
                    it[contentType] = upload.contentType
                    it[size] = upload.size
                    it[sha256] = upload.sha256
                    it[storageName] = upload.storageName
                }.single()[Files.id]
        }

    suspend fun find(id: Long): StoredFile? =
        postgres.transaction {
            Files
                .select(Files.filename, Files.contentType, Files.size, Files.storageName)
                .where { Files.id eq id }
                .singleOrNull()
                ?.let { StoredFile(it[Files.filename], it[Files.contentType], it[Files.size], it[Files.storageName]) }
        }
}
