import { expect, test } from 'bun:test'

import {
  FRAME_BYTES_MAX,
  SET_ENTRIES_MAX,
  TUNNEL_CHUNK_BYTES,
} from '../../../src/core/base/limits.ts'
import type { ContentHash } from '../../../src/core/change/entry.ts'
import { decodeFrame } from '../../../src/core/wire/frame-decode.ts'
import { encodeFrame } from '../../../src/core/wire/frame-encode.ts'
import { FRAME_TYPES } from '../../../src/core/wire/frame-numbers.ts'
import { FrameStream, type RawFrame } from '../../../src/core/wire/frame-stream.ts'
import { type BlockCompression, DATA_PROTOCOL, type Frame } from '../../../src/core/wire/frame.ts'
import { frameBytes } from '../../fakes/frame-bytes.ts'
import { random } from '../../fakes/random.ts'

const TOKEN = 'AAAAAAAAAAAAAAAAAAAA-_'
const TOKEN_HEX = `16${Buffer.from(TOKEN).toString('hex')}`
const HASH = 'ab'.repeat(32) as ContentHash
const block = { compression: 'lz4', plainBytes: 300, bytes: new Uint8Array([1, 2, 3]) } as const

/** One of each, and how it has to look on the wire for as long as DATA_PROTOCOL is what it is. */
const GOLDEN: readonly (readonly [Frame, string])[] = [
  [
    { type: 'hello', hello: { protocol: 1, agentVersion: '0.1.0' } },
    '00000026007b2270726f746f636f6c223a312c226167656e7456657273696f6e223a22302e312e30227d',
  ],
  [
    {
      type: 'open',
      open: {
        jobId: 'j',
        ticket: 't',
        bindingId: 'b',
        sourceId: 's',
        epoch: 'e',
        to: 9,
        compression: 3,
        children: [],
      },
    },
    '0000006b017b226a6f624964223a226a222c227469636b6574223a2274222c2262696e64696e674964223a2262222c22736f757263654964223a2273222c2265706f6368223a2265222c22746f223a392c22636f6d7072657373696f6e223a332c226368696c6472656e223a5b5d7d',
  ],
  [
    {
      type: 'opened',
      opened: { outcome: 'accepted', watermark: null, pending: [3], content: 'push' },
    },
    '00000047027b226f7574636f6d65223a226163636570746564222c2277617465726d61726b223a6e756c6c2c2270656e64696e67223a5b335d2c22636f6e74656e74223a2270757368227d',
  ],
  [
    {
      type: 'setBegin',
      begin: { from: 1, to: 300, kind: 'full', last: true, entryCount: 2 },
    },
    '000000070301ac02010102',
  ],
  [{ type: 'entries', block }, '0000000904010000012c010203'],
  [{ type: 'wanted', wanted: [true, false, true] }, '00000003050305'],
  [{ type: 'pack', block }, '0000000906010000012c010203'],
  [{ type: 'fileBegin', index: 200 }, '0000000307c801'],
  [{ type: 'fileData', block }, '0000000908010000012c010203'],
  [{ type: 'fileEnd', whole: true }, '000000020901'],
  [
    {
      type: 'setEnd',
      end: {
        lateHashes: new Map([[0, HASH]]),
        skipped: [1],
        unavailable: new Map([[2, 'NO_PERMISSION']]),
        signature: new Uint8Array([7, 8]),
      },
    },
    `000000380a0100${HASH}0101${'01020d'}4e4f5f5045524d495353494f4e020708`,
  ],
  [
    {
      type: 'setDone',
      done: {
        watermark: { epoch: 'e', seq: 5 },
        pendingCount: 0,
        appliedCount: 1,
        failedCount: 0,
      },
    },
    '000000560b7b2277617465726d61726b223a7b2265706f6368223a2265222c22736571223a357d2c2270656e64696e67436f756e74223a302c226170706c696564436f756e74223a312c226661696c6564436f756e74223a307d',
  ],
  [{ type: 'jobEnd' }, '000000010c'],
  [
    { type: 'error', error: { code: 'PROTOCOL', message: 'ü' } },
    '000000230d7b22636f6465223a2250524f544f434f4c222c226d657373616765223a22c3bc227d',
  ],
  [{ type: 'alive' }, '000000010e'],
  [{ type: 'fileRest', index: 200, keptBytes: 300 }, '000000050fc801ac02'],
  [
    { type: 'bases', bases: [{ index: 200, hash: HASH, size: 300 }] },
    `0000002610${'01c801'}${HASH}ac02`,
  ],
  [
    {
      type: 'signatureWanted',
      request: { index: 1, offset: 300, length: 2, blockBytes: 4, seed: { low: 5, high: 6 } },
    },
    '0000000e1101ac0202040000000500000006',
  ],
  [{ type: 'signature', blocks: new Uint8Array([1, 2]) }, '00000003120102'],
  [{ type: 'patchBegin', index: 200 }, '0000000313c801'],
  [{ type: 'fileCopy', from: 300, length: 2 }, '0000000414ac0202'],
  [{ type: 'patchEnd', hash: HASH }, `000000221501${HASH}`],
  [{ type: 'patchDone', index: 200, isRebuilt: true }, '0000000416c80101'],
  [{ type: 'await' }, '0000000117'],
  [{ type: 'dial', token: TOKEN }, `0000001818${TOKEN_HEX}`],
  [{ type: 'tunnel', token: TOKEN }, `0000001819${TOKEN_HEX}`],
  [{ type: 'tunnelBytes', bytes: new Uint8Array([1, 2]) }, '000000031a0102'],
]

