//! What one client may take of time, of a loop and of memory.

const loop_module = @import("../event/loop.zig");

pub const head: loop_module.Delay = .s_10;
pub const body_idle: loop_module.Delay = .s_10;
pub const idle: loop_module.Delay = .s_60;
/// For a client that doesn't read its answer.
pub const write: loop_module.Delay = .s_60;
/// For a client that is still sending what nobody wants to read.
pub const linger: loop_module.Delay = .s_2;
/// For a client to see its answer, once nothing more of what it sends is read.
pub const parting: loop_module.Delay = .ms_500;
/// For a client that had connected, and not yet asked, when the end was near.
pub const grace: loop_module.Delay = .s_1;

/// A client whose requests are answered at once could have a loop to itself for
/// as long as it sends them: other connections, timers and the end would wait.
pub const requests_in_turn = 64;

/// The rest of a body that nobody reads is passed over where it is this short;
/// else the connection is closed.
pub const discarded = 64 << 10;

/// So much is read of what a client sends behind its last answer: all of it from
/// most, and from one that never stops no more than this.
pub const lingered = 256 << 10;

/// Memory of a request that its connection keeps for the next one.
pub const kept_memory = 8 << 10;
