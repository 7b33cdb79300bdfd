package fairground.http

import fairground.config.Address
import io.ktor.server.application.Application
import io.ktor.server.application.ServerConfig
import io.ktor.server.application.serverConfig
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.connector
import io.ktor.server.netty.Netty
import io.ktor.server.netty.NettyApplicationEngine
import io.netty.channel.Channel
import io.netty.channel.ChannelHandler
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.ChannelOption
import io.netty.channel.nio.NioEventLoopGroup
import io.netty.util.concurrent.DefaultThreadFactory

private const val DRAIN_MILLISECONDS = 10_000L
private const val BACKLOG = 1024

/** The HTTP/1.1 server of the contract: Ktor's Netty engine with its limits, and an orderly end. Shared with the floor. */
class HttpServer(
    address: Address,
    cpus: Int,
    module: Application.() -> Unit,
) {
    private val loops = EventLoops(cpus)
    private val connections = Connections()
    private val listener = ListenerKeeper()

    /** For others who want to stay on the threads that serve requests. */
    val eventLoops: NioEventLoopGroup get() = loops

    private val server: EmbeddedServer<NettyApplicationEngine, NettyApplicationEngine.Configuration> by lazy {
        // The process has a shutdown hook of its own, which drains first.
        System.setProperty("io.ktor.server.engine.ShutdownHook", "false")
        EmbeddedServer(configuration(module), Netty) {
            connector {
                host = address.host
                port = address.port
            }
            shareWorkGroup = true
            enableHttp2 = false
            // The guard bounds how long a client may take to read, without a timer for each write.
            responseWriteTimeoutSeconds = 0
            configureBootstrap = {
                group(NioEventLoopGroup(1, DefaultThreadFactory("accept")), loops)
                handler(listener)
                option(ChannelOption.SO_BACKLOG, BACKLOG)
                childOption(ChannelOption.TCP_NODELAY, true)
                childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            }
            val guards = ThreadLocal<ConnectionGuard>()
            httpServerCodec = {
                val guard = ConnectionGuard(connections, TimeLimits())
                guards.set(guard)
                HeadWatchingCodec(guard::onOctets)
            }
            // Called behind the former, on the same thread, for the same connection.
            channelPipelineConfig = { addAfter("codec", "guard", guards.get()) }
        }
    }

    private fun configuration(module: Application.() -> Unit): ServerConfig = serverConfig { module(module) }

    /** Listens, and returns. Throws what the system says where it can't. */
    fun start() {
        server.start(wait = false)
    }

    /** Stops accepting and waits for what is in flight, ten seconds at most. Returns whether everything was finished. */
    fun drain(): Boolean {
        listener.close()
        return connections.drain(DRAIN_MILLISECONDS)
    }
}

/** Keeps the channel that listens, which Ktor doesn't hand out. */
@ChannelHandler.Sharable
private class ListenerKeeper : ChannelInboundHandlerAdapter() {
    @Volatile
    private var channel: Channel? = null

    override fun handlerAdded(context: ChannelHandlerContext) {
        channel = context.channel()
    }

    fun close() {
        channel?.close()?.awaitUninterruptibly()
    }
}
