-- wrk's script: sends the requests of a file in turn, and prints what came of it as one line of JSON.
-- Each line of the file has four parts between tabs: method, path, headers ("Name: value|Name: value"), body.

local sent, count = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, headers, body = line:match("^(%u+)\t(%S+)\t([^\t]*)\t(.*)$")
    local named = {}
    for name, value in headers:gmatch("([^:|]+): ([^|]*)") do
      named[name] = value
    end
    sent[#sent + 1] = wrk.format(method, path, named, body ~= "" and body or nil)
  end
end

function request()
  count = count % #sent + 1
  return sent[count]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d, "broken": %d, "late": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout
  ))
end
