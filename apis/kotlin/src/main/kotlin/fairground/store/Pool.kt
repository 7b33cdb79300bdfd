package fairground.store

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import fairground.config.DatabaseSettings
import org.postgresql.PGConnection
import org.postgresql.ds.PGSimpleDataSource
import java.sql.Connection
import java.sql.SQLException
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import javax.sql.DataSource

private const val CONNECT_TIMEOUT_SECONDS = 1
private const val LOGIN_TIMEOUT_SECONDS = 2
private const val RETRY_MILLISECONDS = 100L
private const val POLL_MILLISECONDS = 5L

/** Looking costs a millisecond, which under load no connection is idle for long enough to pay. */
private const val UNWATCHED_MILLISECONDS = 2000L
private const val LOOK_TIMEOUT_MILLISECONDS = 250L

/**
 * How long Hikari may take. Whose turn it is (see [Statements]) needn't wait for others, so this is the time to make a
 * connection: after a start or an outage Hikari makes them one after the other.
 */
private const val CONNECTION_TIMEOUT_MILLISECONDS = 1900L

/** A pool of [size] connections, which are made in the background: PostgreSQL may be away. */
internal class Pool(
    settings: DatabaseSettings,
    size: Int,
) : AutoCloseable {
    private val connector = PatientConnector(postgres(settings))
    private val hikari = HikariDataSource(configuration(connector, size))
    private val age = AtomicInteger()

    val dataSource: DataSource get() = hikari

    /** Why the last attempt to connect failed; null if it didn't. */
    val connectFailure: SQLException? get() = connector.failure

    /** Why there is no connection at all; null if there is one, or none was refused. */
    val outage: SQLException? get() = connector.failure?.takeIf { hikari.hikariPoolMXBean.totalConnections == 0 }

    /** What to name to [onLostConnection]; taken before a connection is. */
    val generation: Int get() = age.get()

    /**
     * A connection turned out to be dead. Its siblings mostly are, too: PostgreSQL was restarted. Idle ones are dropped, and
     * those in use when they are given back; but only once for all that were taken in one [generation], so that the losses of
     * one outage don't drop what has been made behind the first.
     */
    fun onLostConnection(generation: Int) {
        if (age.compareAndSet(generation, generation + 1)) hikari.hikariPoolMXBean.softEvictConnections()
    }

    /** Waits until the pool is full, but not for a PostgreSQL that is away, and [milliseconds] at most. */
    fun awaitFull(milliseconds: Long) {
        val end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds)
        val size = hikari.maximumPoolSize
        while (connectFailure == null && hikari.hikariPoolMXBean.totalConnections < size && System.nanoTime() - end < 0) {
            Thread.sleep(POLL_MILLISECONDS)
        }
    }

    override fun close() = hikari.close()

    private companion object {
        fun postgres(settings: DatabaseSettings) =
            PGSimpleDataSource().apply {
                serverNames = arrayOf(settings.host)
                portNumbers = intArrayOf(settings.port)
                databaseName = settings.database
                user = settings.user
                password = settings.password
                sslMode = "disable"
                gssEncMode = "disable"
                applicationName = "fairground"
                connectTimeout = CONNECT_TIMEOUT_SECONDS
                loginTimeout = LOGIN_TIMEOUT_SECONDS
                tcpNoDelay = true
                // Statements are prepared by the server at their first use, once for each connection.
                prepareThreshold = 1
                // Details quote values, such as an email that is taken, and would come into the log.
                logServerErrorDetail = false
            }

        fun configuration(
            source: DataSource,
            size: Int,
        ): HikariConfig {
            // How long a connection may have been idle without being looked at before its use. Hikari has no setting for it.
            System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", UNWATCHED_MILLISECONDS.toString())
            return HikariConfig().apply {
                dataSource = source
                poolName = "fairground"
                maximumPoolSize = size
                minimumIdle = size
                validationTimeout = LOOK_TIMEOUT_MILLISECONDS
                connectionTimeout = CONNECTION_TIMEOUT_MILLISECONDS
                initializationFailTimeout = -1
                // What works is kept.
                idleTimeout = 0
                maxLifetime = 0
                keepaliveTime = 0
                isAutoCommit = true
            }
        }
    }
}

/**
 * Tries again and again until it has a connection. Hikari itself would wait longer after each failure, up to five seconds;
 * this way a PostgreSQL that is back is noticed within a tenth of a second.
 */
private class PatientConnector(
    private val source: DataSource,
) : DataSource by source {
    @Volatile
    var failure: SQLException? = null
        private set

    override fun getConnection(): Connection {
        while (true) {
            try {
                return WatchedConnection(source.connection).also { failure = null }
            } catch (refused: SQLException) {
                failure = refused
                // Hikari interrupts its thread when the pool is closed.
                Thread.sleep(RETRY_MILLISECONDS)
            }
        }
    }
}

/**
 * Tells whether it is alive by what PostgreSQL has sent meanwhile, such as its farewell. The driver would make a round trip,
 * which the contract leaves out.
 */
private class WatchedConnection(
    private val connection: Connection,
) : Connection by connection {
    override fun isValid(timeout: Int): Boolean =
        try {
            connection.unwrap(PGConnection::class.java).notifications
            !connection.isClosed
        } catch (_: SQLException) {
            false
        }
}
