/**
 * How a plain connection begins, each part of a fixed length:
 *
 *     C "CDP1", C's id, S's id, C's nonce      S "CDP1", S's nonce, S's proof
 *     C C's proof, then sealed frames          S sealed frames
 *
 * Both proofs come from the hop key, both ids and both nonces. TLS begins with another byte, so that one port takes both.
 */
const MAGIC = [0x43, 0x44, 0x50, 0x31]
const ID_BYTES = 64
const NONCE_BYTES = 32
const PROOF_BYTES = 32

export const PLAIN_OPENING_BYTES = MAGIC.length + 2 * ID_BYTES + NONCE_BYTES
export const PLAIN_ANSWER_BYTES = MAGIC.length + NONCE_BYTES + PROOF_BYTES

/** The first byte of a plain connection. */
export const PLAIN_FIRST_BYTE = 0x43

const ID = /^[A-Za-z0-9-]{1,64}$/

export interface PlainOpening {
  readonly clientId: string
  readonly serverId: string
  readonly clientNonce: Uint8Array
}

export interface PlainAnswer {
  readonly serverNonce: Uint8Array
  readonly serverProof: Uint8Array
}

/** Encodes the first message; ids are server ids, the nonce has 32 bytes. */
export function encodeOpening({ clientId, serverId, clientNonce }: PlainOpening): Uint8Array {
  const bytes = new Uint8Array(PLAIN_OPENING_BYTES)
  bytes.set(MAGIC)
  writeId(bytes.subarray(MAGIC.length), clientId)
  writeId(bytes.subarray(MAGIC.length + ID_BYTES), serverId)
  bytes.set(clientNonce, MAGIC.length + 2 * ID_BYTES)
  return bytes
}

/** Decodes the first message from its PLAIN_OPENING_BYTES; null where it is none. */
export function decodeOpening(bytes: Uint8Array): PlainOpening | null {
  if (!begins(bytes)) return null
  const clientId = readId(bytes.subarray(MAGIC.length, MAGIC.length + ID_BYTES))
  const serverId = readId(bytes.subarray(MAGIC.length + ID_BYTES, MAGIC.length + 2 * ID_BYTES))
  if (clientId === null || serverId === null) return null
  return { clientId, serverId, clientNonce: bytes.subarray(MAGIC.length + 2 * ID_BYTES) }
}

/** Encodes the answer; nonce and proof have 32 bytes each. */
export function encodeAnswer({ serverNonce, serverProof }: PlainAnswer): Uint8Array {
  const bytes = new Uint8Array(PLAIN_ANSWER_BYTES)
  bytes.set(MAGIC)
  bytes.set(serverNonce, MAGIC.length)
  bytes.set(serverProof, MAGIC.length + NONCE_BYTES)
  return bytes
}

/** Decodes the answer from its PLAIN_ANSWER_BYTES; null where it is none. */
export function decodeAnswer(bytes: Uint8Array): PlainAnswer | null {
  if (!begins(bytes)) return null
  return {
    serverNonce: bytes.subarray(MAGIC.length, MAGIC.length + NONCE_BYTES),
    serverProof: bytes.subarray(MAGIC.length + NONCE_BYTES),
  }
}

function begins(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

function writeId(room: Uint8Array, id: string): void {
  if (!ID.test(id)) throw new Error(`"${id}" is no server id`)
  for (let index = 0; index < id.length; index++) room[index] = id.charCodeAt(index)
}

/** Filled up with zeros, and nothing after the first of them. */
function readId(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0)
  const text = String.fromCharCode(...bytes.subarray(0, end === -1 ? ID_BYTES : end))
  const rest = end === -1 ? [] : bytes.subarray(end)
  return ID.test(text) && rest.every((byte) => byte === 0) ? text : null
}
