package fairground.api

import fairground.http.IncompleteBody
import fairground.logging.log
import fairground.store.StoreUnavailable
import fairground.view.Problem
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.request.httpMethod
import io.ktor.server.request.path
import io.ktor.server.response.header
import kotlinx.coroutines.CancellationException

private const val NANOS_PER_MICROSECOND = 1000
private const val MICROS_PER_MILLISECOND = 1000.0

/** Writes one line for each request, behind its answer. */
internal fun Application.logRequests() {
    intercept(ApplicationCallPipeline.Setup) {
        val start = System.nanoTime()
        try {
            proceed()
        } finally {
            val micros = (System.nanoTime() - start) / NANOS_PER_MICROSECOND
            log
                .atInfo()
                .addKeyValue("method", call.request.httpMethod.value)
                .addKeyValue("path", call.request.path())
                .addKeyValue("status", call.response.status()?.value ?: 0)
                .addKeyValue("duration_ms", micros / MICROS_PER_MILLISECOND)
                .log("request")
        }
    }
}

/** Answers what fails with the problem that it is, or stands for. */
internal fun Application.answerFailures(outages: Outages) {
    fun problemOf(
        call: ApplicationCall,
        failure: Throwable,
    ): Problem =
        when (failure) {
            is Problem -> failure
            is StoreUnavailable -> {
                outages.report(failure)
                Problem.UNAVAILABLE
            }
            else -> {
                log
                    .atError()
                    .addKeyValue("method", call.request.httpMethod.value)
                    .addKeyValue("path", call.request.path())
                    .setCause(failure)
                    .log("internal error")
                Problem.INTERNAL
            }
        }

    intercept(ApplicationCallPipeline.Monitoring) {
        try {
            proceed()
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (_: IncompleteBody) {
            // For the log alone: nobody is left to read it.
            call.send(NoBody(HttpStatusCode.RequestTimeout))
        } catch (failure: Exception) {
            // Half an answer must not look whole: Ktor ends the connection. Mostly it is the client that has gone.
            if (call.response.isCommitted) throw failure
            call.sendProblem(problemOf(call, failure))
        }
    }
}

/** Lets only what the contract's table has come to Ktor's routing. */
internal fun Application.checkRoutes() {
    intercept(ApplicationCallPipeline.Plugins) {
        call.response.header("X-Content-Type-Options", "nosniff")
        val path = Path.of(call.request.path()) ?: throw Problem.NO_PATH
        if (!path.takes(call.request.httpMethod.value)) {
            call.response.header(HttpHeaders.Allow, path.allow)
            throw Problem.BAD_METHOD
        }
    }
}
