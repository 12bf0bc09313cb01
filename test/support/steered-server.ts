/**
 * A web server without anything of ours, which the files of its folder steer: it leaves its pid in `boots`, does not come up
 * while there is a file `fails`, takes as many milliseconds to boot as `delay` says, and exits when `dies` appears. It
 * answers `<word> <pid>`, and `/slow?ms=` later.
 */
export function steeredServer(word: string): string {
  return `
    const fs = require('node:fs')
    const http = require('node:http')
    const path = (name) => require('node:path').join(__dirname, name)
    fs.appendFileSync(path('boots'), process.pid + '\\n')
    if (fs.existsSync(path('fails'))) {
      console.error('no luck')
      process.exit(7)
    }
    const delay = fs.existsSync(path('delay')) ? Number(fs.readFileSync(path('delay'), 'utf8')) : 0
    if (delay > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delay)
    http.createServer((req, res) => {
      const { pathname, searchParams } = new URL(req.url, 'http://localhost')
      setTimeout(() => res.end('${word} ' + process.pid), pathname === '/slow' ? Number(searchParams.get('ms')) : 0)
    }).listen(process.env.PORT, '127.0.0.1')
    setInterval(() => { if (fs.existsSync(path('dies'))) process.exit(8) }, 20)
  `
}
