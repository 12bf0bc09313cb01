// What SvelteKit's adapter for Node has made listens where the gateway wants it to.
process.env.PORT = process.env.PROXY_PORT
process.env.HOST = '127.0.0.1'
await import('./build/index.js')
