import http from 'node:http'

// What is measured against: the least work a worker can do. Says that it listens, for bench/cold-start.mjs.
const body = Buffer.alloc(128, 'x')
http
  .createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
    res.end(body)
  })
  .listen(Number(process.env.PROXY_PORT), '127.0.0.1', () => console.log('listening'))
