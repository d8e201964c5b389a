import { expect, test } from 'bun:test'

import {
  PLAIN_ANSWER_BYTES,
  PLAIN_FIRST_BYTE,
  PLAIN_OPENING_BYTES,
  decodeAnswer,
  decodeOpening,
  encodeAnswer,
  encodeOpening,
} from '../../../src/core/wire/plain-opening.ts'

const nonce = new Uint8Array(32).fill(0xab)
const proof = new Uint8Array(32).fill(0xcd)
const id = (text: string): string => Buffer.from(text.padEnd(64, '\0'), 'latin1').toString('hex')
const OPENING = `43445031${id('server-1')}${id('server-2')}${'ab'.repeat(32)}`
const ANSWER = `43445031${'ab'.repeat(32)}${'cd'.repeat(32)}`

test('the opening looks on the wire as it always will', () => {
  const opening = { clientId: 'server-1', serverId: 'server-2', clientNonce: nonce }
  const bytes = encodeOpening(opening)
  expect(bytes.toHex()).toBe(OPENING)
  expect([bytes.length, bytes[0]]).toEqual([PLAIN_OPENING_BYTES, PLAIN_FIRST_BYTE])
  expect(decodeOpening(bytes)).toEqual(opening)
})

test('so does the answer', () => {
  const bytes = encodeAnswer({ serverNonce: nonce, serverProof: proof })
  expect(bytes.toHex()).toBe(ANSWER)
  expect(bytes.length).toBe(PLAIN_ANSWER_BYTES)
  expect(decodeAnswer(bytes)).toEqual({ serverNonce: nonce, serverProof: proof })
})

test.each<[string, string]>([
  ['another beginning', `16${OPENING.slice(2)}`],
  ['no id', `43445031${id('')}${id('server-2')}${'ab'.repeat(32)}`],
  ['an id with a space', `43445031${id('server 1')}${id('server-2')}${'ab'.repeat(32)}`],
  [
    'an id with more behind its end',
    `43445031${id('server\0-1')}${id('server-2')}${'ab'.repeat(32)}`,
  ],
  [
    'an id that is not of this world',
    `43445031${id('server-ü')}${id('server-2')}${'ab'.repeat(32)}`,
  ],
])('an opening with %s is none', (_what, hex) => {
  expect(decodeOpening(Uint8Array.fromHex(hex))).toBeNull()
})

test('an answer with another beginning is none', () => {
  expect(decodeAnswer(Uint8Array.fromHex(`43445032${ANSWER.slice(8)}`))).toBeNull()
})

test('ids of 64 letters are whole, longer ones are refused', () => {
  const long = 'a'.repeat(64)
  const opening = { clientId: long, serverId: 'b', clientNonce: nonce }
  expect(decodeOpening(encodeOpening(opening))?.clientId).toBe(long)
  expect(() => encodeOpening({ ...opening, serverId: `${long}a` })).toThrow()
})
