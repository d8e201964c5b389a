import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { SyncServerConfiguration } from '../../../src/cas/sync-server/sync-server.ts'
import { MemorySource } from '../../fakes/memory-source.ts'
import { type RecordingLine, startRecordingLine } from '../../fakes/recording-line.ts'
import {
  type Job,
  SOURCE_SERVER,
  SyncFleet,
  TARGET_SERVER,
  jobNode,
} from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

type Hop = Job['children'][number]['hop']
const HOP: Hop = { scope: 'group', method: 'copy', compression: 0, tls: true, rateBytesPerS: null }
const TEXT = 'every line of this file can be read by whoever listens\n'.repeat(6000)
const hopKey = randomBytes(32).toString('base64')
const known = [{ serverId: SOURCE_SERVER, name: 'source', addresses: [] }]
const peers = known.map((peer) => ({ ...peer, hopKey }))

let fleet: SyncFleet
let source: MemorySource
const lines: RecordingLine[] = []

beforeEach(async () => {
  fleet = await SyncFleet.make()
  source = new MemorySource()
})
afterEach(async () => {
  await fleet.stop()
  for (const line of lines.splice(0)) line.stop()
})

/** A target behind a line that records, and the source's end of it. */
async function rig(configuration: Partial<SyncServerConfiguration> = { peers }) {
  const target = await fleet.serve({ configuration })
  const line = startRecordingLine(target.port)
  lines.push(line)
  let key: string | null = hopKey
  const sending = fleet.client(line.port, source, { hopKeyOf: () => key })
  const run = async (hop: Partial<Hop>, jobId = 'job-1') => {
    const ticket = await fleet.ticket({ claims: { jobId } })
    const children = [jobNode({ ticket, hop: { ...HOP, ...hop } })]
    const job = await fleet.job(source.headSeq(), { jobId, children })
    const over = sending.client.run(job)
    return { job, over, last: () => sending.reports.at(-1) }
  }
  const setKey = (next: string | null): void => {
    key = next
  }
  return { target, line, sending, run, setKey }
}

test('content can be read on a plain hop, and neither it nor a key on one with TLS', async () => {
  source.write('text', TEXT)
  const { line, run, target } = await rig()
  const plain = await run({ tls: false })
  await plain.over
  expect(plain.last()).toMatchObject({ state: 'done', attempts: 1 })
  expect(target.binding().listing()).toEqual([`text ${TEXT}`])
  expect(line.recorded('toServer').includes(TEXT.slice(0, 1000))).toBe(true)
  const before = line.recorded('toServer').length
  source.write('text', `${TEXT}more of it, which nobody shall see`)
  const tls = await run({ tls: true })
  await tls.over
  expect(tls.last()).toMatchObject({ state: 'done', attempts: 1 })
  const behind = line.recorded('toServer').subarray(before)
  expect(behind.length).toBeGreaterThan(TEXT.length)
  for (const words of ['every line of this', 'nobody shall see', 'job-1']) {
    expect([words, behind.includes(words)]).toEqual([words, false])
  }
  for (const secret of [hopKey, Buffer.from(hopKey, 'base64')]) {
    expect(line.recorded('toServer').includes(secret)).toBe(false)
    expect(line.recorded('toClient').includes(secret)).toBe(false)
  }
})

test('no key at either end, or another: no plain hop, and TLS goes on', async () => {
  source.write('text', 'x')
  const { target, setKey, run } = await rig()
  setKey(null)
  const without = await run({ tls: false })
  await without.over
  expect(without.last()?.error?.code).toBe('HOP_KEY_MISSING')
  setKey(randomBytes(32).toString('base64'))
  const wrong = await run({ tls: false })
  await wrong.over
  expect(wrong.last()?.error?.code).toBe('PEER_UNTRUSTED')
  setKey(hopKey)
  target.server.configure({
    ...target.configuration,
    listen: { host: '127.0.0.1', port: target.port },
    peers: known,
  })
  const refused = await run({ tls: false })
  await refused.over
  expect(refused.last()?.error?.code).toBe('PEER_UNREACHABLE')
  expect(target.binding().listing()).toEqual([])
  const tls = await run({ tls: true })
  await tls.over
  expect(tls.last()?.state).toBe('done')
})

