//! All tests. They are in files of their own, so that the code can be counted apart.

test {
    _ = @import("api/api_test.zig");
    _ = @import("api/cache_test.zig");
    _ = @import("api/file_rules_test.zig");
    _ = @import("api/files_test.zig");
    _ = @import("api/hasher_test.zig");
    _ = @import("api/posts_test.zig");
    _ = @import("api/token_test.zig");
    _ = @import("api/validate_test.zig");
    _ = @import("config_test.zig");
    _ = @import("event/dialer_test.zig");
    _ = @import("event/stream_test.zig");
    _ = @import("http/chunked_test.zig");
    _ = @import("http/connection_test.zig");
    _ = @import("http/head_test.zig");
    _ = @import("http/multipart_test.zig");
    _ = @import("json_test.zig");
    _ = @import("postgres/connection_test.zig");
    _ = @import("postgres/message_test.zig");
    _ = @import("postgres/pool_test.zig");
    _ = @import("postgres/scram_test.zig");
    _ = @import("redis/client_test.zig");
    _ = @import("redis/resp_test.zig");
    _ = @import("time_test.zig");
}
