package fairground

import kotlin.test.Test
import kotlin.test.assertEquals

class OncePerSecondTest {
    @Test
    fun `each kind passes once a second`() {
        var now = Long.MAX_VALUE - 10
        val events = OncePerSecond { now }
        val seen = mutableListOf<String>()
        for (step in listOf(0L, 999_999_999L, 1L)) {
            now += step
            for (kind in listOf("a", "b")) events.run(kind) { seen += "$kind$step" }
        }
        assertEquals(listOf("a0", "b0", "a1", "b1"), seen)
    }
}
