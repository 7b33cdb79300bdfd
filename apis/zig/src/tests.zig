//! All tests. They are in files of their own, so that the code can be counted apart.

test {
    _ = @import("api/rules_test.zig");
    _ = @import("config/config_test.zig");
    _ = @import("event/channel_test.zig");
    _ = @import("event/stream_test.zig");
    _ = @import("event/timers_test.zig");
    _ = @import("http/chunked_test.zig");
    _ = @import("http/connection_test.zig");
    _ = @import("http/head_test.zig");
    _ = @import("http/incoming_test.zig");
    _ = @import("identifier_test.zig");
    _ = @import("json/object_test.zig");
    _ = @import("json/writer_test.zig");
    _ = @import("log_test.zig");
    _ = @import("password/hasher_test.zig");
    _ = @import("password/phc_test.zig");
    _ = @import("postgres/connection_test.zig");
    _ = @import("postgres/message_test.zig");
    _ = @import("postgres/scram_test.zig");
    _ = @import("redis/client_test.zig");
    _ = @import("redis/resp_test.zig");
    _ = @import("time_test.zig");
    _ = @import("token/token_test.zig");
    _ = @import("upload/disposition_test.zig");
    _ = @import("upload/part_head_test.zig");
    _ = @import("upload/receiver_test.zig");
    _ = @import("upload/safe_name_test.zig");
}
