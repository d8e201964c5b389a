import { randomBytes } from 'node:crypto'

import {
  PLAIN_ANSWER_BYTES,
  PLAIN_OPENING_BYTES,
  decodeAnswer,
  decodeOpening,
  encodeAnswer,
  encodeOpening,
} from '../core/wire/plain-opening.ts'
import { type FrameSeals, createFrameSeals } from './frame-seal.ts'
import {
  PLAIN_NONCE_BYTES,
  PLAIN_PROOF_BYTES,
  type PlainKeys,
  derivePlainKeys,
  isProof,
} from './plain-keys.ts'

/** Where a handshake is after some bytes. `rest` came behind it and belongs to the connection. */
type PlainStep =
  | { readonly kind: 'more' }
  | {
      readonly kind: 'proven'
      readonly peerId: string
      readonly seals: FrameSeals
      readonly rest: Uint8Array
    }
  | { readonly kind: 'refused'; readonly why: string }

/** One end of the beginning of a plain connection. */
export interface PlainHandshake {
  /** Takes what came and sends what is due. */
  receive(bytes: Uint8Array): PlainStep
}

export type SendBytes = (bytes: Uint8Array) => void
const MORE: PlainStep = { kind: 'more' }

export interface PlainClient {
  readonly ownId: string
  readonly serverId: string
  readonly hopKey: Uint8Array
}

/** The end that connects: says who it is, and goes on only with the one who knows the hop key of the two. */
export function clientHandshake(client: PlainClient, send: SendBytes): PlainHandshake {
  const { ownId, serverId, hopKey } = client
  const clientNonce = randomBytes(PLAIN_NONCE_BYTES)
  const opening = encodeOpening({ clientId: ownId, serverId, clientNonce })
  const gathered = new Gathered(PLAIN_ANSWER_BYTES)
  send(opening)
  return {
    receive(bytes) {
      const rest = gathered.take(bytes)
      if (rest === null) return MORE
      const answer = decodeAnswer(gathered.bytes)
      if (answer === null) return refused('it does not speak of plain hops')
      const keys = derivePlainKeys({ hopKey, opening, serverNonce: answer.serverNonce })
      if (!isProof(answer.serverProof, keys.serverProof))
        return refused(`it does not know the hop key of server "${serverId}"`)
      send(keys.clientProof)
      const seals = createFrameSeals(keys.toServer, keys.toClient)
      return { kind: 'proven', peerId: serverId, seals, rest }
    },
  }
}

export interface PlainServer {
  readonly serverId: string
  /** The key shared with a server; null where no hop from there may be plain. */
  hopKeyOf(serverId: string): Uint8Array | null
}

/** The end that listens: answers only those it has a hop key with, and counts them as there once they proved it. */
export function serverHandshake(server: PlainServer, send: SendBytes): PlainHandshake {
  const opening = new Gathered(PLAIN_OPENING_BYTES)
  const proof = new Gathered(PLAIN_PROOF_BYTES)
  let agreed: { readonly keys: PlainKeys; readonly peerId: string } | null = null
  const answer = (): PlainStep | null => {
    const said = decodeOpening(opening.bytes)
    if (said === null) return refused('it speaks neither TLS nor of plain hops')
    const hopKey = said.serverId === server.serverId ? server.hopKeyOf(said.clientId) : null
    if (hopKey === null) return refused(`no plain hop from "${said.clientId}" is allowed here`)
    const serverNonce = randomBytes(PLAIN_NONCE_BYTES)
    const keys = derivePlainKeys({ hopKey, opening: opening.bytes, serverNonce })
    agreed = { keys, peerId: said.clientId }
    send(encodeAnswer({ serverNonce, serverProof: keys.serverProof }))
    return null
  }
  return {
    receive(bytes) {
      const behind = agreed === null ? opening.take(bytes) : bytes
      if (behind === null) return MORE
      const refusal = agreed === null ? answer() : null
      if (refusal !== null || agreed === null) return refusal ?? MORE
      const rest = proof.take(behind)
      if (rest === null) return MORE
      const { keys, peerId } = agreed
      if (!isProof(proof.bytes, keys.clientProof))
        return refused(`it does not know the hop key of server "${peerId}"`)
      return { kind: 'proven', peerId, seals: createFrameSeals(keys.toClient, keys.toServer), rest }
    },
  }
}

function refused(why: string): PlainStep {
  return { kind: 'refused', why }
}

/** A message of a fixed length on its way. */
class Gathered {
  readonly bytes: Uint8Array
  #filledBytes = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
  }

  /** Gives what came behind the message; null while it is not whole. */
  take(bytes: Uint8Array): Uint8Array | null {
    const taken = bytes.subarray(0, this.bytes.length - this.#filledBytes)
    this.bytes.set(taken, this.#filledBytes)
    this.#filledBytes += taken.length
    return this.#filledBytes < this.bytes.length ? null : bytes.subarray(taken.length)
  }
}
