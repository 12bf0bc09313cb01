const { target, requirePeer, certificate } = require('./front.cjs')

const { default: createFastify } = requirePeer('fastify')
const fastify = createFastify({
  https: certificate,
  keepAliveTimeout: 600_000,
  bodyLimit: 1024 * 1024 * 1024,
})
fastify.register(requirePeer('@fastify/http-proxy'), { upstream: target })
fastify.listen({ port: Number(process.env.BENCH_PORT), host: '127.0.0.1', backlog: 4_096 })