test('a connection with TLS goes on where plain ones begin to be allowed, and where they end', async () => {
  const { target, line, run } = await rig({ peers: known })
  let connections = 0
  for (const allowed of [known, peers, known, peers]) {
    const { port } = target
    const listen = { host: '127.0.0.1', port }
    target.server.configure({ ...target.configuration, listen, peers: allowed })
    source.write('text', `x${connections}`)
    const { over, last } = await run({ tls: true })
    await over
    expect(last()).toMatchObject({ state: 'done', attempts: 1 })
    // A TLS connection begins with a ClientHello; nothing else here begins so.
    connections = line.recorded('toServer').toString('latin1').split('\x16\x03\x01').length - 1
  }
  expect(connections).toBe(1)
})

test('a key that is taken away ends what it was for; what comes after uses TLS', async () => {
  source.write('large', randomBytes(600_000))
  const { target, line, sending, run } = await rig()
  const { job, over, last } = await run({ tls: false, rateBytesPerS: 200_000 })
  await waitFor('the middle of the file', () => line.recorded('toServer').length > 100_000)
  const hop = { ...HOP, tls: true }
  sending.client.update({ ...job, children: job.children.map((node) => ({ ...node, hop })) })
  target.server.configure({
    ...target.configuration,
    listen: { host: '127.0.0.1', port: target.port },
    peers: known,
  })
  await over
  expect(last()).toMatchObject({ state: 'done', attempts: 2 })
})

test('a rate holds on the wire and changes while it runs', async () => {
  const rate = 400_000
  source.write('large', randomBytes(4_000_000))
  const { line, sending, run } = await rig()
  const { job, over, last } = await run({ rateBytesPerS: rate, tls: false })
  const passed = () => line.recorded('toServer').length
  await waitFor('the beginning', () => passed() > 100_000)
  const [startBytes, startMs] = [passed(), performance.now()]
  await Bun.sleep(2500)
  const measured = ((passed() - startBytes) / (performance.now() - startMs)) * 1000
  // A busy machine may be late, but never early; that it is not slower by itself is shown with a clock of its own.
  expect(measured).toBeGreaterThan(rate * 0.9)
  expect(measured).toBeLessThan(rate * 1.05)
  const faster = { ...HOP, tls: false, rateBytesPerS: null }
  sending.client.update({
    ...job,
    children: job.children.map((node) => ({ ...node, hop: faster })),
  })
  const changedMs = performance.now()
  await over
  expect(last()).toMatchObject({ state: 'done', attempts: 1 })
  // At the old rate the rest would have taken another seven seconds.
  expect(performance.now() - changedMs).toBeLessThan(3000)
})

test('text shrinks on the wire with the level, and what cannot shrink costs nothing more', async () => {
  const sources = join(import.meta.dir, '../../../src')
  const text = [...new Bun.Glob('c*/**/*.ts').scanSync(sources)]
    .toSorted()
    .map((path) => readFileSync(join(sources, path), 'utf8'))
    .join('')
    .slice(0, 700_000)
  const noise = randomBytes(text.length)
  const { run } = await rig()
  const bytes = async (compression: number, content: string | Buffer) => {
    source.write(`${typeof content}-${compression}`, content)
    const { over, last } = await run({ compression })
    await over
    expect(last()).toMatchObject({ state: 'done', attempts: 1 })
    return last()?.bytesOnWire ?? 0
  }
  const texts: number[] = []
  for (let level = 0; level <= 9; level++) {
    texts.push(await bytes(level, text))
    expect(await bytes(level, noise)).toBeLessThan(noise.length * 1.01 + 2000)
  }
  expect(texts[0]).toBeGreaterThan(text.length)
  for (let level = 1; level <= 9; level++)
    expect([level, texts[level]]).toEqual([
      level,
      Math.min(texts[level] ?? 0, (texts[level - 1] ?? 0) - 1),
    ])
}, 20_000)

test('a receiver knows whom a plain hop comes from: a ticket of another sender is refused', async () => {
  source.write('text', 'x')
  const { target, line } = await rig()
  const ticket = await fleet.ticket({ claims: { senders: [TARGET_SERVER] } })
  const sending = fleet.client(line.port, source, { hopKeyOf: () => hopKey })
  const children = [jobNode({ ticket, hop: { ...HOP, tls: false } })]
  await sending.client.run(await fleet.job(source.headSeq(), { children }))
  expect(sending.reports.at(-1)?.error?.code).toBe('TICKET_INVALID')
  expect(target.binding().listing()).toEqual([])
})
