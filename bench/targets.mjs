// What the proxy is to reach, and whether it does: each is a ratio to a peer that was measured in the same rounds.

const nodePeers = ['http-proxy', 'http-proxy-keep-alive', 'http-proxy-3', 'httpxy', 'fast-proxy', 'fastify']

const targets = [
  atLeast(1, 'requests/s, fast lane, Node worker: × nginx', ratio('peers.node', 'fast', 'nginx', 'rate')),
  atLeast(
    2,
    'requests/s, fast lane, Node worker: × http-proxy with keep-alive',
    ratio('peers.node', 'fast', 'http-proxy-keep-alive', 'rate'),
  ),
  atLeast(1.4, 'requests/s, fast lane, Node worker: × caddy', ratio('peers.node', 'fast', 'caddy', 'rate')),
  atLeast(1.4, 'requests/s, fast lane, Node worker: × the best Node peer', bestNodePeer),
  atLeast(0.8, 'requests/s, fast lane, near-free backend: × nginx', ratio('peers.near-free', 'fast', 'nginx', 'rate')),
  atLeast(
    3,
    'requests/s, fast lane, near-free backend: × http-proxy with keep-alive',
    ratio('peers.near-free', 'fast', 'http-proxy-keep-alive', 'rate'),
  ),
  atLeast(
    12,
    'requests/s, fast lane, near-free backend: × cluster-service',
    ratio('peers.near-free', 'fast', 'cluster-service', 'rate'),
  ),
  atMost(1.35, 'CPU time a request, near-free backend: × nginx', ratio('peers.near-free', 'fast', 'nginx', 'cpu')),
  atMost(1.1, 'p99 at a moderate rate, Node worker: × nginx', ratio('latency.node', 'fast', 'nginx', 'p99')),
  atMost(1.5, 'p99 at a moderate rate, near-free backend: × nginx', ratio('latency.near-free', 'fast', 'nginx', 'p99')),
  atLeast(0.9, 'answers of 100 KiB: × nginx', ratio('shapes.100 KiB, 50 connections', 'fast', 'nginx', 'rate')),
  atLeast(0.8, 'uploads of 1 MiB: × nginx', ratio('shapes.upload of 1 MiB, 20 connections', 'fast', 'nginx', 'rate')),
  atMost(10, 'client gone until the worker sees it, ms', value('cancel', 'fast', 'median')),
  atMost(1.05, 'p50 of one connection: × nginx', ratio('shapes.1 KiB, 1 connection', 'fast', 'nginx', 'p50')),
  atLeast(
    0.9,
    'requests/s, general lane, near-free backend: × http-proxy with keep-alive',
    ratio('peers.near-free', 'general', 'http-proxy-keep-alive', 'rate'),
  ),
  atLeast(
    0.7,
    'requests/s, 500 connections, near-free backend: × nginx',
    ratio('shapes.1 KiB, 500 connections', 'fast', 'nginx', 'rate'),
  ),
  atLeast(0.8, 'HTTPS, requests/s, near-free backend: × nginx', ratio('tls.near-free', 'fast', 'nginx', 'rate')),
  atLeast(
    0.4,
    'HTTP/2, 10 × 10 streams, near-free backend: × nginx',
    ratio('http2.near-free', 'fast', 'nginx', 'rate'),
  ),
  atLeast(
    1.8,
    'HTTP/2, 10 × 10 streams, near-free backend: × caddy',
    ratio('http2.near-free', 'fast', 'caddy', 'rate'),
  ),
  atMost(
    0.15,
    'cold version with a warm spare: × node worker.js',
    ratio('cold-start', 'spared', 'bare', 'milliseconds'),
  ),
  atMost(1.2, 'cold version without one: × node worker.js', ratio('cold-start', 'spawned', 'bare', 'milliseconds')),
  atMost(10, 'memory of an idle connection at 10,000, KiB', value('idle', 'fast', 'each at 10000')),
  atLeast(1, 'WebSocket messages/s: × nginx', ratio('streams.messages', 'fast', 'nginx', 'rate')),
  atLeast(0.9, 'server-sent events/s: × nginx', ratio('streams.events', 'fast', 'nginx', 'rate')),
  atMost(1.03, 'CPU time a request, 1,000 versions: × 1 version', ratio('catalog', 'live-1000', 'live-1', 'cpu')),
]

/**
 * A row for each target, as far as the results go.
 * @param results of suites, all of them
 */
export function targetRows(results) {
  const samplesOf = (key) => results.find((result) => result.key === key)?.samples ?? null
  const rows = targets.map(({ name, goal, measure, isMet }) => {
    const measured = measure(samplesOf)
    if (!Number.isFinite(measured)) return [name, goal, '–', 'not measured']
    return [name, goal, measured.toFixed(measured < 0.3 ? 3 : 2), isMet(measured) ? 'met' : 'NOT met']
  })
  return [['', 'goal', 'measured', ''], ...rows]
}

function atLeast(limit, name, measure) {
  return { name, goal: `≥ ${limit}`, measure, isMet: (measured) => measured >= limit }
}

function atMost(limit, name, measure) {
  return { name, goal: `≤ ${limit}`, measure, isMet: (measured) => measured <= limit }
}

function ratio(key, id, base, metric) {
  return (samplesOf) => samplesOf(key)?.ratio(id, base, metric)
}

function value(key, id, metric) {
  return (samplesOf) => samplesOf(key)?.value(id, metric)
}

function bestNodePeer(samplesOf) {
  const samples = samplesOf('peers.node')
  const ratios = nodePeers.map((id) => samples?.ratio('fast', id, 'rate')).filter(Number.isFinite)
  return ratios.length === 0 ? undefined : Math.min(...ratios)
}
