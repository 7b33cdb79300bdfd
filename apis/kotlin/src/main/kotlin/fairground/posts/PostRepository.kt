package fairground.posts

import fairground.database.*
import fairground.plugins.*
import org.jetbrains.exposed.sql.*
import org.jetbrains.exposed.sql.SqlExpressionBuilder.eq
import org.jetbrains.exposed.sql.SqlExpressionBuilder.plus
import org.jetbrains.exposed.sql.javatime.*

/** Posts in PostgreSQL. */
class PostRepository(
    private val postgres: Postgres,
) {
    /** Up to [limit] posts with the highest ids below [before]. */
    suspend fun page(
        limit: Int,
        before: Long?,
    ): Page {
        // One more tells whether there is a next page.
        val posts =
            postgres.transaction {
                (Posts innerJoin Users)
                    .select(POST_COLUMNS)
                    .apply { if (before != null) where { Posts.id less before } }
                    .orderBy(Posts.id, SortOrder.DESC)
                    .limit(limit + 1)
                    .map { it.toPost() }
            }
        val items = posts.take(limit)
        return Page(items, if (posts.size > limit) items.last().id else null)
    }

    suspend fun find(id: Long): Post? =
        postgres.transaction {
            (Posts innerJoin Users)
                .select(POST_COLUMNS)
                .where { Posts.id eq id }
                .singleOrNull()
                ?.toPost()
        }

    suspend fun create(
        author: Caller,
        content: PostContent,
    ): Post =
        postgres.transaction {
            Posts
                .insertReturning(listOf(Posts.id, Posts.version, Posts.createdAt, Posts.updatedAt)) {
                    it[authorId] = author.id
                    it[title] = content.title
                    it[body] = content.body
                }.single()
                .let { content.toPost(it[Posts.id], author, it) }
        }

    /** Replaces the content of a post of [author], then runs [afterCommit]. Fails with [PostNotChanged] if there is none. */
    suspend fun update(
        id: Long,
        author: Caller,
        content: PostContent,
        afterCommit: suspend () -> Unit,
    ): Post =
        postgres.transaction(afterCommit) {
            Posts
                .updateReturning(
                    listOf(Posts.version, Posts.createdAt, Posts.updatedAt),
                    where = { (Posts.id eq id) and (Posts.authorId eq author.id) },
                ) {
                    it[title] = content.title
                    it[body] = content.body
                    it[version] = version + 1L
                    it[updatedAt] = CurrentTimestampWithTimeZone
                }.singleOrNull()
                ?.let { content.toPost(id, author, it) }
                ?: throw notChanged(id)
        }

    /** Deletes a post of [author], then runs [afterCommit]. Fails with [PostNotChanged] if there is none. */
    suspend fun delete(
        id: Long,
        author: Caller,
        afterCommit: suspend () -> Unit,
    ) = postgres.transaction(afterCommit) {
        val deleted = Posts.deleteWhere { (Posts.id eq id) and (authorId eq author.id) }
        if (deleted == 0) throw notChanged(id)
    }

    private fun notChanged(id: Long) = PostNotChanged(isMissing = Posts.select(Posts.id).where { Posts.id eq id }.empty())
}

private val POST_COLUMNS =
    listOf(
        Posts.id,
        Posts.authorId,
        Users.username,
        Posts.title,
        Posts.body,
        Posts.version,
        Posts.createdAt,
        Posts.updatedAt,
    )

private fun ResultRow.toPost() =
    Post(
        id = this[Posts.id],
        author = Author(this[Posts.authorId], this[Users.username]),
        title = this[Posts.title],
        body = this[Posts.body],
        version = this[Posts.version],
        createdAt = this[Posts.createdAt],
        updatedAt = this[Posts.updatedAt],
    )

private fun PostContent.toPost(
    id: Long,
    author: Caller,
    row: ResultRow,
) = Post(
    id = id,
    author = Author(author.id, author.name),
    title = title,
    body = body,
    version = row[Posts.version],
    createdAt = row[Posts.createdAt],
    updatedAt = row[Posts.updatedAt],
)
