package fairground.http

import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.netty.NettyApplicationCall
import io.netty.util.concurrent.EventExecutor
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.withContext
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext

/**
 * Keeps calls on the event loop of their connection. Without a dispatcher in the server's context Ktor begins them there, and
 * goes on behind each wait on a thread of [Dispatchers.Default].
 *
 * What Ktor does around a call knows of no loop. It goes on where it is resumed, which is the loop on which the call ended.
 */
internal object EventLoopDispatcher : CoroutineDispatcher() {
    private class Loop(
        val executor: EventExecutor,
    ) : AbstractCoroutineContextElement(Key) {
        companion object Key : CoroutineContext.Key<Loop>
    }

    override fun isDispatchNeeded(context: CoroutineContext): Boolean = context[Loop]?.executor?.inEventLoop() == false

    override fun dispatch(
        context: CoroutineContext,
        block: Runnable,
    ) {
        val loop = context[Loop]
        if (loop == null) Dispatchers.Default.dispatch(context, block) else loop.executor.execute(block)
    }

    /** Tells the dispatcher where the calls of [application] belong. */
    fun keepCalls(application: Application) {
        application.intercept(ApplicationCallPipeline.Setup) {
            val connection = (call as NettyApplicationCall).context.channel()
            withContext(Loop(connection.eventLoop())) { proceed() }
        }
    }
}
