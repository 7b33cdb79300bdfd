"""The paths of the contract, as regular expressions."""

USERS, LOGIN, ME, POSTS, FILES = "/api/users", "/api/auth/login", "/api/users/me", "/api/posts", "/api/files"
USER, POST, FILE = r"/api/users/\d+", r"/api/posts/\d+", r"/api/files/\d+"
