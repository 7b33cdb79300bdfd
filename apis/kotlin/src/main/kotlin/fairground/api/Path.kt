package fairground.api

import fairground.parseId

/** A path of the contract's table. */
internal enum class Path(
    vararg methods: String,
) {
    HEALTH("GET", "HEAD"),
    READINESS("GET", "HEAD"),
    USERS("POST"),
    ME("GET", "HEAD"),
    USER("GET", "HEAD"),
    LOGIN("POST"),
    POSTS("GET", "HEAD", "POST"),
    POST("DELETE", "GET", "HEAD", "PUT"),
    FILES("POST"),
    FILE("GET", "HEAD"),
    ;

    private val methods = methods.asList()

    /** The value of `Allow` in a 405. */
    val allow = methods.joinToString(", ")

    fun takes(method: String): Boolean = method in methods

    companion object {
        private const val USERS_PREFIX = "/api/users/"
        private const val POSTS_PREFIX = "/api/posts/"
        private const val FILES_PREFIX = "/api/files/"

        /**
         * The path that [path] is, octet for octet as it was sent; null if there is nothing. Ktor's routing decodes paths, drops
         * empty segments and knows no 405 with the methods in order, so it is asked only behind this.
         */
        fun of(path: String): Path? =
            when (path) {
                "/healthz" -> HEALTH
                "/readyz" -> READINESS
                "/api/users" -> USERS
                "/api/users/me" -> ME
                "/api/auth/login" -> LOGIN
                "/api/posts" -> POSTS
                "/api/files" -> FILES
                else ->
                    when {
                        path.startsWith(POSTS_PREFIX) -> POST.takeIf { parseId(path, POSTS_PREFIX.length) != null }
                        path.startsWith(USERS_PREFIX) -> USER.takeIf { parseId(path, USERS_PREFIX.length) != null }
                        path.startsWith(FILES_PREFIX) -> FILE.takeIf { parseId(path, FILES_PREFIX.length) != null }
                        else -> null
                    }
            }
    }
}
