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
import io.netty.channel.EventLoopGroup
import io.netty.channel.MultiThreadIoEventLoopGroup
import io.netty.channel.nio.NioIoHandler
import io.netty.util.concurrent.DefaultThreadFactory
import java.net.InetSocketAddress

private const val DRAIN_MILLISECONDS = 10_000L
private const val BACKLOG = 1024

/** The HTTP/1.1 server of the contract: Ktor's Netty engine with its limits, and an orderly end. Shared with the floor. */
class HttpServer internal constructor(
    address: Address,
    cpus: Int,
    limits: TimeLimits,
    module: Application.() -> Unit,
) {
    constructor(address: Address, cpus: Int, module: Application.() -> Unit) : this(address, cpus, TimeLimits(), module)

    private val loops = EventLoops(cpus)
    private val connections = Connections()
    private val listener = ListenerKeeper()

    /** For others who want to stay on the threads that serve requests. */
    val eventLoops: EventLoopGroup get() = loops

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
                group(MultiThreadIoEventLoopGroup(1, DefaultThreadFactory("accept"), NioIoHandler.newFactory()), loops)
                handler(listener)
                option(ChannelOption.SO_BACKLOG, BACKLOG)
                childOption(ChannelOption.TCP_NODELAY, true)
                childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            }
            channelPipelineConfig = {
                val codec = ServerCodec()
                replace("codec", "codec", codec)
                addAfter("codec", "guard", ConnectionGuard(codec, connections, limits))
            }
        }
    }

    private fun configuration(routes: Application.() -> Unit): ServerConfig =
        serverConfig {
            parentCoroutineContext = EventLoopDispatcher
            module {
                EventLoopDispatcher.keepCalls(this)
                routes()
            }
        }

    /** The port that is listened on. */
    internal val port: Int get() = listener.port

    /** Listens, and returns. Throws what the system says where it can't. */
    fun start() {
        server.start(wait = false)
    }

    /** Stops accepting and waits for what is in flight, ten seconds at most. Returns whether everything was finished. */
    fun drain(): Boolean = drain(DRAIN_MILLISECONDS)

    internal fun drain(milliseconds: Long): Boolean {
        listener.close()
        return connections.drain(milliseconds)
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

    val port: Int get() = (channel!!.localAddress() as InetSocketAddress).port

    fun close() {
        channel?.close()?.awaitUninterruptibly()
    }
}
