// What `nuxt build` has made listens where the gateway wants it to.
process.env.PORT = process.env.PROXY_PORT
process.env.HOST = '127.0.0.1'
await import('./server/index.mjs')
