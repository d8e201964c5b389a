import { expect, test } from 'bun:test'

import { STRONG_BYTES } from '../../../src/core/delta/block-hashes.ts'
import {
  BLOCK_BYTES_MAX,
  SIGNATURE_BLOCKS_MAX,
  blockBytesFor,
  blockCount,
  blockOffset,
} from '../../../src/core/delta/block-size.ts'
import { BlockTable } from '../../../src/core/delta/block-table.ts'
import { type DeltaOperation, Matcher } from '../../../src/core/delta/matcher.ts'
import { NextSignature } from '../../../src/core/delta/next-signature.ts'
import {
  BlockSigner,
  SIGNED_BLOCK_BYTES,
  type Signature,
  SignatureBuilder,
  signatureBytes,
} from '../../../src/core/delta/signature.ts'
import { blockHashes } from '../../../src/platform/block-hashes.ts'
import { random } from '../../fakes/random.ts'

const SEED = { low: 0x1234567, high: -77 }

function signatureOf(bytes: Uint8Array, blockBytes: number): Signature {
  const shape = { blockBytes, seed: SEED }
  const builder = new SignatureBuilder(shape)
  const signed = new BlockSigner(shape, blockHashes).sign(bytes)
  builder.addRange(signed, { offset: 0, bytes: bytes.length })
  return builder.build(bytes.length)
}

interface Found {
  readonly operations: DeltaOperation[]
  readonly next: Signature
}

/** Runs a matcher over chunks of any size. */
function match(signature: Signature, bytes: Uint8Array, chunkBytes = () => 100_000): Found {
  const operations: DeltaOperation[] = []
  const next = new NextSignature(signature, blockHashes)
  const listener = {
    operation: (operation: DeltaOperation) => void operations.push(operation),
    block: (index: number, at: number) => next.block(index, at),
    unmatched: (...found: [Uint8Array, number, Uint8Array]) => next.unmatched(...found),
  }
  const matcher = new Matcher({ signature, hashes: blockHashes, salt: 99, listener })
  for (let at = 0; at < bytes.length;) {
    const end = at + chunkBytes()
    matcher.push(bytes.subarray(at, end))
    at = end
  }
  matcher.finish()
  return { operations, next: next.build(bytes.length) }
}

/** What a receiver would make of it. */
function rebuild(base: Uint8Array, bytes: Uint8Array, operations: readonly DeltaOperation[]) {
  const parts = operations.map((one) =>
    one.kind === 'copy'
      ? base.subarray(one.from, one.from + one.length)
      : bytes.subarray(one.at, one.at + one.length),
  )
  let at = 0
  for (const [index, part] of parts.entries()) {
    expect(operations[index]?.at).toBe(at)
    expect(part.length).toBe(operations[index]?.length ?? -1)
    at += part.length
  }
  return Buffer.concat(parts)
}

function literalBytes(operations: readonly DeltaOperation[]): number {
  return operations.reduce((sum, one) => sum + (one.kind === 'literal' ? one.length : 0), 0)
}

/** Content with little variety has many equal blocks and windows. */
function content(next: (below: number) => number, bytes: number): Buffer {
  const variety = [1, 2, 3, 256, 256][next(5)] ?? 256
  return Buffer.from(Uint8Array.from({ length: bytes }, () => next(variety)))
}

function edited(next: (below: number) => number, base: Buffer): Buffer {
  let bytes = base
  for (let edits = next(4); edits >= 0; edits--) {
    const at = next(bytes.length + 1)
    const until = Math.min(bytes.length, at + next(2) * next(300))
    const other = next(bytes.length + 1)
    const inserted =
      next(2) === 0 ? content(next, next(300)) : bytes.subarray(other, other + next(300))
    bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(until)])
  }
  return bytes
}

test('10,000 edits are rebuilt, over two generations', () => {
  const next = random(7)
  for (let round = 0; round < 10_000; round++) {
    const blockBytes = [32, 64, 128][next(3)] ?? 32
    const base = content(next, next(blockBytes * 12))
    const first = edited(next, base)
    const chunks = () => 1 + next(blockBytes * 3)
    const found = match(signatureOf(base, blockBytes), first, chunks)
    expect(rebuild(base, first, found.operations).equals(first)).toBe(true)
    const second = edited(next, first)
    const again = match(found.next, second, chunks)
    expect(rebuild(first, second, again.operations).equals(second)).toBe(true)
  }
}, 60_000)

