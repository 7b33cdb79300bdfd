package fairground.redis

import fairground.*
import io.lettuce.core.ClientOptions
import io.lettuce.core.RedisClient
import io.lettuce.core.RedisCommandExecutionException
import io.lettuce.core.RedisException
import io.lettuce.core.RedisFuture
import io.lettuce.core.RedisURI
import io.lettuce.core.SetArgs
import io.lettuce.core.SocketOptions
import io.lettuce.core.TimeoutOptions
import io.lettuce.core.api.StatefulRedisConnection
import io.lettuce.core.api.async.RedisAsyncCommands
import io.lettuce.core.codec.ByteArrayCodec
import io.lettuce.core.codec.RedisCodec
import io.lettuce.core.codec.StringCodec
import io.lettuce.core.resource.ClientResources
import io.lettuce.core.resource.Delay
import io.lettuce.core.resource.NettyCustomizer
import io.netty.channel.Channel
import io.netty.handler.flush.FlushConsolidationHandler
import io.netty.resolver.DefaultAddressResolverGroup
import kotlinx.coroutines.*
import kotlinx.coroutines.future.*
import java.time.Duration
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicLong

/**
 * Redis as a cache, over one pipelined connection. If it fails, values are missing and the log has a warning a second; only
 * [ping] throws.
 */
class Redis(
    private val uri: RedisURI,
) {
    private val resources =
        ClientResources
            .builder()
            .reconnectDelay(Delay.exponential(0, MAX_RECONNECT_MILLISECONDS, TimeUnit.MILLISECONDS, 2))
            .nettyCustomizer(FlushConsolidation)
            // Netty's own resolver of names would listen at a UDP port of every address.
            .addressResolverGroup(DefaultAddressResolverGroup.INSTANCE)
            .build()
    private val client = RedisClient.create(resources).apply { options = OPTIONS }
    private val warnings = OncePerSecond()

    @Volatile
    private var connection: StatefulRedisConnection<String, ByteArray>? = null

    /** From when on Redis is asked again after a failure, in nanoseconds; 0 while it answers. */
    private val askAgainAt = AtomicLong()

    init {
        connect()
    }

    /** Connects for the first time, until it succeeds; from then on Lettuce reconnects. */
    private fun connect() {
        client.connectAsync(CODEC, uri).whenComplete { connected, failure ->
            if (failure == null) {
                connection = connected
            } else {
                warnings.run("connect") { log.warn("Cannot connect to Redis: {}", describe(failure)) }
                resources.eventExecutorGroup().schedule(Runnable { connect() }, MAX_RECONNECT_MILLISECONDS, TimeUnit.MILLISECONDS)
            }
        }
    }

    /** Fails unless Redis answers. */
    suspend fun ping() {
        commands().ping().await()
    }

    /** The value of [key]; null if there is none, or if Redis doesn't tell. */
    suspend fun get(key: String): ByteArray? = if (mayAsk()) attempt("GET") { get(key) } else null

    /** Stores [value], for [seconds] unless that is null. */
    suspend fun set(
        key: String,
        value: ByteArray,
        seconds: Long?,
    ) {
        val options = SetArgs().apply { if (seconds != null) ex(seconds) }
        if (mayAsk()) attempt("SET") { set(key, value, options) }
    }

    /** Removes [key]. Tried even behind a failure: what is outdated would be served until it expires. */
    suspend fun delete(key: String) {
        attempt("DEL") { del(key) }
    }

    private fun commands(): RedisAsyncCommands<String, ByteArray> = connection?.async() ?: throw RedisException("not connected")

    private suspend fun <T> attempt(
        name: String,
        send: RedisAsyncCommands<String, ByteArray>.() -> RedisFuture<T>,
    ): T? =
        try {
            val result = commands().send().await()
            if (askAgainAt.get() != 0L) askAgainAt.set(0)
            result
        } catch (failure: Exception) {
            // Lettuce cancels commands when their connection breaks; that isn't a cancelled call.
            if (failure is CancellationException) currentCoroutineContext().ensureActive()
            failed(name, failure)
        }

    private fun failed(
        command: String,
        failure: Exception,
    ): Nothing? {
        // A Redis that answers, though with an error, costs no time.
        if (failure !is RedisCommandExecutionException) askAgainAt.set(System.nanoTime() + PAUSE.toNanos())
        warnings.run("command") { log.warn("Redis {} failed: {}", command, describe(failure)) }
        return null
    }

    /** Behind a failure one request after each pause tries Redis; the others would only wait for the same time-out. */
    private fun mayAsk(): Boolean {
        val at = askAgainAt.get()
        if (at == 0L) return true
        val now = System.nanoTime()
        return now - at >= 0 && askAgainAt.compareAndSet(at, now + PAUSE.toNanos())
    }

    private companion object {
        val CODEC: RedisCodec<String, ByteArray> = RedisCodec.of(StringCodec.ASCII, ByteArrayCodec.INSTANCE)
        val COMMAND_TIMEOUT: Duration = Duration.ofMillis(100)
        const val MAX_RECONNECT_MILLISECONDS = 500L
        val PAUSE: Duration = Duration.ofMillis(250)

        // A frozen Redis holds its connection, and commands that have timed out stay in memory until it answers.
        const val MAX_COMMANDS = 10_000
        val PEER_TIMEOUT: Duration = Duration.ofSeconds(1)

        val OPTIONS: ClientOptions =
            ClientOptions
                .builder()
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .timeoutOptions(TimeoutOptions.enabled(COMMAND_TIMEOUT))
                .requestQueueSize(MAX_COMMANDS)
                .socketOptions(
                    SocketOptions
                        .builder()
                        .connectTimeout(PEER_TIMEOUT)
                        .tcpUserTimeout(
                            SocketOptions.TcpUserTimeoutOptions
                                .builder()
                                .enable()
                                .tcpUserTimeout(PEER_TIMEOUT)
                                .build(),
                        ).build(),
                ).build()
    }
}

/** Lettuce flushes each command by itself; this makes one system call of those that are written together. */
private object FlushConsolidation : NettyCustomizer {
    private const val FLUSHES = 256

    override fun afterChannelInitialized(channel: Channel) {
        channel.pipeline().addFirst(FlushConsolidationHandler(FLUSHES, true))
    }
}
