package fairground.store

import org.jetbrains.exposed.sql.FieldSet
import org.jetbrains.exposed.sql.IntegerColumnType
import org.jetbrains.exposed.sql.Join
import org.jetbrains.exposed.sql.JoinType
import org.jetbrains.exposed.sql.Op
import org.jetbrains.exposed.sql.Query
import org.jetbrains.exposed.sql.QueryBuilder
import org.jetbrains.exposed.sql.ResultRow
import org.jetbrains.exposed.sql.SortOrder
import org.jetbrains.exposed.sql.SqlExpressionBuilder.eq
import org.jetbrains.exposed.sql.SqlExpressionBuilder.less
import org.jetbrains.exposed.sql.SqlExpressionBuilder.plus
import org.jetbrains.exposed.sql.and
import org.jetbrains.exposed.sql.deleteWhere
import org.jetbrains.exposed.sql.insertReturning
import org.jetbrains.exposed.sql.javatime.CurrentTimestampWithTimeZone
import org.jetbrains.exposed.sql.select
import org.jetbrains.exposed.sql.updateReturning

/** Posts in PostgreSQL: one statement a method, and a second one where a change has to tell why nothing was changed. */
class PostStore internal constructor(
    private val statements: Statements,
) {
    /** Up to [limit] posts with the highest ids, highest first, of those below [before] if it is given. */
    suspend fun page(
        before: Long?,
        limit: Int,
    ): List<Post> =
        statements.run {
            LimitedQuery(postColumns, before?.let { Posts.id less it }, limit)
                .orderBy(Posts.id, SortOrder.DESC)
                .map(::post)
        }

    /** One post with its author. */
    suspend fun find(id: Long): Post? = statements.run { Query(postColumns, Posts.id eq id).firstOrNull()?.let(::post) }

    /** Inserts a post. Fails with [NoSuchUser]. */
    suspend fun create(
        authorId: Long,
        authorName: String,
        title: String,
        body: String,
    ): Post =
        statements.run {
            val row =
                Posts
                    .insertReturning(listOf(Posts.id, Posts.version, Posts.createdAt, Posts.updatedAt)) {
                        it[Posts.authorId] = authorId
                        it[Posts.title] = title
                        it[Posts.body] = body
                    }.single()
            Post(row[Posts.id], authorId, authorName, title, body, row[Posts.version], row[Posts.createdAt], row[Posts.updatedAt])
        }

    /** Gives a post of [authorId] a new title and body. */
    suspend fun update(
        id: Long,
        authorId: Long,
        authorName: String,
        title: String,
        body: String,
    ): Change<Post> =
        statements.run {
            Posts
                .updateReturning(
                    listOf(Posts.version, Posts.createdAt, Posts.updatedAt),
                    where = { (Posts.id eq id) and (Posts.authorId eq authorId) },
                ) {
                    it[Posts.title] = title
                    it[Posts.body] = body
                    it[version] = version + 1L
                    it[updatedAt] = CurrentTimestampWithTimeZone
                }.singleOrNull()
                ?.let {
                    val version = it[Posts.version]
                    Change.Done(Post(id, authorId, authorName, title, body, version, it[Posts.createdAt], it[Posts.updatedAt]))
                } ?: whyNot(id)
        }

    /** Deletes a post of [authorId]. */
    suspend fun delete(
        id: Long,
        authorId: Long,
    ): Change<Unit> =
        statements.run {
            val deleted = Posts.deleteWhere { (Posts.id eq id) and (Posts.authorId eq authorId) }
            if (deleted == 0) whyNot(id) else Change.Done(Unit)
        }

    private fun whyNot(id: Long): Change<Nothing> {
        val exists = !Posts.select(Posts.id).where(Posts.id eq id).empty()
        return if (exists) Change.NotOwner else Change.NotFound
    }
}

private val postColumns: FieldSet =
    Join(Posts, Users, JoinType.INNER, Posts.authorId, Users.id).select(Posts.columns + Users.username).set

private fun post(row: ResultRow) =
    Post(
        row[Posts.id],
        row[Posts.authorId],
        row[Users.username],
        row[Posts.title],
        row[Posts.body],
        row[Posts.version],
        row[Posts.createdAt],
        row[Posts.updatedAt],
    )

/** A query whose LIMIT is a parameter: Exposed writes it into the text, which would be another statement for each limit. */
private class LimitedQuery(
    set: FieldSet,
    where: Op<Boolean>?,
    private val rows: Int,
) : Query(set, where) {
    override fun prepareSQL(builder: QueryBuilder): String {
        super.prepareSQL(builder)
        builder.append(" LIMIT ")
        builder.registerArgument(IntegerColumnType(), rows)
        return builder.toString()
    }
}
