package fairground.plugins

import io.ktor.server.application.*
import io.ktor.server.plugins.calllogging.*
import io.ktor.server.request.*
import org.slf4j.event.Level

/** A line for each request, at the level info. */
fun Application.configureMonitoring() {
    install(CallLogging) {
        level = Level.INFO
        format { call -> "${call.response.status()?.value} ${call.request.httpMethod.value} ${call.request.path()}" }
    }
}
