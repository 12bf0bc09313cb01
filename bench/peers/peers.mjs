import { caddy } from './caddy.mjs'
import { clusterService } from './cluster-service.mjs'
import { haproxy } from './haproxy.mjs'
import { nginx } from './nginx.mjs'
import { nodePeer } from './node-peer.mjs'

/**
 * Everybody that cservice is compared with. A peer has an id, a name, how to install it, what it speaks beside plain HTTP
 * (`tls`, `http2`, `messages` for WebSocket), and `start({ backendPort, port, core, folder, tls })`, which answers
 * `{ pids, stop }` once the port accepts. `folder` does not exist yet and is the peer's own; `tls` is null, or files
 * of a key and its certificate.
 */
export const peers = [
  nginx,
  haproxy,
  caddy,
  nodePeer({
    id: 'http-proxy',
    name: 'http-proxy, default',
    file: 'http-proxy.cjs',
    library: 'http-proxy',
    speaks: ['tls', 'messages'],
  }),
  nodePeer({
    id: 'http-proxy-keep-alive',
    name: 'http-proxy, keep-alive',
    file: 'http-proxy.cjs',
    library: 'http-proxy',
    extra: { BENCH_AGENT: 'keep-alive' },
    speaks: ['tls', 'messages'],
  }),
  nodePeer({
    id: 'http-proxy-3',
    name: 'http-proxy-3, keep-alive',
    file: 'http-proxy.cjs',
    library: 'http-proxy-3',
    extra: { BENCH_AGENT: 'keep-alive', BENCH_LIBRARY: 'http-proxy-3' },
    speaks: ['tls', 'messages'],
  }),
  nodePeer({
    id: 'httpxy',
    name: 'httpxy, keep-alive',
    file: 'httpxy.mjs',
    library: 'httpxy',
    speaks: ['tls', 'messages'],
  }),
  nodePeer({ id: 'fast-proxy', name: 'fast-proxy', file: 'fast-proxy.cjs', library: 'fast-proxy' }),
  nodePeer({ id: 'fastify', name: '@fastify/http-proxy', file: 'fastify.cjs', library: '@fastify/http-proxy' }),
  clusterService,
]
