-- Replays a request file in wrk and writes what wrk measured as JSON.
--
--   wrk -t T -c C -d Ds --timeout Ss -s replay.lua http://127.0.0.1:PORT \
--       -- workload requests tokens output threads connections timeout duration wrk-version statuses|no-statuses \
--       SERIES|no-series PART PARTS [START-SECONDS START-NANOSECONDS]
--
-- A request file is a sequence of frames: a line `<bytes of head> <bytes of body>`, the head, the body, a newline.
-- The head is HTTP/1.1 as it goes over the wire, except for `{host}` and `{token:USER}`. `tokens` has a line
-- `<user> <token>` for each user. `output` must not exist; it is created in one step.
--
-- In a warm-up, each thread writes to a file `SERIES.<thread>` how many requests it sent in each whole second since its
-- first one: a line `<thread> <second> <requests>` after each second. In a load window (`no-series`) there is no such
-- file, and request() has no code for counting.
--
-- With a start, the load begins at that time of CLOCK_MONOTONIC, or when everything is ready if that is later.
--
-- Nothing is allocated for a request: init() builds all request strings once, request() hands out the next of them.
-- Thread k of n replays the requests k, k+n, k+2n, …: all threads together have each request once. If several wrks share
-- a load, of which this is the PART-th of PARTS, from 0, k and n count the threads of all of them. Otherwise all would
-- ask for the same at the same time, and update the same rows.

local ffi = require("ffi")

ffi.cdef([[
int usleep(unsigned int microseconds);
void *calloc(size_t count, size_t size);
typedef struct { uint64_t count, limit, min, max; uint64_t data[]; } fairground_stats;
typedef struct { volatile uint32_t ready; uint64_t statuses[1000]; } fairground_thread;
typedef struct { long seconds, nanoseconds; } fairground_time;
int clock_gettime(int clock, fairground_time *now);
int clock_nanosleep(int clock, int flags, const fairground_time *until, fairground_time *left);
]])

-- wrk gives each thread a Lua state of its own and copies only numbers and strings between them. What they share (who is
-- ready, how many responses of each status) is therefore C memory, one record a thread, never freed: wrk ends first.
local threads = {}
local thread_size = ffi.sizeof("fairground_thread")
local maximum_threads = 1024

