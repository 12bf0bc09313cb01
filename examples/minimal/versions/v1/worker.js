import http from 'node:http'

http.createServer((_req, res) => res.end('Hello from the smallest version\n')).listen(process.env.PROXY_PORT ?? 3000)
