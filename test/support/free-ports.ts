import { once } from 'node:events'
import net from 'node:net'

/**
 * Ports of 127.0.0.1 that nobody listens on. They lie below the range from which the kernel takes the ports of outgoing
 * connections, and each test process (VITEST_POOL_ID) has a stretch of its own, so that what is free now stays free.
 */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = nextPort()
    if (await isPortFree(port)) ports.push(port)
  }
  return ports
}

/** `count` free ports in a row, as `versionPorts` writes them: `"21000-21019"`. */
export async function freePortRange(count: number): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const ports = Array.from({ length: count }, nextPort)
    const first = ports[0] as number
    const last = ports[count - 1] as number
    const isRow = last - first === count - 1
    if (isRow && (await Promise.all(ports.map((port) => isPortFree(port)))).every(Boolean)) return `${first}-${last}`
  }
  throw new Error(`no ${count} free ports in a row`)
}

/** Whether both address families could listen on it now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port))
}

const firstPort = 13_000
const stretch = 1_500
const stretches = 12
const base = firstPort + (Number(process.env.VITEST_POOL_ID ?? 0) % stretches) * stretch
/** Where the next search starts: by pid, so that a rerun does not meet the ports that the last one has just left. */
let offset = (process.pid * 37) % stretch

function nextPort(): number {
  offset = (offset + 1) % stretch
  return base + offset
}

async function canListen(port: number, host?: string): Promise<boolean> {
  const server = net.createServer()
  server.listen(host === undefined ? { port } : { port, host })
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
