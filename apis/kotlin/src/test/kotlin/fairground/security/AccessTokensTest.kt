package fairground.security

import java.time.Clock
import java.time.Instant
import java.time.ZoneOffset
import java.util.Base64
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class AccessTokensTest {
    private val secret = "0123456789abcdef0123456789abcdef".toByteArray()
    private val now = 1_800_000_000L
    private val tokens = AccessTokens(secret, Clock.fixed(Instant.ofEpochSecond(now, 999_999_999), ZoneOffset.UTC))
    private val caller = Caller(7, "alice")
    private val claims =
        linkedMapOf(
            "sub" to "\"7\"",
            "name" to "\"alice\"",
            "iat" to "$now",
            "exp" to "${now + 1}",
            "iss" to "\"fairground\"",
            "aud" to "\"fairground-api\"",
        )

    private fun encoded(text: String) = Base64.getUrlEncoder().withoutPadding().encodeToString(text.toByteArray())

    private fun signed(
        payload: String,
        header: String = """{"alg":"HS256","typ":"JWT"}""",
        key: ByteArray = secret,
    ): String {
        val signed = "${encoded(header)}.${encoded(payload)}"
        val mac = Mac.getInstance("HmacSHA256").also { it.init(SecretKeySpec(key, "HmacSHA256")) }
        return "$signed.${Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(signed.toByteArray()))}"
    }

    private fun payload(vararg changes: Pair<String, String?>): String =
        (claims + changes).filterValues { it != null }.entries.joinToString(",", "{", "}") { "\"${it.key}\":${it.value}" }

    @Test
    fun `what is issued is taken`() {
        val token = tokens.issue(caller)
        assertEquals(caller, tokens.verify(token))
        val (header, payload) = token.split('.').map { String(Base64.getUrlDecoder().decode(it)) }
        assertEquals(setOf("\"alg\":\"HS256\"", "\"typ\":\"JWT\""), header.trim('{', '}').split(',').toSet())
        val expected = claims.entries.map { "\"${it.key}\":${it.value}" }.toSet() - "\"exp\":${now + 1}" + "\"exp\":${now + 3600}"
        assertEquals(expected, payload.trim('{', '}').split(',').toSet())
    }

    @Test
    fun `claims that are taken`() {
        val payloads =
            listOf(
                payload(),
                payload("aud" to """["other","fairground-api"]"""),
                payload("iat" to "${now + 600}"),
                payload("nbf" to "$now"),
                payload("nbf" to "null"),
                payload("roles" to """{"admin":[true,1.5,"\n"]}"""),
                " ${payload()} ",
            )
        for (text in payloads) assertEquals(caller, tokens.verify(signed(text)), text)
    }

    @Test
    fun `claims that are refused`() {
        val missing = claims.keys.flatMap { listOf(it to null, it to "null", it to "{}", it to "[]", it to "true") }
        val wrong =
            listOf(
                "sub" to "7",
                "sub" to "\"0\"",
                "sub" to "\"07\"",
                "sub" to "\"9223372036854775808\"",
                "name" to "\"A\"",
                "name" to "5",
            ) +
                listOf(
                    "iat" to "\"$now\"",
                    "iat" to "$now.0",
                    "iat" to "1e9",
                    "exp" to "$now",
                    "exp" to "${now - 1}",
                    "exp" to "1.9e9",
                ) +
                listOf(
                    "exp" to "\"${now + 9}\"",
                    "exp" to "99999999999999999999",
                    "iss" to "\"Fairground\"",
                    "iss" to "[\"fairground\"]",
                ) +
                listOf(
                    "aud" to "\"other\"",
                    "aud" to "[\"other\"]",
                    "aud" to """["fairground-api",5]""",
                    "aud" to """[null,"fairground-api"]""",
                    "aud" to "\"fairground-api \"",
                    "nbf" to "${now + 1}",
                ) +
                listOf("nbf" to "\"$now\"", "nbf" to "1.5", "nbf" to "{}")
        for (change in missing + wrong) assertNull(tokens.verify(signed(payload(change))), change.toString())
        for (text in listOf("", "[]", "not json", payload() + "x", "\"\"")) assertNull(tokens.verify(signed(text)), text)
    }

    @Test
    fun `algorithms that are refused`() {
        val headers =
            listOf("none", "None", "", "hs256", "HS384", "HS512", "RS256", "ES256").map { """{"alg":"$it"}""" } +
                listOf("""{"typ":"JWT"}""", """{"alg":null}""", """{"alg":["HS256"]}""", """["HS256"]""", "x", "{")
        for (header in headers) {
            val token = signed(payload(), header)
            assertNull(tokens.verify(token), header)
            assertNull(tokens.verify(token.substringBeforeLast('.') + "."), header)
        }
    }

    @Test
    fun `signatures and encodings that are refused`() {
        val token = signed(payload())
        val (header, body, signature) = token.split('.')
        val alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        val others =
            listOf(
                signed(payload(), key = secret + 1),
                "$header.${encoded(payload("name" to "\"bob\""))}.$signature",
                "$header.$body.${signature.dropLast(1)}${alphabet[alphabet.indexOf(signature.last()) xor 1]}",
                "$token=",
                token.dropLast(2),
                "$header.$body.",
                "$header.$body",
                "$token.$signature",
                "$token.",
                "$header.$body.+/${signature.drop(2)}",
                " $token",
                "$token ",
                "",
                "..",
            )
        for (other in others) assertNull(tokens.verify(other), other)
    }
}
