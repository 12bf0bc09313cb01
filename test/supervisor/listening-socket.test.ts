import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ListeningSocket } from '../../src/supervisor/listening-socket.ts'

/** A program that accepts on descriptor 3 and answers with its pid. */
const acceptor = `
  const server = require('node:http').createServer((req, res) => res.end(String(process.pid)))
  server.listen({ fd: 3 }, () => console.log('listening'))
`

test('a port stays open while the processes that accept on it come and go', async () => {
  const socket = await open(0, '127.0.0.1')
  const first = await startAcceptor(socket)
  const second = await startAcceptor(socket)

  const both = [first.pid, second.pid]
  for (const pid of await answers(socket.port, 20)) expect(both).toContain(pid)
  await kill(first)
  expect(await answers(socket.port, 20)).toEqual(new Set([second.pid]))
  const third = await startAcceptor(socket)
  await kill(second)
  expect(await answers(socket.port, 20)).toEqual(new Set([third.pid]))
})

test('connections that come while no process accepts wait in the backlog for the next one', async () => {
  const socket = await open(0, '127.0.0.1')
  await kill(await startAcceptor(socket))
  const waiting = fetch(`http://127.0.0.1:${socket.port}/`, { headers: { connection: 'close' } })
  const successor = await startAcceptor(socket)
  expect(Number(await (await waiting).text())).toBe(successor.pid)
})

test('the process that opened the socket never accepts a connection itself', async () => {
  const socket = await open(0, '127.0.0.1')
  const acceptorProcess = await startAcceptor(socket)
  const pids = await answers(socket.port, 30)
  expect(pids).toEqual(new Set([acceptorProcess.pid]))
})

test('a socket without a host takes IPv4 and IPv6 connections', async () => {
  const socket = await open(0, null)
  const { pid } = await startAcceptor(socket)
  expect(await answers(socket.port, 1, '127.0.0.1')).toEqual(new Set([pid]))
  expect(await answers(socket.port, 1, '[::1]')).toEqual(new Set([pid]))
})

test('a port that another program listens on is refused at once, with the reason', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as net.AddressInfo
  await expect(ListeningSocket.open(port, '127.0.0.1')).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `127.0.0.1:${port} is taken by another program`,
  })
})

test('an address that is not of this machine is refused', async () => {
  await expect(ListeningSocket.open(0, '192.0.2.1')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('after it is closed and its processes are gone, the port is free', async () => {
  const socket = await ListeningSocket.open(0, '127.0.0.1')
  const child = await startAcceptor(socket)
  socket.close()
  await kill(child)
  const again = await open(socket.port, '127.0.0.1')
  expect(again.port).toBe(socket.port)
})

async function open(port: number, host: string | null): Promise<ListeningSocket> {
  const socket = await ListeningSocket.open(port, host)
  onTestFinished(() => socket.close())
  return socket
}

async function startAcceptor(socket: ListeningSocket): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', acceptor], { stdio: ['ignore', 'pipe', 'inherit', socket.fd] })
  onTestFinished(() => kill(child))
  if (child.stdout) await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function answers(port: number, count: number, host = '127.0.0.1'): Promise<Set<number>> {
  const pids = new Set<number>()
  for (let i = 0; i < count; i++) {
    const answer = await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })
    pids.add(Number(await answer.text()))
  }
  return pids
}
