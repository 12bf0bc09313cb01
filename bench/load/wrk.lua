-- One line of JSON behind wrk's own report, and a body if the environment asks for one.
local bytes = tonumber(os.getenv('BENCH_UPLOAD') or '0')
if bytes > 0 then
  wrk.method = 'POST'
  wrk.body = string.rep('x', bytes)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99)))
end
