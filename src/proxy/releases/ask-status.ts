import http from 'node:http'

/** The status of a GET on a connection of its own, or, where there is none, why. */
export function askStatus(
  where: { readonly host: string; readonly port: number; readonly path: string },
  timeoutMs: number,
): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { host: 'localhost', 'user-agent': 'cservice', connection: 'close' }
    const req = http.get({ ...where, headers, agent: false }, (res) => {
      resolve(res.statusCode ?? 'no status')
      req.destroy()
    })
    const timer = setTimeout(() => req.destroy(new Error('no answer in time')), timeoutMs)
    req.on('error', (error) => resolve(error.message))
    req.on('close', () => clearTimeout(timer))
  })
}
