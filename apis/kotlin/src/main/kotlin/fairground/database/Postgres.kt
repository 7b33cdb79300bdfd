package fairground.database

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import fairground.*
import kotlinx.coroutines.*
import org.jetbrains.exposed.sql.*
import org.jetbrains.exposed.sql.transactions.transaction
import org.jetbrains.exposed.sql.vendors.PostgreSQLDialect
import org.postgresql.ds.PGSimpleDataSource
import java.sql.Connection
import java.sql.SQLException
import java.sql.SQLTransientConnectionException
import java.util.concurrent.Executors
import javax.sql.DataSource
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** PostgreSQL can't answer at the moment. Whether the statement took effect is unknown. */
open class DatabaseUnavailable(
    message: String,
    cause: Throwable? = null,
) : DescribedException(message, cause)

/** There was no connection in time, so nothing was sent. */
class NoConnection(
    message: String,
    cause: Throwable? = null,
) : DatabaseUnavailable(message, cause)

/** PostgreSQL through Exposed on a pool of [poolSize] connections. */
class Postgres(
    settings: DatabaseSettings,
    poolSize: Int,
) {
    private val exposed =
        Database.connect(
            HikariDataSource(
                HikariConfig().apply {
                    dataSource = RetryingDataSource(postgres(settings))
                    maximumPoolSize = poolSize
                    connectionTimeout = CONNECTION_TIMEOUT_MILLISECONDS
                    validationTimeout = VALIDATION_TIMEOUT_MILLISECONDS
                    initializationFailTimeout = -1
                },
            ),
            databaseConfig =
                DatabaseConfig {
                    defaultMaxAttempts = 1
                    // Exposed would ask PostgreSQL, and without a connection end the thread of a coroutine.
                    explicitDialect = PostgreSQLDialect()
                },
        )

    // JDBC blocks, so each connection has a thread of its own. Dispatchers.IO shares its threads with Dispatchers.Default, on
    // which Ktor resumes calls: then another of many threads would be woken for each. Not the call's scope: see below.
    private val scope = CoroutineScope(SupervisorJob() + Executors.newFixedThreadPool(poolSize).asCoroutineDispatcher())

    /**
     * Runs [statement] in one transaction, and then [afterCommit], also if whether it was committed isn't known. Both run to
     * their end even if the caller stops waiting, as it does after [PATIENCE]: a driver's call can't be interrupted.
     */
    suspend fun <T> transaction(
        afterCommit: suspend () -> Unit = {},
        statement: Transaction.() -> T,
    ): T {
        val start = TimeSource.Monotonic.markNow()
        val work =
            scope.async {
                try {
                    inTransaction {
                        // Its caller has gone; PostgreSQL may have just come back, and has better things to do.
                        if (start.elapsedNow() > PATIENCE) throw NoConnection("waited too long for a thread")
                        statement()
                    }.also { afterCommit() }
                } catch (failure: DatabaseUnavailable) {
                    if (failure !is NoConnection) afterCommit()
                    throw failure
                }
            }
        withTimeoutOrNull(PATIENCE) { work.join() }
            ?: throw DatabaseUnavailable("no answer within $PATIENCE")
        return work.await()
    }

    /** Fails unless PostgreSQL answers. */
    suspend fun ping() {
        transaction { exec("SELECT 1") }
    }

    private fun <T> inTransaction(statement: Transaction.() -> T): T =
        try {
            transaction(exposed, statement)
        } catch (failure: SQLException) {
            throw unavailable(failure) ?: failure
        }

    private fun unavailable(failure: SQLException): DatabaseUnavailable? {
        val noConnection = generateSequence<Throwable>(failure) { it.cause }.any { it is SQLTransientConnectionException }
        return when {
            noConnection -> NoConnection("no connection became free", failure)
            failure.sqlState?.take(2) !in UNAVAILABLE_CLASSES -> null
            else -> DatabaseUnavailable("PostgreSQL failed", failure)
        }
    }
}

private fun postgres(settings: DatabaseSettings) =
    PGSimpleDataSource().apply {
        serverNames = arrayOf(settings.host)
        portNumbers = intArrayOf(settings.port)
        databaseName = settings.name
        user = settings.user
        password = settings.password
        sslMode = "disable"
        // If packets are dropped between a statement and its COMMIT, its rows would stay locked until TCP sends again, which
        // can be 13 s after the network's return.
        options = "-c idle_in_transaction_session_timeout=${SOCKET_TIMEOUT_SECONDS}s"
        // Of its own accord the driver would send a statement five times before it prepares it.
        prepareThreshold = 1
        connectTimeout = CONNECT_TIMEOUT_SECONDS
        socketTimeout = SOCKET_TIMEOUT_SECONDS
        tcpKeepAlive = true
        logServerErrorDetail = false
    }

/**
 * Tries to connect every half second until it succeeds. Hikari's thread for new connections asks it; left to itself, Hikari
 * doubles its pause after each failure up to five seconds, which with the time to connect is too long after an outage.
 */
private class RetryingDataSource(
    private val source: DataSource,
) : DataSource by source {
    private val warnings = OncePerSecond()

    // Hikari would set one for the whole attempt, which makes the driver connect on a further thread. The driver's own are enough.
    override fun setLoginTimeout(seconds: Int) = Unit

    override fun getConnection(): Connection {
        while (true) {
            try {
                return source.connection
            } catch (failure: SQLException) {
                warnings.run("connect") { log.warn("Cannot connect to PostgreSQL: {}", describe(failure)) }
                Thread.sleep(RETRY_MILLISECONDS)
            }
        }
    }
}

/** How long a request waits for PostgreSQL; the contract allows three seconds, also on a busy CPU. */
private val PATIENCE = 2.seconds
private const val CONNECTION_TIMEOUT_MILLISECONDS = 1500L
private const val VALIDATION_TIMEOUT_MILLISECONDS = 1000L
private const val CONNECT_TIMEOUT_SECONDS = 1
private const val SOCKET_TIMEOUT_SECONDS = 2
private const val RETRY_MILLISECONDS = 500L

/** Classes of SQLSTATE: connection exception, invalid transaction state, insufficient resources, operator intervention. */
private val UNAVAILABLE_CLASSES = setOf("08", "25", "53", "57")
