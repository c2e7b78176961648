-- wrk: GET of the paths in the file NS_BENCH_PATHS, one a line, in turn. Prints its figures as one line of JSON at the end.
local requests_made, at = {}, 0

function init(args)
  for path in io.lines(os.getenv("NS_BENCH_PATHS")) do
    requests_made[#requests_made + 1] = wrk.format("GET", path)
  end
end

function request()
  at = at % #requests_made + 1
  return requests_made[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "max": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
