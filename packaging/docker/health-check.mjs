// Asks the gateway of this container, over its control socket, whether it is ready. Exit code 0: it is.
// CSERVICE_PORT is its control port, where that is another than usual.
import http from 'node:http'

const { XDG_RUNTIME_DIR = '/run/cservice', CSERVICE_PORT = '11987' } = process.env
const socketPath = `${XDG_RUNTIME_DIR}/cservice/${CSERVICE_PORT}/control.sock`
const request = http.get({ socketPath, path: '/readyz', host: 'localhost', timeout: 4_000 }, (response) => {
  response.pipe(process.stdout)
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
request.on('timeout', () => request.destroy(new Error('no answer')))
request.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