function decode(bytes: Uint8Array): Frame {
  const frames: Frame[] = []
  const pushed = new FrameStream().push(bytes, (raw) => {
    const frame = decodeFrame(raw)
    if (!frame.ok) throw new Error(frame.error.message)
    frames.push(frame.value)
  })
  if (!pushed.ok) throw new Error(pushed.error.message)
  const [frame] = frames
  if (frames.length !== 1 || frame === undefined) throw new Error(`${frames.length} frames`)
  return frame
}

test('the wire is frozen: what changes here needs another DATA_PROTOCOL', () => {
  expect(GOLDEN.map(([frame]) => frame.type)).toEqual([...FRAME_TYPES])
  const written = GOLDEN.map(([frame]) => Buffer.from(frameBytes(frame)).toString('hex'))
  expect(written).toEqual(GOLDEN.map(([, hex]) => hex))
  const digest = Bun.SHA256.hash(`${DATA_PROTOCOL}\n${written.join('\n')}`, 'hex')
  expect(digest).toBe('952d1a5de8e388e67783f1199a0d94ae27f905273f4589af0ef3d4cbabf4eeb6')
})

test('every frame reads as what was written', () => {
  for (const [frame] of GOLDEN) expect(decode(frameBytes(frame))).toEqual(frame)
})

test('long content is left where it is, and reads the same', () => {
  const bytes = Buffer.alloc(FRAME_BYTES_MAX - 6, 7)
  const frame: Frame = {
    type: 'fileData',
    block: { compression: 'none', plainBytes: bytes.length, bytes },
  }
  expect(encodeFrame(frame).content).toBe(bytes)
  expect(decode(frameBytes(frame))).toEqual(frame)
  const longer = { ...frame, block: { ...frame.block, bytes: Buffer.alloc(FRAME_BYTES_MAX - 5) } }
  expect(() => encodeFrame(longer)).toThrow('of 1048577 bytes')
})

test('a frame outlives the bytes it came in, but for its block', () => {
  for (const [frame] of GOLDEN) {
    const bytes = frameBytes(frame)
    const read = decode(bytes)
    bytes.fill(0xff)
    if ('block' in frame || 'blocks' in frame || 'bytes' in frame) continue
    expect(read).toEqual(frame)
  }
})

test('frames come out whole and in order whatever the chunks', () => {
  const next = random(1)
  const frames = GOLDEN.map(([frame]) => frame)
  const bytes = Buffer.concat(frames.map(frameBytes))
  for (let round = 0; round < 200; round++) {
    const stream = new FrameStream()
    const seen: unknown[] = []
    const take = (each: RawFrame) => seen.push(structuredClone(decodeFrame(each)))
    for (let start = 0; start < bytes.length;) {
      const end = Math.min(bytes.length, start + next(round < 100 ? 4 : 60))
      expect(stream.push(bytes.subarray(start, end), take).ok).toBe(true)
      start = end
    }
    expect(stream.isBetweenFrames).toBe(true)
    expect(seen).toEqual(frames.map((value) => ({ ok: true, value })))
  }
})

test('plain content comes as it came, and everything else as it is, whatever the chunks', () => {
  const next = random(3)
  const content = Buffer.from(Uint8Array.from({ length: 5000 }, () => next(256)))
  const block = (bytes: Uint8Array, compression: BlockCompression = 'none') =>
    ({ compression, plainBytes: bytes.length, bytes }) as const
  const frames: Frame[] = [
    { type: 'fileBegin', index: 3 },
    { type: 'fileData', block: block(content.subarray(0, 3000)) },
    { type: 'fileData', block: block(content.subarray(3000, 3000)) },
    { type: 'fileData', block: block(content.subarray(3000)) },
    { type: 'fileEnd', whole: true },
    { type: 'pack', block: block(content) },
    { type: 'fileData', block: block(content, 'lz4') },
    { type: 'jobEnd' },
  ]
  const bytes = Buffer.concat(frames.map(frameBytes))
  for (let round = 0; round < 200; round++) {
    const seen: Frame[] = []
    const parts: Buffer[] = []
    const onContent = (part: Uint8Array) => void parts.push(Buffer.from(part))
    const stream = new FrameStream({ onContent })
    const take = (each: RawFrame) => {
      const decoded = decodeFrame(each)
      if (!decoded.ok) throw new Error(decoded.error.message)
      const isContent =
        decoded.value.type === 'fileData' && decoded.value.block.compression === 'none'
      if (isContent) parts.push(Buffer.from(decoded.value.block.bytes))
      else seen.push(structuredClone(decoded.value))
    }
    for (let start = 0; start < bytes.length;) {
      const end = Math.min(bytes.length, start + 1 + next(round < 100 ? 20 : 8000))
      expect(stream.push(bytes.subarray(start, end), take).ok).toBe(true)
      start = end
    }
    expect(stream.isBetweenFrames).toBe(true)
    expect(Buffer.concat(parts).equals(content)).toBe(true)
    expect(seen).toEqual(frames.filter((_, index) => ![1, 2, 3].includes(index)))
  }
})

