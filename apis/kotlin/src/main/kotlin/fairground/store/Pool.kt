package fairground.store

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import fairground.config.DatabaseSettings
import fairground.logging.Occasionally
import org.postgresql.ds.PGSimpleDataSource
import java.sql.Connection
import java.sql.SQLException
import javax.sql.DataSource

private const val CONNECT_TIMEOUT_SECONDS = 1
private const val LOGIN_TIMEOUT_SECONDS = 2
private const val RETRY_MILLISECONDS = 100L

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
    private val evictions = Occasionally()

    val dataSource: DataSource get() = hikari

    /** Why the last attempt to connect failed; null if it didn't. */
    val connectFailure: SQLException? get() = connector.failure

    /** Why there is no connection at all; null if there is one, or none was refused. */
    val outage: SQLException? get() = connector.failure?.takeIf { hikari.hikariPoolMXBean.totalConnections == 0 }

    /**
     * A connection turned out to be dead. Its siblings mostly are, too: PostgreSQL was restarted. Idle ones are dropped, and
     * those in use when they are given back.
     */
    fun onLostConnection() {
        if (evictions.isDue()) hikari.hikariPoolMXBean?.softEvictConnections()
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
            // A connection isn't tested by a round trip before its use, however long it was idle. Hikari has no setting for it.
            System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", Long.MAX_VALUE.toString())
            return HikariConfig().apply {
                dataSource = source
                poolName = "fairground"
                maximumPoolSize = size
                minimumIdle = size
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
                return source.connection.also { failure = null }
            } catch (refused: SQLException) {
                failure = refused
                // Hikari interrupts its thread when the pool is closed.
                Thread.sleep(RETRY_MILLISECONDS)
            }
        }
    }
}
