package fairground.view

import java.time.Instant
import java.time.OffsetDateTime
import java.time.ZoneOffset

/** Appends a time as every document and log line has it: UTC, exactly three decimals. `Instant.toString` drops zeros. */
fun StringBuilder.appendTimestamp(instant: Instant): StringBuilder = appendTimestamp(instant.atOffset(ZoneOffset.UTC))

/** As the other, of a time that is in UTC already. */
fun StringBuilder.appendTimestamp(time: OffsetDateTime): StringBuilder {
    appendPadded(time.year, 4).append('-')
    appendPadded(time.monthValue, 2).append('-')
    appendPadded(time.dayOfMonth, 2).append('T')
    appendPadded(time.hour, 2).append(':')
    appendPadded(time.minute, 2).append(':')
    appendPadded(time.second, 2).append('.')
    return appendPadded(time.nano / NANOS_PER_MILLISECOND, 3).append('Z')
}

private fun StringBuilder.appendPadded(
    number: Int,
    width: Int,
): StringBuilder {
    var bound = 10
    repeat(width - 1) {
        if (number < bound) append('0')
        bound *= 10
    }
    return append(number)
}

private const val NANOS_PER_MILLISECOND = 1_000_000
