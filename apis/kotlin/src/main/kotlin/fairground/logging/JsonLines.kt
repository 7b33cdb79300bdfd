package fairground.logging

import ch.qos.logback.classic.spi.ILoggingEvent
import ch.qos.logback.core.LayoutBase
import fairground.view.appendTimestamp
import java.time.Instant

/** Writes an event as the contract's one JSON object a line: time, level, message, its key-value pairs, and the cause. */
class JsonLines : LayoutBase<ILoggingEvent>() {
    override fun doLayout(event: ILoggingEvent): String =
        buildString {
            append("{\"time\":\"")
            appendTimestamp(Instant.ofEpochMilli(event.timeStamp))
            append("\",\"level\":\"").append(event.level.levelStr.lowercase()).append('"')
            member("message", event.formattedMessage)
            event.keyValuePairs?.forEach { member(it.key, it.value) }
            event.throwableProxy?.let { failure ->
                // Causes are named by class and message, innermost last; a stack trace on one line helps nobody.
                val chain = generateSequence(failure) { it.cause }.take(MAX_CAUSES)
                member("error", chain.joinToString(": ") { "${it.className}: ${it.message}" })
            }
            append("}\n")
        }

    private fun StringBuilder.member(
        name: String,
        value: Any?,
    ) {
        append(',')
        quoted(name)
        append(':')
        if (value is Number) append(value) else quoted(value.toString())
    }

    private fun StringBuilder.quoted(text: String) {
        append('"')
        for (character in text) {
            when {
                character == '"' || character == '\\' -> append('\\').append(character)
                character < ' ' || character.isSurrogate() -> append("\\u").append(character.code.toString(HEX).padStart(4, '0'))
                else -> append(character)
            }
        }
        append('"')
    }

    private companion object {
        const val MAX_CAUSES = 5
        const val HEX = 16
    }
}
