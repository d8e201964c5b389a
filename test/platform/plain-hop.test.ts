import { afterEach, beforeAll, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import type { AppError } from '../../src/core/base/errors.ts'
import type { Failure } from '../../src/core/base/result.ts'
import { agentServerName } from '../../src/core/wire/enrolment.ts'
import type { Frame } from '../../src/core/wire/frame.ts'
import { PLAIN_OPENING_BYTES } from '../../src/core/wire/plain-opening.ts'
import type { DataConnection } from '../../src/platform/data-connection.ts'
import { dial } from '../../src/platform/data-dial.ts'
import { listen } from '../../src/platform/data-listen.ts'
import { type Meddle, startRecordingLine } from '../fakes/recording-line.ts'
import { type TestAuthority, type TestIdentity, makeAuthority } from '../fakes/test-authority.ts'
import { waitFor } from '../fakes/wait-for.ts'

const SERVER = '00000000-0000-4000-8000-00000000000a'
const CLIENT = '00000000-0000-4000-8000-00000000000b'
const SEAL_BYTES = 16
const PROOF_BYTES = 32
const hopKey = randomBytes(32)

let authority: TestAuthority
let server: TestIdentity
let client: TestIdentity
const stops: (() => void)[] = []

beforeAll(async () => {
  authority = await makeAuthority()
  server = await authority.issue(SERVER)
  client = await authority.issue(CLIENT)
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

interface End {
  readonly connection: DataConnection
  readonly frames: Frame[]
  readonly ended: () => boolean
  readonly failure: () => Failure | null
}

function watch(connection: DataConnection): End {
  const frames: Frame[] = []
  let ended = false
  let failure: Failure | null = null
  connection.handle({
    frame: (frame) => void frames.push(structuredClone(frame)),
    closed: (reason) => {
      ended = true
      failure = reason
    },
  })
  return { connection, frames, ended: () => ended, failure: () => failure }
}

/** A listener for both kinds, and a line to it. */
function serve(
  meddle?: Meddle,
  keys: ReadonlyMap<string, Uint8Array> = new Map([[CLIENT, hopKey]]),
) {
  const accepted: End[] = []
  const refusals: string[] = []
  const listener = listen({
    host: '127.0.0.1',
    port: 0,
    identity: server,
    plain: { serverId: SERVER, hopKeyOf: (id) => keys.get(id) ?? null },
    accepted: (connection) => void accepted.push(watch(connection)),
    refused: (reason) => void refusals.push(reason),
  })
  const line = startRecordingLine(listener.port, meddle)
  stops.push(
    () => listener.stop(),
    () => line.stop(),
  )
  return { port: line.port, directPort: listener.port, line, accepted, refusals }
}

const dialPlain = (
  port: number,
  changes: { ownId?: string; hopKey?: Uint8Array; serverId?: string } = {},
) => {
  const { serverId = SERVER, ...own } = changes
  const plain = { ownId: CLIENT, hopKey, ...own }
  return dial({ host: '127.0.0.1', port, serverId, identity: client, plain })
}
const dialTls = (port: number, identity = client) =>
  dial({ host: '127.0.0.1', port, serverId: SERVER, identity })

const data = (bytes: Uint8Array): Frame => ({
  type: 'fileData',
  block: { compression: 'none', plainBytes: bytes.length, bytes },
})
const secret = Buffer.from('the content that everybody wants to read')
const said = (frames: readonly Frame[]) => JSON.stringify(frames)

test('one port takes both: content is readable on a plain hop and not under TLS', async () => {
  const { port, line, accepted } = serve()
  const plain = watch(await dialPlain(port))
  plain.connection.send(data(secret))
  await waitFor('the frame', () => accepted[0]?.frames.length === 1)
  expect([plain.connection.isPlain, plain.connection.peerId]).toEqual([true, SERVER])
  expect([accepted[0]?.connection.isPlain, accepted[0]?.connection.peerId]).toEqual([true, CLIENT])
  expect(said(accepted[0]?.frames ?? [])).toBe(said([structuredClone(data(secret))]))
  const onPlain = line.recorded('toServer').length
  expect(line.recorded('toServer').includes(secret)).toBe(true)
  const tls = watch(await dialTls(port))
  tls.connection.send(data(secret))
  await waitFor('the other frame', () => accepted[1]?.frames.length === 1)
  expect([tls.connection.isPlain, accepted[1]?.connection.peerId]).toEqual([false, CLIENT])
  accepted[1]?.connection.send(data(secret))
  await waitFor('the answer', () => tls.frames.length === 1)
  expect(line.recorded('toServer').subarray(onPlain).includes(secret)).toBe(false)
  expect(line.recorded('toClient').includes(secret)).toBe(false)
  expect(line.recorded('toServer').includes(hopKey)).toBe(false)
})

test('much goes both ways, in the order in which it was sent, on either kind', async () => {
  const { port, accepted } = serve()
  for (const [index, start] of [dialPlain, dialTls].entries()) {
    const mine = watch(await start(port))
    const chunk = randomBytes(200_000)
    for (let sent = 0; sent < 100; sent++) {
      mine.connection.send({ type: 'fileBegin', index: sent })
      mine.connection.send(data(chunk))
      await mine.connection.room()
    }
    const bytesOf = (each: Frame) => (each.type === 'fileData' ? each.block.bytes.length : 0)
    // TLS alone hands content on as it comes; what is sealed comes whole.
    await waitFor('all content', () => {
      const bytes = accepted[index]?.frames.reduce((sum, each) => sum + bytesOf(each), 0)
      return bytes === 100 * chunk.length
    })
    const theirs = accepted[index]
    if (start === dialPlain) expect(theirs?.frames).toHaveLength(200)
    expect(
      theirs?.frames.flatMap((each) => (each.type === 'fileBegin' ? [each.index] : [])),
    ).toEqual(Array.from({ length: 100 }, (_, each) => each))
    for (let sent = 0; sent < 500; sent++) theirs?.connection.send({ type: 'alive' })
    theirs?.connection.send({ type: 'jobEnd' })
    await waitFor('the answer', () => mine.frames.length === 1)
    mine.connection.close()
    await waitFor('the end', () => theirs?.ended() === true)
  }
})

test('a listener for both is as strict about certificates as one for TLS alone', async () => {
  const foreign = await makeAuthority()
  const { directPort, accepted, refusals } = serve()
  const strangers = [
    { ...(await foreign.issue(CLIENT)), authority: authority.pem },
    await authority.issue(CLIENT, { uris: [] }),
    await authority.issue(CLIENT, { uris: ['urn:cd:master:1'] }),
  ]
  for (const [index, identity] of strangers.entries()) {
    const end = await dialTls(directPort, identity).then(watch, (thrown: AppError) => thrown.code)
    if (typeof end !== 'string') {
      end.connection.send({ type: 'jobEnd' })
      await waitFor('the end', end.ended)
    }
    await waitFor('the refusal', () => refusals.length === index + 1)
  }
  const closed = Promise.withResolvers<void>()
  await Bun.connect({
    hostname: '127.0.0.1',
    port: directPort,
    tls: { ca: authority.pem, serverName: agentServerName(SERVER) },
    socket: {
      data: () => {},
      handshake: (socket) => void socket.write('x'),
      close: () => closed.resolve(),
    },
  })
  await closed.promise
  await waitFor('the last refusal', () => refusals.length === strangers.length + 1)
  expect(accepted).toHaveLength(0)
})

test('without the key of exactly these two there is no plain hop', async () => {
  const { directPort, accepted, refusals } = serve(undefined, new Map([[CLIENT, hopKey]]))
  const cases = [
    { hopKey: randomBytes(32), code: 'PEER_UNTRUSTED' },
    // One that the server has no key with, one that it is not, and one that pretends to be the server.
    { ownId: '00000000-0000-4000-8000-00000000000c', code: 'PEER_UNREACHABLE' },
    { serverId: CLIENT, code: 'PEER_UNREACHABLE' },
    { ownId: SERVER, code: 'PEER_UNREACHABLE' },
  ]
  for (const { code, ...changes } of cases) {
    const outcome = await dialPlain(directPort, changes).catch((thrown: AppError) => thrown.code)
    expect(outcome).toBe(code as never)
  }
  await waitFor('the refusals', () => refusals.length === cases.length)
  expect(accepted).toHaveLength(0)
})

test('a listener for TLS alone takes nothing plain', async () => {
  const refusals: string[] = []
  const listener = listen({
    host: '127.0.0.1',
    port: 0,
    identity: server,
    accepted: () => expect.unreachable(),
    refused: (reason) => void refusals.push(reason),
  })
  stops.push(() => listener.stop())
  const outcome = dialPlain(listener.port).catch((thrown: AppError) => thrown.code)
  expect(await outcome).toBe('PEER_UNREACHABLE' as never)
})

test('what is neither TLS nor plain is turned away', async () => {
  const { directPort, refusals } = serve()
  const closed = Promise.withResolvers<void>()
  await Bun.connect({
    hostname: '127.0.0.1',
    port: directPort,
    socket: {
      open: (socket) => void socket.write('GET / HTTP/1.1\r\n\r\n'),
      data: () => {},
      close: () => closed.resolve(),
    },
  })
  await closed.promise
  expect(refusals).toEqual(['it speaks neither TLS nor of plain hops'])
})

/** What the client sends in the tests below: where each byte lies on the wire is known. */
const script: readonly Frame[] = [{ type: 'fileBegin', index: 1 }, data(secret), { type: 'jobEnd' }]

/** Runs the script through a meddling line, and then so much that a frame which claims to be longer is made whole. */
async function send(meddle: Meddle, behindBytes = 2000) {
  const { port, accepted, refusals } = serve(meddle)
  const mine = await dialPlain(port).then(watch, (thrown: AppError) => thrown)
  if (!('connection' in mine)) return { taken: [], failure: mine, accepted }
  for (const frame of script) mine.connection.send(frame)
  for (let left = behindBytes; left > 0; left -= 200_000)
    mine.connection.send(data(randomBytes(Math.min(left, 200_000))))
  const isOver = () => accepted[0]?.ended() === true || refusals.length > 0
  await waitFor('an end', isOver)
  return { taken: accepted[0]?.frames ?? [], failure: accepted[0]?.failure() ?? null, accepted }
}

/** Sees the whole stream of one direction, and may replace any of it from an offset on. */
function at(offset: number, change: (byte: number) => number): Meddle {
  let seen = 0
  return (bytes, direction) => {
    if (direction === 'toClient') return bytes
    const changed = Buffer.from(bytes)
    const index = offset - seen
    if (index >= 0 && index < changed.length) changed[index] = change(changed[index] ?? 0)
    seen += bytes.length
    return changed
  }
}

test('a flipped bit anywhere in a frame closes the connection before anything of it is taken', async () => {
  const begin = PLAIN_OPENING_BYTES + PROOF_BYTES
  const firstFrameBytes = 4 + 1 + 1 + SEAL_BYTES
  const secondFrameBytes = 4 + 1 + 5 + secret.length + SEAL_BYTES
  const second = begin + firstFrameBytes
  for (let offset = begin; offset < second + secondFrameBytes; offset++) {
    const isInLength = offset < begin + 4 || (offset >= second && offset < second + 4)
    for (const bit of isInLength ? [0, 1, 2, 3, 4, 5, 6, 7] : [(offset * 5) % 8]) {
      const flip = at(offset, (byte) => byte ^ (1 << bit))
      const { taken, failure } = await send(flip, isInLength ? 1_200_000 : 2000)
      const place = `bit ${bit} of byte ${offset - begin}`
      expect([place, taken.length, failure?.code]).toEqual([
        place,
        offset < second ? 0 : 1,
        'FRAME_FORGED',
      ])
    }
  }
}, 60_000)

test('a flipped bit in the beginning leaves no connection', async () => {
  for (let offset = 0; offset < PLAIN_OPENING_BYTES + PROOF_BYTES; offset += 3) {
    const { taken, accepted } = await send(at(offset, (byte) => byte ^ 4))
    expect([offset, taken.length, accepted.length]).toEqual([offset, 0, 0])
  }
})

/** Holds what the client sends after the beginning until all of the script is there, then sends what it is told. */
function rearrange(arrange: (frames: Buffer[]) => Buffer[]): Meddle {
  let held = Buffer.alloc(0)
  let beginning = PLAIN_OPENING_BYTES + PROOF_BYTES
  let isOver = false
  return (bytes, direction) => {
    if (direction === 'toClient' || isOver) return bytes
    const start = bytes.subarray(0, beginning)
    beginning -= start.length
    held = Buffer.concat([held, bytes.subarray(start.length)])
    const frames: Buffer[] = []
    for (let rest = held; rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0);) {
      frames.push(rest.subarray(0, 4 + rest.readUInt32BE(0)))
      rest = rest.subarray(frames.at(-1)?.length)
    }
    if (frames.length < 4) return start
    isOver = true
    return Buffer.concat([start, ...arrange(frames)])
  }
}

const first = ([one]: Buffer[]): Buffer => one ?? Buffer.alloc(0)
test.each<[string, number, (frames: Buffer[]) => Buffer[]]>([
  ['repeated', 1, (frames) => [first(frames), ...frames]],
  ['left out', 0, (frames) => frames.slice(1)],
  [
    'exchanged with the next',
    0,
    ([one, two, ...rest]) => [two ?? first([]), one ?? first([]), ...rest],
  ],
  ['cut short', 0, ([one, ...rest]) => [first([one ?? first([])]).subarray(0, -1), ...rest]],
  ['without its seal', 0, ([one, ...rest]) => [withoutSeal(one ?? first([])), ...rest]],
  ['shorter than a seal', 0, ([, ...rest]) => [Buffer.from([0, 0, 0, 3, 12, 0, 0]), ...rest]],
  ['longer than any', 0, ([, ...rest]) => [Buffer.from([0x7f, 0, 0, 0, 12]), ...rest]],
  [
    'of a stranger',
    0,
    ([one, ...rest]) => [
      Buffer.concat([first([one ?? first([])]).subarray(0, -16), randomBytes(16)]),
      ...rest,
    ],
  ],
])('a frame that is %s closes the connection', async (_what, before, arrange) => {
  const { taken, failure } = await send(rearrange(arrange))
  expect(taken).toHaveLength(before)
  expect(failure?.code).toBe('FRAME_FORGED')
})

function withoutSeal(frame: Buffer): Buffer {
  const bare = Buffer.from(frame.subarray(0, -SEAL_BYTES))
  bare.writeUInt32BE(bare.readUInt32BE(0) - SEAL_BYTES)
  return bare
}

test('what was recorded of one connection is worth nothing on another, nor sent back to its sender', async () => {
  let recorded = Buffer.alloc(0)
  const other = serve((bytes, direction) => {
    if (direction === 'toServer') recorded = Buffer.concat([recorded, bytes])
    return bytes
  })
  const old = watch(await dialPlain(other.port))
  for (const frame of script) old.connection.send(frame)
  await waitFor('the first', () => other.accepted[0]?.frames.length === 3)
  // The same keys, the same two servers: only the nonces are others.
  const { refusals, accepted } = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const again = serve()
    void Bun.connect({
      hostname: '127.0.0.1',
      port: again.directPort,
      socket: {
        open: (socket) => void socket.write(recorded),
        data: () => {},
        close: () => resolve(again),
      },
    })
  })
  expect(refusals).toHaveLength(1)
  expect(accepted).toHaveLength(0)
  // Frames put into the beginning of another connection, and a sender's frames reflected to itself.
  const frames = recorded.subarray(PLAIN_OPENING_BYTES + PROOF_BYTES)
  const foreign = await send(rearrange(() => [frames]))
  expect([foreign.taken.length, foreign.failure?.code]).toEqual([0, 'FRAME_FORGED'])
  const mirror = serve()
  const mine = watch(await dialPlain(mirror.port))
  await waitFor('the other end', () => mirror.accepted.length === 1)
  mine.connection.send({ type: 'jobEnd' })
  await waitFor('the frame', () => mirror.accepted[0]?.frames.length === 1)
  const sent = mirror.line.recorded('toServer').subarray(PLAIN_OPENING_BYTES + PROOF_BYTES)
  mine.connection.received(sent)
  expect([mine.frames.length, mine.connection.isOpen]).toEqual([0, false])
})
