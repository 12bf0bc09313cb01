// http-proxy, as it comes (BENCH_AGENT unset) or with an agent that keeps connections; http-proxy-3 has the same interface.
const { target, requirePeer, keepAliveAgent, listen, fail } = require('./front.cjs')

const { BENCH_AGENT, BENCH_LIBRARY = 'http-proxy' } = process.env
const { createProxyServer } = requirePeer(BENCH_LIBRARY)
const agent = BENCH_AGENT === undefined ? {} : { agent: keepAliveAgent() }
const proxy = createProxyServer({ target, xfwd: true, ...agent })
proxy.on('error', fail)
listen(
  (req, res) => proxy.web(req, res),
  (req, socket, head) => proxy.ws(req, socket, head),
)