test('every length of base and result around block borders is rebuilt', () => {
  const next = random(8)
  const lengths = [0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128, 129]
  for (const baseBytes of lengths) {
    for (const bytes of lengths) {
      for (const cut of [0, 1, 7]) {
        const base = content(next, baseBytes)
        const result = Buffer.concat([base.subarray(cut), content(next, bytes)]).subarray(0, bytes)
        const { operations } = match(signatureOf(base, 32), result)
        expect(rebuild(base, result, operations).equals(result)).toBe(true)
      }
    }
  }
})

test('what did not change is one copy, of every length, in the next generation too', () => {
  const next = random(9)
  for (let bytes = 32; bytes < 200; bytes++) {
    const base = Buffer.from(Uint8Array.from({ length: bytes }, () => next(256)))
    const first = match(signatureOf(base, 32), base)
    const second = match(first.next, base)
    const whole: DeltaOperation = { kind: 'copy', at: 0, from: 0, length: bytes }
    expect([first.operations, second.operations]).toEqual([[whole], [whole]])
  }
})

test('an edit and an insertion cost a few blocks, and no more in later generations', () => {
  const next = random(10)
  const noise = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, () => next(256)))
  let base = noise(600_000)
  let signature = signatureOf(base, 2048)
  for (let generation = 0; generation < 5; generation++) {
    const bytes = Buffer.concat([noise(33), base])
    noise(100).copy(bytes, 300_000 + generation * 5000)
    const { operations, next: following } = match(signature, bytes)
    expect(rebuild(base, bytes, operations).equals(bytes)).toBe(true)
    expect(literalBytes(operations)).toBeLessThan(3 * 2048)
    base = bytes
    signature = following
  }
})

test('what was changed in its place is never rolled over', () => {
  const next = random(12)
  const base = Buffer.from(Uint8Array.from({ length: 400_000 }, () => next(256)))
  const bytes = Buffer.from(base)
  for (let edit = 0; edit < 20; edit++) bytes[10_000 + edit * 15_000] = next(256)
  const weak = () => {
    throw new Error('a window was hashed')
  }
  const operations: DeltaOperation[] = []
  const matcher = new Matcher({
    signature: signatureOf(base, 2048),
    hashes: { ...blockHashes, weak },
    salt: 1,
    listener: { operation: (operation) => void operations.push(operation) },
  })
  matcher.push(bytes)
  matcher.finish()
  expect(rebuild(base, bytes, operations).equals(bytes)).toBe(true)
  expect(literalBytes(operations)).toBe(20 * 2048)
})

test('runs of one byte are told apart', () => {
  const base = Buffer.concat([Buffer.alloc(100_000, 0), Buffer.alloc(100_000, 0xff)])
  const bytes = Buffer.concat([Buffer.alloc(100_000, 0xaa), base, Buffer.alloc(100_000, 0x55)])
  const { operations } = match(signatureOf(base, 2048), bytes)
  expect(rebuild(base, bytes, operations).equals(bytes)).toBe(true)
  expect(literalBytes(operations)).toBeLessThan(204_000)
})

test('a signature made to hit and never to match wastes no more than a share of the file', () => {
  const bytes = Buffer.alloc(4 << 20)
  const honest = signatureOf(bytes.subarray(0, 64 << 10), 2048)
  let hashed = 0
  const signature = { ...honest, strong: honest.strong.map((byte) => byte ^ 1) }
  const listener = { operation: () => {} }
  const strong: typeof blockHashes.strong = (...args) => {
    hashed += args[0].length
    blockHashes.strong(...args)
  }
  const hashes = { ...blockHashes, strong }
  const matcher = new Matcher({ signature, hashes, salt: 1, listener })
  matcher.push(bytes)
  matcher.finish()
  expect(hashed).toBeLessThan(bytes.length * 2)
})

