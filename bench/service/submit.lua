-- wrk: one submission after the other, all alike. Prints its figures as one line of JSON at the end.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model": "model.onnx", "dataset": "rows.npz", "name": "' .. (os.getenv("NS_BENCH_NAME") or "") .. '", "labels": {"user": "bench"}}'

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "max": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
