package fairground.logging

import ch.qos.logback.classic.Level
import ch.qos.logback.classic.LoggerContext
import ch.qos.logback.classic.spi.Configurator
import ch.qos.logback.classic.spi.ConfiguratorRank
import ch.qos.logback.classic.spi.ILoggingEvent
import ch.qos.logback.core.ConsoleAppender
import ch.qos.logback.core.encoder.LayoutWrappingEncoder
import ch.qos.logback.core.spi.ContextAwareBase
import fairground.config.LogLevel
import org.slf4j.Logger
import org.slf4j.LoggerFactory

/** The logger of this service. The level of [setLogLevel] is its level alone. */
val log: Logger by lazy(LazyThreadSafetyMode.PUBLICATION) { LoggerFactory.getLogger("fairground") }

/** Sets the least severe level that this service logs. */
fun setLogLevel(level: LogLevel) {
    (log as ch.qos.logback.classic.Logger).level = Level.toLevel(level.name)
}

/** Configures logback in code: found as a service, it spares the search for XML files and a parser at the start. */
@ConfiguratorRank(ConfiguratorRank.CUSTOM_HIGH_PRIORITY)
class LogbackConfigurator :
    ContextAwareBase(),
    Configurator {
    override fun configure(context: LoggerContext): Configurator.ExecutionStatus {
        val layout = JsonLines().also { it.context = context }
        val encoder =
            LayoutWrappingEncoder<ILoggingEvent>().also {
                it.context = context
                it.charset = Charsets.UTF_8
                it.layout = layout
            }
        val console =
            ConsoleAppender<ILoggingEvent>().also {
                it.context = context
                it.encoder = encoder
            }
        layout.start()
        encoder.start()
        console.start()
        val root = context.getLogger(Logger.ROOT_LOGGER_NAME)
        root.level = Level.ERROR
        root.addAppender(console)
        // They quote statements with their values, or repeat what this service logs itself.
        for (name in listOf("Exposed", "com.zaxxer.hikari", "org.postgresql", "io.lettuce", "io.ktor")) {
            context.getLogger(name).level = Level.OFF
        }
        return Configurator.ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY
    }
}