function setup(thread)
   if #threads == 0 then
      shared_address = tonumber(ffi.cast("uintptr_t", ffi.C.calloc(maximum_threads, thread_size)))
   end
   thread:set("shared_address", shared_address)
   thread:set("thread_index", #threads)
   table.insert(threads, thread)
end

local function shared()
   return ffi.cast("fairground_thread *", shared_address)
end

local function fail(message)
   io.stderr:write("replay.lua: ", message, "\n")
   os.exit(3)
end

local function read_file(path)
   local file, problem = io.open(path, "rb")
   if not file then
      fail("cannot open " .. problem)
   end
   local data = file:read("*a")
   file:close()
   return data
end

local function read_tokens(path)
   local tokens = {}
   for user, token in read_file(path):gmatch("(%d+) (%S+)\n") do
      tokens[user] = token
   end
   return tokens
end

local function read_requests(path, host, tokens, first, step)
   local data = read_file(path)
   local requests = {}
   local position, number = 1, 0
   while position <= #data do
      local _, line_end, head_length, body_length = data:find("^(%d+) (%d+)\n", position)
      if not line_end then
         fail(path .. " has no frame at byte " .. position)
      end
      local head_end = line_end + head_length
      local body_end = head_end + body_length
      if data:sub(body_end + 1, body_end + 1) ~= "\n" then
         fail(path .. " is cut off or damaged at byte " .. position)
      end
      if number % step == first then
         local head = data:sub(line_end + 1, head_end)
         head = head:gsub("{host}", host):gsub("{token:(%d+)}", function(user)
            return tokens[user] or fail("there is no token for user " .. user)
         end)
         requests[#requests + 1] = head .. data:sub(head_end + 1, body_end)
      end
      position = body_end + 2
      number = number + 1
   end
   if #requests == 0 then
      fail(path .. " has fewer requests than there are threads")
   end
   return requests
end

-- The same as next_request(), and writes the number of requests of each second. It reads the clock for each request, so
-- that each counts in its own second, which is cheap beside the microseconds that a request costs wrk. The threads begin
-- within a fraction of a millisecond of each other, so their seconds are the same.
local function counted_by_second(next_request, path)
   local file, problem = io.open(path .. "." .. thread_index, "wb")
   if not file then
      fail("cannot write " .. problem)
   end
   -- Each line goes to the file at once.
   file:setvbuf("line")
   local now = ffi.new("fairground_time")
   -- The lower halves of both 64-bit numbers. A 64-bit number would be boxed, which leaves garbage.
   local halves = ffi.cast("int32_t *", now)
   ffi.C.clock_gettime(1, now)
   local first_seconds, first_nanoseconds = halves[0], halves[2]
   local second, count = 0, 0

   return function()
      ffi.C.clock_gettime(1, now)
      local elapsed = halves[0] - first_seconds + (halves[2] - first_nanoseconds) * 1e-9
      while elapsed >= second + 1 do
         if not file:write(thread_index, " ", second, " ", count, "\n") then
            fail("cannot write to " .. path)
         end
         second, count = second + 1, 0
      end
      count = count + 1
      return next_request()
   end
end

-- wrk starts its clock after creating its last thread, and calls this thread's init() before that, so the window doesn't
-- include the wait.
local function wait_until(seconds, nanoseconds)
   local interrupted = 4
   local moment = ffi.new("fairground_time", seconds, nanoseconds)
   while ffi.C.clock_nanosleep(1, 1, moment, nil) == interrupted do end
end

local function count_status(status)
   local record = shared()[thread_index]
   record.statuses[status] = record.statuses[status] + 1
end

-- Globals, so that done() can read them from the first thread's state.
function init(args)
   workload, requests_path, tokens_path, output_path = args[1], args[2], args[3], args[4]
   thread_count, connections = tonumber(args[5]), tonumber(args[6])
   timeout_seconds, duration_seconds = tonumber(args[7]), tonumber(args[8])
   wrk_version, counts_statuses = args[9], args[10] == "statuses"
   local series_path = args[11]
   local part, parts = tonumber(args[12]), tonumber(args[13])
   if parts == nil then
      fail("it takes thirteen arguments, see its first lines")
   end

   local tokens = read_tokens(tokens_path)
   local requests = read_requests(requests_path, wrk.headers["Host"], tokens, part * thread_count + thread_index,
      parts * thread_count)
   local count, position = #requests, 0

   local function next_request()
      position = position % count + 1
      return requests[position]
   end

   -- wrk starts each thread when it is created, and its clock after the last. Requests before that would count as
   -- throughput, so each thread waits for the others. wrk itself calls request() once for the first thread, before that
   -- thread exists, to see how many requests it returns: that call must not wait.
   local function first_request()
      local records = shared()
      for other = 0, thread_count - 1 do
         while records[other].ready == 0 do
            ffi.C.usleep(100)
         end
      end
      local following = series_path == "no-series" and next_request or counted_by_second(next_request, series_path)
      request = following
      return following()
   end

   if thread_index == 0 then
      request = function()
         request = first_request
         return requests[1]
      end
   else
      request = first_request
   end
   if counts_statuses then
      response = count_status
   end

   collectgarbage()
   collectgarbage()
   if args[14] and thread_index == thread_count - 1 then
      wait_until(tonumber(args[14]), tonumber(args[15]))
   end
   shared()[thread_index].ready = 1
end

local function json_string(text)
   return '"' .. text:gsub('[%c"\\]', function(character)
      return string.format("\\u%04x", character:byte())
   end) .. '"'
end

local function integer(number)
   return string.format("%.0f", tonumber(number))
end

-- wrk's own latency(i) walks the histogram from its start for each i: quadratic. This reads wrk's stats struct
-- (stats.h of wrk 4.1.0): data[n] is the number of responses after n microseconds.
local function histogram_of(latency)
   local stats = ffi.cast("fairground_stats **", latency)[0]
   local pairs_of, sum = {}, 0ULL
   if stats.count > 0 then
      for microseconds = tonumber(stats.min), tonumber(stats.max) do
         local count = stats.data[microseconds]
         if count > 0 then
            pairs_of[#pairs_of + 1] = "[" .. microseconds .. "," .. integer(count) .. "]"
            sum = sum + count
         end
      end
   end
   if sum ~= stats.count then
      fail("the histogram has " .. integer(sum) .. " responses, but wrk counts " .. integer(stats.count)
         .. ": this wrk's stats struct isn't that of 4.1.0")
   end
   local empty = stats.count == 0
   return string.format('{"count":%s,"minimum_us":%s,"maximum_us":%s,"histogram":[%s]}', integer(stats.count),
      empty and "0" or integer(stats.min), empty and "0" or integer(stats.max), table.concat(pairs_of, ","))
end

local function statuses_of(thread_count)
   local records, members = shared(), {}
   for status = 0, 999 do
      local count = 0ULL
      for index = 0, thread_count - 1 do
         count = count + records[index].statuses[status]
      end
      if count > 0 then
         members[#members + 1] = '"' .. status .. '":' .. integer(count)
      end
   end
   return "{" .. table.concat(members, ",") .. "}"
end

-- CLOCK_MONOTONIC, like the sampler's. The text of a 64-bit number is exact; a Lua number has 53 bits.
local function monotonic_ns()
   local now = ffi.new("fairground_time")
   if ffi.C.clock_gettime(1, now) ~= 0 then
      fail("there is no CLOCK_MONOTONIC")
   end
   return tostring(ffi.cast("int64_t", now.seconds) * 1000000000LL + now.nanoseconds):match("%d+")
end

function done(summary, latency, _)
   -- First of all: wrk calls this after its threads have ended and it has printed its summary.
   local ended_ns = monotonic_ns()
   local first = threads[1]
   local errors = summary.errors
   local members = {
      '"version":2',
      '"wrk_version":' .. json_string(first:get("wrk_version")),
      '"workload":' .. json_string(first:get("workload")),
      '"threads":' .. integer(#threads),
      '"connections":' .. integer(first:get("connections")),
      '"timeout_seconds":' .. integer(first:get("timeout_seconds")),
      '"duration_seconds":' .. integer(first:get("duration_seconds")),
      '"elapsed_us":' .. integer(summary.duration),
      '"ended_ns":' .. ended_ns,
      '"requests":' .. integer(summary.requests),
      '"bytes":' .. integer(summary.bytes),
      string.format('"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}', errors.connect,
         errors.read, errors.write, errors.status, errors.timeout),
      '"latency":' .. histogram_of(latency),
      '"statuses":' .. (first:get("counts_statuses") and statuses_of(#threads) or "null"),
   }

   local path = first:get("output_path")
   local file, problem = io.open(path .. ".part", "wb")
   local written = file and file:write("{", table.concat(members, ","), "}\n")
   local closed = file and file:close()
   if not (written and closed and os.rename(path .. ".part", path)) then
      fail("cannot write " .. path .. (problem and ": " .. problem or ""))
   end
end
