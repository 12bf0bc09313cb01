// Answers requests without looking at more of them than where they end: for well-formed HTTP/1.1 from a proxy on this machine.
import net from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')
const answers = new Map([64, 1_024, 102_400].map((size) => [`/${size}`, answer(size)]))
answers.set('/upload', answer(64))
const notFound = Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')

net.createServer(serve).listen({ port: Number(process.env.PROXY_PORT), host: '127.0.0.1', backlog: 4_096 })

function answer(size) {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`
  return Buffer.from(head + 'x'.repeat(size))
}

function serve(socket) {
  let pending = null
  let bodyLeft = 0
  let due = null // the answer to what is being read
  let isLast = false
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    let bytes = pending === null ? chunk : Buffer.concat([pending, chunk])
    pending = null
    while (bytes.length > 0) {
      if (due === null) {
        const end = bytes.indexOf(headEnd)
        if (end === -1) {
          pending = bytes
          return
        }
        const head = bytes.latin1Slice(0, end)
        bodyLeft = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
        isLast = /^connection: *close/im.test(head)
        due = answers.get(head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'))) ?? notFound
        bytes = bytes.subarray(end + headEnd.length)
      }
      const taken = Math.min(bodyLeft, bytes.length)
      bodyLeft -= taken
      bytes = bytes.subarray(taken)
      if (bodyLeft > 0) return
      socket.write(due)
      due = null
      if (isLast) socket.end()
    }
  })
}
