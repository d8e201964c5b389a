import { afterEach, beforeEach, expect, test } from 'bun:test'
import { createHash, randomBytes } from 'node:crypto'
import { type Server, type Socket, connect, createServer } from 'node:net'

import { splice } from '../../../src/cas/sync-server/tunnel/splice.ts'
import type { DataConnection } from '../../../src/platform/data-connection.ts'
import { dial } from '../../../src/platform/data-dial.ts'
import { type DataListener, listen } from '../../../src/platform/data-listen.ts'
import {
  type LocalListener,
  type LocalSocket,
  connectLocally,
  listenLocally,
} from '../../../src/platform/local-socket.ts'
import { makeAuthority } from '../../fakes/test-authority.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// A whole tunnel, all of it real sockets: program, splice, TLS, splice, program.

const MIB = 1 << 20
/** What the sockets and queues on the way may hold, by the largest windows of three connections: far less than is sent. */
const HELD_BYTES_MAX = 64 * MIB

let listener: DataListener
let local: LocalListener
let service: Server
let near: Socket
let far: Socket
let endedCount: number

beforeEach(async () => {
  endedCount = 0
  const ended = (): void => void endedCount++
  const authority = await makeAuthority()
  const [server, client] = [await authority.issue('server'), await authority.issue('client')]
  const accepted = Promise.withResolvers<Socket>()
  service = createServer({ allowHalfOpen: false }, (socket) => {
    socket.pause()
    accepted.resolve(socket)
  }).listen(0, '127.0.0.1')
  const address = service.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const came = Promise.withResolvers<LocalSocket>()
  local = listenLocally(came.resolve)
  near = connect(local.port, '127.0.0.1')
  near.on('error', () => undefined)
  const atNear = await came.promise
  const tunnelled = Promise.withResolvers<void>()
  listener = listen({
    host: '127.0.0.1',
    port: 0,
    identity: server,
    accepted: (tunnel: DataConnection) => {
      splice(atNear, tunnel, ended)
      tunnelled.resolve()
    },
    refused: (reason) => tunnelled.reject(new Error(reason)),
  })
  const order = { host: '127.0.0.1', port: listener.port, serverId: 'server', identity: client }
  splice(await connectLocally({ host: '127.0.0.1', port }), await dial(order), ended)
  await tunnelled.promise
  far = await accepted.promise
})
afterEach(() => {
  near.destroy()
  far.destroy()
  local.stop()
  listener.stop()
  service.close()
})

/** Writes so much as long as it is taken; gives the hash of it all, and how much has been taken so far. */
function pour(socket: Socket, bytes: number) {
  const hash = createHash('sha256')
  let written = 0
  const more = (): void => {
    for (let isTaken = true; isTaken && written < bytes;) {
      const chunk = randomBytes(Math.min(100_000, bytes - written))
      hash.update(chunk)
      written += chunk.length
      isTaken = socket.write(chunk)
    }
    if (written < bytes) socket.once('drain', more)
    else socket.end()
  }
  more()
  return { written: () => written, hash: () => hash.digest('hex') }
}

/** Waits until nothing more is taken. */
async function stillStanding(written: () => number): Promise<void> {
  for (let before = -1; before !== written();) {
    before = written()
    await Bun.sleep(300)
  }
}

async function drain(socket: Socket): Promise<string> {
  const hash = createHash('sha256')
  socket.on('data', (chunk) => void hash.update(chunk))
  socket.resume()
  await new Promise((resolve) => socket.on('close', resolve))
  return hash.digest('hex')
}

test.each([
  ['there', () => [near, far] as const],
  ['back', () => [far, near] as const],
])(
  'who does not read holds up who writes, and then gets everything: %s',
  async (_way, ends) => {
    const [from, to] = ends()
    to.pause()
    const pouring = pour(from, 192 * MIB)
    await stillStanding(pouring.written)
    expect(pouring.written()).toBeLessThan(HELD_BYTES_MAX)
    expect(await drain(to)).toBe(pouring.hash())
  },
  60_000,
)

test('with either end, the other one ends, once', async () => {
  const closed = new Promise((resolve) => far.on('close', resolve))
  far.resume()
  near.destroy()
  await closed
  await waitFor('both halves', () => endedCount === 2)
})
