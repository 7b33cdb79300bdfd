package fairground.cache

import fairground.config.RedisSettings
import io.lettuce.core.ClientOptions
import io.lettuce.core.RedisClient
import io.lettuce.core.RedisException
import io.lettuce.core.RedisFuture
import io.lettuce.core.RedisURI
import io.lettuce.core.SetArgs
import io.lettuce.core.SocketOptions
import io.lettuce.core.api.StatefulRedisConnection
import io.lettuce.core.codec.RedisCodec
import io.lettuce.core.event.DefaultEventPublisherOptions
import io.lettuce.core.metrics.CommandLatencyRecorder
import io.lettuce.core.output.CommandOutput
import io.lettuce.core.output.IntegerOutput
import io.lettuce.core.output.StatusOutput
import io.lettuce.core.output.ValueOutput
import io.lettuce.core.protocol.AsyncCommand
import io.lettuce.core.protocol.Command
import io.lettuce.core.protocol.CommandArgs
import io.lettuce.core.protocol.CommandType
import io.lettuce.core.protocol.ProtocolVersion
import io.lettuce.core.resource.ClientResources
import io.lettuce.core.resource.Delay
import io.lettuce.core.resource.EventLoopGroupProvider
import io.lettuce.core.resource.NettyCustomizer
import io.netty.channel.Channel
import io.netty.channel.EventLoop
import io.netty.channel.EventLoopGroup
import io.netty.resolver.DefaultAddressResolverGroup
import io.netty.util.HashedWheelTimer
import io.netty.util.concurrent.DefaultThreadFactory
import io.netty.util.concurrent.EventExecutorGroup
import io.netty.util.concurrent.Future
import java.time.Duration
import java.util.concurrent.TimeUnit

/** What there is to say while Redis has never been reached. */
private class NotConnected : RedisException("not connected")

/**
 * The one connection to Redis, on which all commands are pipelined. It lives on the event loops that serve requests, so that
 * a hit takes no other thread. A command that can't be sent fails at once; for one without an answer see [ReplyDeadline].
 */
