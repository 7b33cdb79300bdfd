package fairground.plugins

import io.ktor.serialization.kotlinx.json.*
import io.ktor.server.application.*
import io.ktor.server.plugins.contentnegotiation.*
import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import java.time.OffsetDateTime
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter

/** Reads and writes the API's JSON. A member that is null gets its default, as one that is missing. */
val json =
    Json {
        ignoreUnknownKeys = true
        coerceInputValues = true
    }

fun Application.configureSerialization() {
    install(ContentNegotiation) {
        json(json)
    }
}

/** A time in JSON: UTC, always with three decimals. */
typealias Timestamp =
    @Serializable(with = TimestampSerializer::class)
    OffsetDateTime

internal object TimestampSerializer : KSerializer<OffsetDateTime> {
    private val format = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSX").withZone(ZoneOffset.UTC)

    override val descriptor = PrimitiveSerialDescriptor("fairground.Timestamp", PrimitiveKind.STRING)

    override fun serialize(
        encoder: Encoder,
        value: OffsetDateTime,
    ) = encoder.encodeString(format.format(value))

    override fun deserialize(decoder: Decoder): OffsetDateTime = OffsetDateTime.parse(decoder.decodeString())
}
