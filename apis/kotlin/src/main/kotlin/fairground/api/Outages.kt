package fairground.api

import fairground.logging.Occasionally
import fairground.logging.log

/** Says in the log why requests are answered with 503. */
internal class Outages {
    private val lines = Occasionally()

    fun report(cause: Throwable) {
        if (lines.isDue()) log.atError().setCause(cause).log("service unavailable")
    }
}
