import { expect, test } from 'bun:test'

import type { ContentHash } from '../../../src/core/change/entry.ts'
import { SIGNATURE_RANGE_BYTES_MAX, blockCount } from '../../../src/core/delta/block-size.ts'
import { type Signature, SIGNED_BLOCK_BYTES } from '../../../src/core/delta/signature.ts'
import { signatureOf } from '../../../src/core/transfer/base-signature.ts'
import { PatchMail } from '../../../src/core/transfer/patch-mail.ts'
import type { SignatureRequest } from '../../../src/core/wire/patch-frames.ts'
import { createDeltaDesk } from '../../../src/platform/delta-desk.ts'
import { createHasher } from '../../../src/platform/hash.ts'

interface Asked {
  readonly requests: SignatureRequest[]
  readonly signature: Signature | null
  /** Requests that had no answer yet, at most. */
  readonly aheadMost: number
}

/** Asks for the signature of a base of so many bytes; whoever answers has no such file, and does it as late as it may. */
function ask(fileBytes: number): Asked {
  const mail = new PatchMail()
  const requests: SignatureRequest[] = []
  let answered = 0
  let aheadMost = 0
  const context = { desk: createDeltaDesk(), mail, newHasher: createHasher }
  const steps = signatureOf(context, { index: 0, hash: 'ab' as ContentHash, size: fileBytes })
  for (let turn = steps.next(); ; turn = steps.next()) {
    if (turn.done === true) return { requests, signature: turn.value?.signature ?? null, aheadMost }
    if (turn.value.kind === 'frame' && turn.value.frame.type === 'signatureWanted')
      requests.push(turn.value.frame.request)
    aheadMost = Math.max(aheadMost, requests.length - answered)
    const due = requests[answered]
    if (turn.value.kind !== 'waiting' || due === undefined) continue
    answered++
    const bytes = blockCount(due.length, due.blockBytes) * SIGNED_BLOCK_BYTES
    mail.take({ type: 'signature', blocks: new Uint8Array(bytes) }, false)
  }
}

const MIB = 1 << 20

test.each([
  65_537,
  4 * MIB - 1,
  4 * MIB,
  8 * MIB - 1,
  8 * MIB,
  8 * MIB + 1,
  12 * MIB + 1,
  2 ** 32 + 1,
  100 * 2 ** 30,
  100 * 2 ** 30 + 1,
])('the blocks of a file of %d bytes cover it, and are asked for in bounded stretches', (bytes) => {
  const { requests, signature, aheadMost } = ask(bytes)
  let end = 0
  for (const { offset, length, blockBytes } of requests) {
    expect([offset, length >= blockBytes, length <= SIGNATURE_RANGE_BYTES_MAX]).toEqual([
      end,
      true,
      true,
    ])
    end += length
  }
  expect([end, aheadMost <= 8]).toEqual([bytes, true])
  if (signature === null) throw new Error('there is no signature')
  const { offsets, count, blockBytes } = signature
  let gaps = 0
  for (let index = 1; index < count; index++) {
    const step = (offsets[index] ?? 0) - (offsets[index - 1] ?? 0)
    if (step <= 0 || step > blockBytes) gaps++
  }
  expect([gaps, offsets[0], offsets[count - 1]]).toEqual([0, 0, bytes - blockBytes])
})

test.each([0, 1, 2047, 200 * 2 ** 30])('a file of %d bytes has no signature', (bytes) => {
  expect(ask(bytes)).toMatchObject({ requests: [], signature: null })
})
