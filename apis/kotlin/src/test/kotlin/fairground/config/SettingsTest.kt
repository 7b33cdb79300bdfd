package fairground.config

import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class SettingsTest {
    private val directory: Path = Files.createTempDirectory("settings")
    private val good =
        mapOf(
            "DATABASE_URL" to "postgres://user:p%40ss@db_host:5433/name",
            "REDIS_URL" to "redis://:secret@cache:6380/3",
            "JWT_SECRET" to "0123456789abcdef0123456789abcdef",
            "UPLOAD_DIR" to directory.toString(),
        )

    @OptIn(ExperimentalPathApi::class)
    @AfterTest
    fun remove() = directory.deleteRecursively()

    private fun problemsOf(vararg changes: Pair<String, String>): List<String> =
        assertFailsWith<InvalidSettings> { readSettings(good + changes) }.problems

    @Test
    fun `what is not set has defaults`() {
        val settings = readSettings(good + ("PORT" to ""))
        assertEquals("127.0.0.1:8080", settings.address.toString())
        assertEquals(32, settings.poolSize)
        assertEquals(LogLevel.INFO, settings.logLevel)
        assertContentEquals(good.getValue("JWT_SECRET").toByteArray(), settings.jwtSecret)
        with(settings.database) {
            assertEquals(listOf("db_host", 5433, "name", "user", "p@ss"), listOf(host, port, database, user, password))
        }
        with(settings.redis) { assertEquals(listOf("cache", 6380, "", "secret", 3), listOf(host, port, user, password, number)) }
    }

    @Test
    fun `urls may leave things out`() {
        val settings =
            readSettings(
                good +
                    mapOf(
                        "DATABASE_URL" to "postgresql://u@[::1]/d?sslmode=disable",
                        "REDIS_URL" to "redis://h",
                        "HOST" to "::1",
                    ),
            )
        with(settings.database) { assertEquals(listOf("::1", 5432, ""), listOf(host, port, password)) }
        with(settings.redis) { assertEquals(listOf("h", 6379, 0), listOf(host, port, number)) }
        assertEquals("[::1]:8080", settings.address.toString())
    }

    @Test
    fun `all that is missing is named, in order`() {
        val problems = assertFailsWith<InvalidSettings> { readSettings(emptyMap()) }.problems
        val required = listOf("DATABASE_URL", "REDIS_URL", "JWT_SECRET", "UPLOAD_DIR")
        assertEquals(required.map { "$it: is required" }, problems)
    }

    @Test
    fun `all that is wrong is named, and no value`() {
        val wrong =
            listOf(
                "DATABASE_URL" to "mysql://a:b@c/d",
                "REDIS_URL" to "http://x",
                "JWT_SECRET" to "short",
                "HOST" to "localhost",
                "PORT" to "0",
                "UPLOAD_DIR" to "/nowhere/at/all",
                "DB_POOL_SIZE" to "1001",
                "LOG_LEVEL" to "debug",
            )
        val expected =
            listOf(
                "DATABASE_URL: must be a postgres:// URL with user, host and database",
                "REDIS_URL: must be a redis:// URL with a host",
                "JWT_SECRET: must be at least 32 bytes",
                "HOST: must be an IP address",
                "PORT: must be an integer from 1 to 65535",
                "UPLOAD_DIR: must be a directory that can be written to",
                "DB_POOL_SIZE: must be an integer from 1 to 1000",
                "LOG_LEVEL: must be error, warn or info",
            )
        assertEquals(expected, problemsOf(*wrong.toTypedArray()))
    }

    @Test
    fun `single values that are wrong`() {
        val urls =
            listOf(
                "",
                "postgres:",
                "postgres://h/d",
                "postgres://u@/d",
                "postgres://u@h",
                "postgres://u@h/",
                "postgres://u%4@h/d",
            ) +
                listOf(
                    "postgres://u@h:0/d",
                    "postgres://u@h:x/d",
                    "postgres://u@h:65536/d",
                    "postgres://u@h/d#f",
                    "postgres://u@[::1/d",
                )
        for (url in urls) assertEquals(1, problemsOf("DATABASE_URL" to url).size, url)
        for (url in listOf("redis://", "redis://h/x", "redis://h/-1", "redis://h/01", "rediss://h", "h")) {
            assertEquals(1, problemsOf("REDIS_URL" to url).size, url)
        }
        for (port in listOf("65536", "+1", "01", "1.0", "x", " 1")) assertEquals(1, problemsOf("PORT" to port).size, port)
        for (level in listOf("INFO", "warning", " info")) assertEquals(1, problemsOf("LOG_LEVEL" to level).size, level)
    }

    @Test
    fun `the floor needs less`() {
        assertEquals("name", readFloorSettings(good - "REDIS_URL" - "JWT_SECRET" - "UPLOAD_DIR").database.database)
        assertEquals(
            listOf("DATABASE_URL: is required"),
            assertFailsWith<InvalidSettings> { readFloorSettings(emptyMap()) }.problems,
        )
    }
}
