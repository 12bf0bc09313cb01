// What `next build` has made listens where the gateway wants it to.
process.env.PORT = process.env.PROXY_PORT
process.env.HOSTNAME = '127.0.0.1'
require('./server.js')
