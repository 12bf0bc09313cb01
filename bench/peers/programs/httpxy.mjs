import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { target, requirePeer, keepAliveAgent, listen, fail } = createRequire(import.meta.url)('./front.cjs')
const { createProxyServer } = await import(pathToFileURL(requirePeer.resolve('httpxy')).href)
const proxy = createProxyServer({ target, xfwd: true, agent: keepAliveAgent() })
proxy.on('error', fail)
listen(
  (req, res) => proxy.web(req, res),
  (req, socket, head) => proxy.ws(req, socket, {}, head),
)
