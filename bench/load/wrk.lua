-- What wrk counted, as one line of JSON. `wrk -s wrk.lua URL [-- FILE]`: with a file, which holds
-- whole requests with NUL after each, every request is one of them by chance.

local requests = {}

function init(args)
  if args[1] == nil then return end
  local file = assert(io.open(args[1], "rb"))
  for each in string.gmatch(file:read("*a"), "([^%z]+)%z") do
    requests[#requests + 1] = each
  end
  file:close()
  math.randomseed(1)
  local count = #requests
  local random = math.random
  -- wrk asks only scripts that have this function: without a file it sends one request again.
  request = function() return requests[random(count)] end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
