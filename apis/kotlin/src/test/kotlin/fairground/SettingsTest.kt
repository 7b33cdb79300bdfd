package fairground

import ch.qos.logback.classic.Level
import java.nio.file.Files
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse

class SettingsTest {
    private val environment =
        mapOf(
            "DATABASE_URL" to "postgres://me:p%40ss%2Fw%C3%B6rd@db.example:6543/my%20base",
            "REDIS_URL" to "redis://:s%40cret@127.0.0.1:6380/3",
            "JWT_SECRET" to "0123456789abcdef0123456789abcdef",
            "UPLOAD_DIR" to Files.createTempDirectory("uploads").toString(),
        )

    @Test
    fun `urls are percent-decoded`() {
        val settings = Settings.read(environment)
        val database = settings.database
        assertEquals(
            listOf("db.example", 6543, "my base", "me", "p@ss/wörd"),
            listOf(database.host, database.port, database.name, database.user, database.password),
        )
        val redis = settings.redis
        assertEquals(listOf("127.0.0.1", 6380, 3), listOf(redis.host, redis.port, redis.database))
        val credentials = redis.credentialsProvider.resolveCredentials().block()!!
        assertEquals("s@cret", String(credentials.password))
    }

    @Test
    fun `optional variables have defaults, also if they are empty`() {
        val settings = Settings.read(environment + mapOf("PORT" to "", "LOG_LEVEL" to ""))
        assertEquals(listOf("127.0.0.1", 8080, 32), listOf(settings.address.host, settings.address.port, settings.poolSize))
        assertEquals(Level.INFO, settings.logLevel)
    }

    @Test
    fun `a wrong or missing value is refused by name and never shown`() {
        val wrong =
            mapOf(
                "DATABASE_URL" to
                    listOf("mysql://me:pass@host/base", "postgres://host/base", "postgres://me:pass@host", "me:pass", ""),
                "REDIS_URL" to listOf("http://:pass@host:6379/0", "redis://:pass@host:6379/zero", "pass", ""),
                "JWT_SECRET" to listOf("short-secret", ""),
                "UPLOAD_DIR" to listOf("/does/not/exist", "\u0000", ""),
                "HOST" to listOf("localhost"),
                "PORT" to listOf("0", "65536", "http", "+8080"),
                "DB_POOL_SIZE" to listOf("0", "1001", "many"),
                "LOG_LEVEL" to listOf("debug", "INFO "),
            )
        for ((name, values) in wrong) {
            for (value in values) {
                val message = assertFailsWith<InvalidSetting>(value) { Settings.read(environment + (name to value)) }.message!!
                assertContains(message, name)
                if (value.length > 5) assertFalse(value in message, message)
            }
        }
        for (name in environment.keys) {
            assertContains(assertFailsWith<InvalidSetting> { Settings.read(environment - name) }.message!!, name)
        }
    }
}
