-- What wrk found, as one line of JSON behind its own report.
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "errors": %d, "seconds": %.6f, "bytes": %d, "median_us": %.3f}\n',
    summary.requests, failed, summary.duration / 1e6, summary.bytes, latency:percentile(50)))
end
