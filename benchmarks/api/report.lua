-- Asks for the addresses given after "--" in turn, and writes what wrk measured as one line of JSON.
local requests, turn = {}, 0

init = function(addresses)
  for index = 1, #addresses do
    requests[index] = wrk.format("GET", addresses[index])
  end
end

request = function()
  turn = turn % #requests + 1
  return requests[turn]
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"rate": %.3f, "p50": %.4f, "p95": %.4f, "bytes": %.1f, "requests": %d, "failed": %d, "late": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    summary.bytes / summary.requests, summary.requests,
    errors.connect + errors.read + errors.write + errors.status, errors.timeout))
end
