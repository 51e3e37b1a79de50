-- The application of bench.compare on MySQL: single-row updates, each due at its own time.
--
-- A statement's latency counts from when it was due, so that what waits behind a lock, or behind others, counts in full. Each thread
-- writes lines of "end latency", in seconds, to $BENCH_LOG.N.

local ffi = require("ffi")
ffi.cdef [[
struct bench_time { long seconds; long nanoseconds; };
int clock_gettime(int clock, struct bench_time *now);
int usleep(unsigned int microseconds);
]]

local REALTIME = 0
local FLUSH_EVERY = 0.2

sysbench.cmdline.options = {
   table_size = {"Rows of the table", 1000000},
   application_rate = {"Statements a second, in all", 1000},
}

local clock = ffi.new("struct bench_time")

local function now()
   ffi.C.clock_gettime(REALTIME, clock)
   return tonumber(clock.seconds) + tonumber(clock.nanoseconds) / 1e9
end

function thread_init()
   connection = sysbench.sql.driver():connect()
   statement = connection:prepare("UPDATE sbtest1 SET k = k + 1 WHERE id = ?")
   id = statement:bind_create(sysbench.sql.type.INT)
   statement:bind_param(id)
   log = io.open(os.getenv("BENCH_LOG") .. "." .. sysbench.tid, "w")
   log:setvbuf("full", 1048576)
   pause = sysbench.opt.threads / sysbench.opt.application_rate
   due = now() + pause * math.random()
   flushed = due
end

function event()
   local wait = due - now()
   if wait > 0 then
      ffi.C.usleep(math.floor(wait * 1e6))
   end
   id:set(sysbench.rand.uniform(1, sysbench.opt.table_size))
   statement:execute()
   local ended = now()
   log:write(string.format("%.6f %.6f\n", ended, ended - due))
   due = due + pause
   if ended - flushed > FLUSH_EVERY then
      log:flush()
      flushed = ended
   end
end

function thread_done()
   log:close()
   statement:close()
   connection:disconnect()
end