test('content that is not what its frame says is put together and refused', () => {
  const content = Buffer.alloc(100)
  const block = { compression: 'none', plainBytes: 100, bytes: content } as const
  const bytes = Buffer.from(frameBytes({ type: 'fileData', block }))
  bytes.writeUInt32BE(99, 6)
  const results: boolean[] = []
  const stream = new FrameStream({ onContent: () => results.push(true) })
  for (const byte of bytes)
    stream.push(Buffer.from([byte]), (each) => results.push(decodeFrame(each).ok))
  expect(results).toEqual([false])
})

test('a length is refused before anything is allocated for it', () => {
  for (const length of [0, FRAME_BYTES_MAX + 1, 0x7fff_ffff, 0xffff_ffff]) {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(length)
    for (const chunks of [[head], [head.subarray(0, 2), head.subarray(2)]]) {
      const stream = new FrameStream()
      const results = chunks.map((chunk) => stream.push(chunk, () => {}))
      expect(results.at(-1)).toMatchObject({ ok: false, error: { code: 'PROTOCOL' } })
    }
  }
})

const raw = (type: Frame['type'], hex: string): RawFrame => ({
  type: FRAME_TYPES.indexOf(type),
  payload: Buffer.from(hex, 'hex'),
})

test.each([
  ['an unknown type', { type: 99, payload: new Uint8Array() }],
  ['bytes after the end', raw('jobEnd', '00')],
  ['a set that ends before it begins', raw('setBegin', '0500000100')],
  ['an unknown kind of set', raw('setBegin', '0000050100')],
  ['a flag that is neither', raw('setBegin', '0000000200')],
  ['more entries than a set holds', raw('setBegin', '00000001ffff7f')],
  ['an unknown compression', raw('pack', '0300000000')],
  ['a block that unpacks to more than a frame', raw('pack', '0100100001aa')],
  ['a plain block of another length', raw('pack', '0000000002aa')],
  ['a token that is none', raw('dial', `16${'20'.repeat(22)}`)],
  ['a token that is too short', raw('tunnel', '0141')],
  ['more of a tunnel than at a time', raw('tunnelBytes', '00'.repeat(TUNNEL_CHUNK_BYTES + 1))],
  ['flags that are cut off', raw('wanted', '0901')],
  ['a number in a longer form than needed', raw('fileBegin', '8000')],
  ['a number over 2^53', raw('setBegin', 'ffffffffffffffff7f')],
  ['indexes that do not rise', raw('setEnd', '000201010000')],
  ['a late hash that is cut off', raw('setEnd', '0100abab')],
  ['JSON that is none', raw('error', '7b')],
  ['JSON that is not UTF-8', raw('error', 'ff')],
  ['JSON of another shape', raw('opened', Buffer.from('{"outcome":"maybe"}').toString('hex'))],
  ['a negative seq', raw('open', Buffer.from('{"to":-1}').toString('hex'))],
])('%s is refused', (_what, frame) => {
  expect(decodeFrame(frame)).toMatchObject({ ok: false, error: { code: 'PROTOCOL' } })
})

test('a code of a newer peer reads as one that is known', () => {
  const unknown = raw('error', Buffer.from('{"code":"toString","message":""}').toString('hex'))
  expect(decodeFrame(unknown)).toMatchObject({ value: { error: { code: 'PROTOCOL' } } })
})

test('hostile bytes are a failure or a frame, never anything else', () => {
  const next = random(2)
  const samples = GOLDEN.map(([frame]) => frameBytes(frame).subarray(4))
  for (let round = 0; round < 20_000; round++) {
    const sample = Buffer.from(samples[next(samples.length)] ?? [])
    for (let change = next(4); change > 0; change--) sample[next(sample.length)] = next(256)
    const cut = sample.subarray(0, 1 + next(sample.length))
    const result = decodeFrame({ type: cut[0] ?? 0, payload: cut.subarray(1) })
    if (!result.ok) expect(result.error.code).toBe('PROTOCOL')
  }
})

test('the largest set end fits into a frame', () => {
  const lateHashes = new Map<number, ContentHash>()
  for (let index = 0; index < SET_ENTRIES_MAX; index++) lateHashes.set(index, HASH)
  const skipped = [...lateHashes.keys()]
  const unavailable = new Map(skipped.map((index) => [index, 'SOURCE_UNAVAILABLE' as const]))
  const end = { lateHashes, skipped, unavailable, signature: new Uint8Array(64) }
  expect(decode(frameBytes({ type: 'setEnd', end }))).toEqual({ type: 'setEnd', end })
})