test('however the hashes of a signature collide, little is compared', () => {
  const zeros = Buffer.alloc(1 << 20)
  const noise = Buffer.from(Uint8Array.from(zeros, (_, index) => (index * 7919) >> 3))
  const forged = (bytes: Buffer, change: Partial<Signature>): Signature => {
    const honest = signatureOf(bytes, 2048)
    // Never the same, so that a search never ends by a match.
    const strong = honest.strong.map((byte, index) => byte ^ (1 + (index >> 4)))
    return { ...honest, strong, ...change }
  }
  const { low, count } = signatureOf(zeros, 2048)
  const one = new Int32Array(count).fill(low[0] ?? 0)
  const many = Int32Array.from({ length: count }, (_, index) => index + 1)
  const cases: [string, Buffer, Signature][] = [
    ['one low lane, many high ones', zeros, forged(zeros, { low: one, high: many })],
    ['one weak hash, many strong ones', zeros, forged(zeros, { low: one })],
    ['one low lane in content of many', noise, forged(noise, { low: one })],
    ['any low lane', noise, forged(noise, { low: many })],
  ]
  for (const [what, bytes, signature] of cases) {
    let compared = 0
    let hashed = 0
    // Each element of `high` that is looked at is one comparison.
    const counted = new Proxy(signature.high, {
      get: (target, key) => (compared++, Reflect.get(target, key) as unknown),
    })
    const hashes = {
      weak: (...args: Parameters<typeof blockHashes.weak>) => {
        hashed += args[0].length
        return blockHashes.weak(...args)
      },
      strong: (...args: Parameters<typeof blockHashes.strong>) => {
        hashed += args[0].length
        blockHashes.strong(...args)
      },
    }
    const operations: DeltaOperation[] = []
    const matcher = new Matcher({
      signature: { ...signature, high: counted },
      hashes,
      salt: 5,
      listener: { operation: (operation) => void operations.push(operation) },
    })
    matcher.push(bytes)
    matcher.finish()
    expect([what, operations.at(-1)?.at]).toEqual([what, expect.any(Number)])
    expect([what, compared < 5 * bytes.length, hashed < 3 * bytes.length]).toEqual([
      what,
      true,
      true,
    ])
  }
})

test('a search takes no more memory than its signature bounds, and no signature more than its limit', () => {
  const shape = { blockBytes: 2048, seed: SEED }
  const builder = new SignatureBuilder(shape)
  const stretch = 1 << 30
  const blocks = new Uint8Array((stretch / 2048) * SIGNED_BLOCK_BYTES)
  for (let part = 0; part < 4; part++) {
    for (let at = 0; at < blocks.length; at += 4) blocks[at] = (at * 31 + part) >> 5
    builder.addRange(blocks, { offset: part * stretch, bytes: stretch })
  }
  const signature = builder.build(4 * stretch)
  expect(signature.count).toBe(SIGNATURE_BLOCKS_MAX)
  expect(signatureBytes(signature)).toBe(32 * SIGNATURE_BLOCKS_MAX)
  const { filter } = new BlockTable(signature, 1)
  // 64 bits a block, twice.
  expect(filter.first.byteLength + filter.second.byteLength).toBe(16 * SIGNATURE_BLOCKS_MAX)
})

test('a file is followed beyond the places that fit into 32 bits', () => {
  const blockBytes = BLOCK_BYTES_MAX
  const chunk = new Uint8Array(2 * blockBytes)
  const fileBytes = 2 ** 32 + 5 * blockBytes + 77
  const count = blockCount(fileBytes, blockBytes)
  // Every block is the same; what makes them different is only where they lie.
  const strong = () => {}
  const { low, high } = signatureOf(Buffer.from(chunk.subarray(0, blockBytes)), blockBytes)
  const signature: Signature = {
    blockBytes,
    seed: SEED,
    fileBytes,
    count,
    offsets: Float64Array.from({ length: count }, (_, index) =>
      blockOffset(index, fileBytes, blockBytes),
    ),
    low: new Int32Array(count).fill(low[0] ?? 0),
    high: new Int32Array(count).fill(high[0] ?? 0),
    strong: new Uint8Array(count * STRONG_BYTES),
  }
  let at = 0
  let strayed = 0
  const operation = (one: DeltaOperation) => {
    if (one.at !== at || one.kind !== 'copy' || one.from !== at) strayed++
    at += one.length
  }
  const hashes = { weak: blockHashes.weak, strong }
  const matcher = new Matcher({ signature, hashes, salt: 1, listener: { operation } })
  for (let left = fileBytes; left > 0; left -= chunk.length) matcher.push(chunk.subarray(0, left))
  matcher.finish()
  expect([at, strayed]).toEqual([fileBytes, 0])
})

test.each([
  [0, 2048],
  [65_537, 2048],
  [4 << 20, 4096],
  [16 << 20, 8192],
  [1 << 30, 65_536],
  [100 * 2 ** 30, 131_072],
])('a file of %d bytes has blocks of %d bytes', (fileBytes, blockBytes) => {
  expect(blockBytesFor(fileBytes)).toBe(blockBytes)
})

test('the blocks of a stretch cover it, and only the last overlaps', () => {
  const places = (bytes: number) =>
    Array.from({ length: blockCount(bytes, 8) }, (_, index) => blockOffset(index, bytes, 8))
  expect([places(7), places(8), places(16), places(17)]).toEqual([[], [0], [0, 8], [0, 8, 9]])
})
