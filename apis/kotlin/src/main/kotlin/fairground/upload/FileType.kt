package fairground.upload

/** How much of a content [fileType] looks at. */
internal const val PREFIX_BYTES = 12

private val PNG = octets(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
private val JPEG = octets(0xff, 0xd8, 0xff)
private val PDF = "%PDF-".toByteArray()
private val RIFF = "RIFF".toByteArray()
private val WEBP = "WEBP".toByteArray()
private const val WEBP_OFFSET = 8

/** The media type of a content that begins with the first [length] octets of [prefix]; null if it is none that is accepted. */
internal fun fileType(
    prefix: ByteArray,
    length: Int,
): String? {
    fun has(
        sequence: ByteArray,
        offset: Int = 0,
    ) = length >= offset + sequence.size && sequence.indices.all { prefix[offset + it] == sequence[it] }
    return when {
        has(PNG) -> "image/png"
        has(JPEG) -> "image/jpeg"
        has(RIFF) && has(WEBP, WEBP_OFFSET) -> "image/webp"
        has(PDF) -> "application/pdf"
        else -> null
    }
}

private fun octets(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }
