import http from 'node:http'

export interface BurstAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** Milliseconds from the start of the burst to the end of the answer. */
  readonly took: number
}

/**
 * Sends `count` GETs at the same moment, each on a connection of its own, and waits for all.
 * @throws when one of them gets no whole answer
 */
export function burst(
  url: string,
  count: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<BurstAnswer[]> {
  return Promise.all(Array.from({ length: count }, () => get(url, headers)))
}

function get(url: string, headers: Readonly<Record<string, string>>): Promise<BurstAnswer> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const req = http.get(url, { agent: false, headers }, (res) => {
      let body = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => {
        body += chunk
      })
      res.on('error', reject)
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body, took: performance.now() - began }),
      )
    })
    req.on('error', reject)
  })
}
