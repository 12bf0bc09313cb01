import http from 'node:http'

// Version v2 of the sample service: v1, and a clock that streams its ticks to the browser (/events).
// A version needs one thing: to listen on PROXY_PORT. Alone (`node worker.js`) it listens on 3000.
const version = process.env.CSERVICE_VERSION ?? 'v2'
const port = Number(process.env.PROXY_PORT ?? 3000)
const colour = '#15803d'
const line = `${version} answered by worker ${process.pid} on port ${port}`

const server = http.createServer((req, res) => {
  if (req.url === '/events') return tick(req, res)
  if (req.headers.accept?.includes('text/html')) {
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    res.end(page(req))
  } else {
    res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    res.end(`${line}\n`)
  }
})

server.listen(port, '127.0.0.1', () => console.log(`${version} listens on http://127.0.0.1:${port}`))

/** Server-sent events: the time, once a second, until the client leaves. */
function tick(_req, res) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const send = () => res.write(`data: ${new Date().toISOString()} ${line}\n\n`)
  send()
  const timer = setInterval(send, 1000)
  res.on('close', () => clearInterval(timer))
}

function page(req) {
  const origin = `http://${escapeHtml(req.headers.host ?? 'localhost')}`
  const shown = ['host', 'x-version', 'x-forwarded-for', 'x-forwarded-proto', 'x-request-id', 'user-agent']
  const rows = shown.map((name) => `<tr><th>${name}<td>${escapeHtml(req.headers[name] ?? '–')}`).join('')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(version)} · worker ${process.pid}</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color: #222 }
  header { background: ${colour}; color: #fff; border-radius: 12px; padding: 1.5rem 2rem }
  h1 { font-size: 3.5rem; line-height: 1; margin: 0 0 .5rem }
  pre { background: #f3f3f5; border-left: 4px solid ${colour}; padding: 1rem; overflow-x: auto }
  th { text-align: left; font-weight: 500; padding-right: 1.5rem; color: #666; vertical-align: top }
  td { overflow-wrap: anywhere }
</style>
<header><h1>${escapeHtml(version)}</h1>worker ${process.pid} on port ${port}</header>
<h2>Your request</h2>
<table>${rows}</table>
<h2>Clock</h2>
<pre id="clock">…</pre>
<script>
  // The stream belongs to this version until the page is closed, whatever is promoted meanwhile.
  new EventSource('/events').onmessage = (event) => { document.getElementById('clock').textContent = event.data }
</script>
<h2>Try</h2>
<pre>curl ${origin}/
curl -H 'x-version: v1' ${origin}/
curl -H 'x-version: v2' ${origin}/
curl -H 'x-version: v3' ${origin}/
curl -N -H 'x-version: v2' ${origin}/events
npx cservice proxy promote v3     # then reload this page
npx cservice proxy info</pre>
</html>
`
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
