import http from 'node:http'

export interface Received {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** One request to a port of localhost, or to a socket. */
export function request(
  to: number | string,
  options: http.RequestOptions = {},
  body: string | Buffer = '',
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const where = typeof to === 'number' ? { host: '127.0.0.1', port: to } : { socketPath: to, host: 'localhost' }
    const req = http.request({ method: 'POST', agent: false, ...where, ...options }, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end(body)
  })
}
