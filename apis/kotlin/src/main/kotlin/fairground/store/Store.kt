package fairground.store

import fairground.config.DatabaseSettings
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import org.jetbrains.exposed.sql.Database
import org.jetbrains.exposed.sql.DatabaseConfig
import org.jetbrains.exposed.sql.Transaction
import org.jetbrains.exposed.sql.statements.StatementType
import org.jetbrains.exposed.sql.transactions.TransactionManager
import org.jetbrains.exposed.sql.transactions.transaction
import java.sql.Connection
import java.sql.SQLException
import java.util.concurrent.Executors

private const val TURN_TIMEOUT_MILLISECONDS = 2000L

/**
 * Runs Exposed's statements, each on a connection of the pool. JDBC blocks, so they run on threads of their own, one for each
 * connection; who has to wait for a turn holds no thread, and gives up after two seconds.
 */
internal class Statements(
    settings: DatabaseSettings,
    size: Int,
) : AutoCloseable {
    private val pool = Pool(settings, size)
    private val turns = Semaphore(size)
    private val threads =
        Executors
            .newFixedThreadPool(
                size,
                Thread
                    .ofPlatform()
                    .name("postgres-", 0)
                    .daemon()
                    .factory(),
            ).asCoroutineDispatcher()
    private val database =
        Database.connect(
            pool.dataSource,
            databaseConfig =
                DatabaseConfig {
                    defaultMaxAttempts = 1
                    defaultIsolationLevel = Connection.TRANSACTION_READ_COMMITTED
                },
            manager = ::AutoCommit,
        )

    /** Runs [statement]. Fails with a [StoreFailure], or with what is unexpected. */
    suspend fun <T> run(statement: () -> T): T {
        if (!turns.tryAcquire()) waitForTurn()
        try {
            // Hikari would only wait in vain.
            pool.outage?.let { throw unreachable(it) }
            return withContext(threads) { execute(statement) }
        } finally {
            turns.release()
        }
    }

    /** Explains failures on the spot: whether anybody still waits for the answer or not, a dead connection was noticed. */
    private fun <T> execute(statement: () -> T): T {
        val generation = pool.generation
        try {
            return transaction(database) { named(statement) }
        } catch (failure: Exception) {
            throw explain(failure, generation)
        }
    }

    private fun <T> Transaction.named(statement: () -> T): T =
        try {
            statement()
        } catch (failure: SQLException) {
            val named = translate(failure)
            // Hikari closes what is dead; whatever fails on it next doesn't tell why.
            throw if (named is SQLException && connection.isClosed) ConnectionLost(named) else named
        }

    private suspend fun waitForTurn() {
        // The time may end when the turn has come already, so its result doesn't tell.
        var hasTurn = false
        withTimeoutOrNull(TURN_TIMEOUT_MILLISECONDS) {
            turns.acquire()
            hasTurn = true
        }
        if (!hasTurn) throw StoreUnavailable("no connection became free")
        // Others have waited for a connection in vain, and so would this one: it has no time left for that.
        pool.connectFailure?.let {
            turns.release()
            throw unreachable(it)
        }
    }

    private fun explain(
        failure: Exception,
        generation: Int,
    ): Throwable {
        val translated = translate(failure)
        if (translated is ConnectionLost) pool.onLostConnection(generation)
        if (translated !is NoConnection) return translated
        return pool.connectFailure?.let { unreachable(it) } ?: translated
    }

    /** See [Pool.awaitFull]. */
    fun awaitReady(milliseconds: Long) = pool.awaitFull(milliseconds)

    private fun unreachable(failure: SQLException) = StoreUnavailable("PostgreSQL can't be reached", failure)

    override fun close() {
        pool.close()
        threads.close()
    }
}

/** All that is kept in PostgreSQL. */
class Store(
    settings: DatabaseSettings,
    poolSize: Int,
) : AutoCloseable {
    private val statements = Statements(settings, poolSize)
    val users = UserStore(statements)
    val posts = PostStore(statements)
    val files = FileStore(statements)

    /**
     * Waits until all connections are made, so that the first requests needn't. Returns at once when PostgreSQL can't be
     * reached, and after [milliseconds] at the latest.
     */
    fun awaitReady(milliseconds: Long) = statements.awaitReady(milliseconds)

    /** Fails unless PostgreSQL answers. */
    suspend fun ping() {
        statements.run {
            TransactionManager.current().exec(
                "SELECT 1",
                explicitStatementType = StatementType.SELECT,
            ) { it.next() }
        }
    }

    /** Closes all connections. A ping that PostgreSQL hasn't answered fails; nothing else may be in flight. */
    override fun close() = statements.close()
}