class RedisConnection(
    settings: RedisSettings,
    eventLoops: EventLoopGroup,
) : AutoCloseable {
    // A tick of Lettuce's own timer is 100 ms, too coarse for what has to fail after 50.
    private val timer = HashedWheelTimer(DefaultThreadFactory("redis-timer", true), TICK_MILLISECONDS, TimeUnit.MILLISECONDS)
    private val deadline = ReplyDeadline(timer)

    /** The loop of the connection; a new connection may be on another. */
    @Volatile
    private lateinit var loop: EventLoop

    private val resources =
        ClientResources
            .builder()
            .eventLoopGroupProvider(SharedEventLoops(eventLoops))
            .timer(timer)
            .nettyCustomizer(
                object : NettyCustomizer {
                    override fun afterChannelInitialized(channel: Channel) {
                        loop = channel.eventLoop()
                    }
                },
            )
            // The JVM's own. Netty's listens for its answers on all addresses.
            .addressResolverGroup(DefaultAddressResolverGroup.INSTANCE)
            .reconnectDelay(Delay.constant(RECONNECT_DELAY))
            .commandLatencyRecorder(CommandLatencyRecorder.disabled())
            .commandLatencyPublisherOptions(DefaultEventPublisherOptions.disabled())
            .build()
    private val client = RedisClient.create(resources).also { it.setOptions(options()) }
    private val uri = uri(settings)

    @Volatile
    private var connection: StatefulRedisConnection<String, ByteArray>? = null

    init {
        connect()
    }

    /** Connects for the first time, again and again; from then on Lettuce itself reconnects. */
    private fun connect() {
        client.connectAsync(OctetsCodec, uri).whenComplete { connected, failure ->
            if (failure == null) {
                connection = connected
            } else {
                timer.newTimeout({ connect() }, RECONNECT_DELAY.toMillis(), TimeUnit.MILLISECONDS)
            }
        }
    }

    internal fun ping(): RedisFuture<String> = dispatch(CommandType.PING, StatusOutput(OctetsCodec), null)

    /** GET of a value that [codec] knows. */
    internal fun <T> get(
        key: String,
        codec: RedisCodec<String, T>,
    ): RedisFuture<T> = dispatch(CommandType.GET, ValueOutput(codec), CommandArgs(codec).addKey(key))

    /** SET of a value that [codec] knows. */
    internal fun <T> set(
        key: String,
        value: T,
        codec: RedisCodec<String, T>,
        options: SetArgs,
    ): RedisFuture<String> {
        val arguments = CommandArgs(codec).addKey(key).addValue(value)
        options.build(arguments)
        return dispatch(CommandType.SET, StatusOutput(codec), arguments)
    }

    internal fun delete(key: String): RedisFuture<Long> =
        dispatch(CommandType.DEL, IntegerOutput(OctetsCodec), CommandArgs(OctetsCodec).addKey(key))

    @Suppress("UNCHECKED_CAST") // The connection's own codec is not that of the command, which brings its own.
    private fun <T, R> dispatch(
        type: CommandType,
        output: CommandOutput<String, T, R>,
        arguments: CommandArgs<String, T>?,
    ): RedisFuture<R> {
        val connected = connection ?: throw NotConnected()
        val command = AsyncCommand(Command(type, output, arguments))
        connected.dispatch(command as AsyncCommand<String, ByteArray, R>)
        return deadline.watch(command, loop)
    }

    override fun close() {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(1))
        timer.stop()
    }

    private companion object {
        const val TICK_MILLISECONDS = 10L

        /**
         * A command stays in Lettuce's queue until Redis answers it, however late, and one that finds the queue full fails at
         * once. Each request has one command at a time, and no load has more than 10,000 connections: who gets through to a
         * Redis that answers never finds it full.
         */
        const val MAX_COMMANDS = 16 * 1024

        val CONNECT_TIMEOUT: Duration = Duration.ofMillis(500)
        val RECONNECT_DELAY: Duration = Duration.ofMillis(250)

        fun uri(settings: RedisSettings): RedisURI {
            val builder =
                RedisURI.Builder
                    .redis(settings.host, settings.port)
                    .withDatabase(settings.number)
                    .withTimeout(CONNECT_TIMEOUT)
            when {
                settings.password.isEmpty() -> Unit
                settings.user.isEmpty() -> builder.withPassword(settings.password.toCharArray())
                else -> builder.withAuthentication(settings.user, settings.password)
            }
            return builder.build()
        }

        fun options(): ClientOptions =
            ClientOptions
                .builder()
                // GET, SET and DEL need nothing of RESP3.
                .protocolVersion(ProtocolVersion.RESP2)
                .autoReconnect(true)
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(MAX_COMMANDS)
                .socketOptions(
                    SocketOptions
                        .builder()
                        .connectTimeout(CONNECT_TIMEOUT)
                        .tcpNoDelay(true)
                        .build(),
                ).build()
    }
}

/** Lends Lettuce the server's event loops, which are not its own to shut down. */
private class SharedEventLoops(
    private val eventLoops: EventLoopGroup,
) : EventLoopGroupProvider {
    @Suppress("UNCHECKED_CAST") // Lettuce names Netty's older class for NIO, and uses what all groups have.
    override fun <T : EventLoopGroup> allocate(type: Class<T>): T = eventLoops as T

    override fun threadPoolSize(): Int = eventLoops.count()

    override fun release(
        eventLoopGroup: EventExecutorGroup,
        quietPeriod: Long,
        timeout: Long,
        unit: TimeUnit,
    ): Future<Boolean> = eventLoops.next().newSucceededFuture(true)

    override fun shutdown(
        quietPeriod: Long,
        timeout: Long,
        timeUnit: TimeUnit,
    ): Future<Boolean> = eventLoops.next().newSucceededFuture(true)
}
