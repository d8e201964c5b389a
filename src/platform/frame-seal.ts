import { createCipheriv, createDecipheriv } from 'node:crypto'

import { AppError } from '../core/base/errors.ts'
import type { EncodedFrame } from '../core/wire/frame-encode.ts'
import type { CutFrame, RawFrame } from '../core/wire/frame-stream.ts'
import { FRAME_HEAD_BYTES } from '../core/wire/frame.ts'
import { type FrameKey, SEAL_NONCE_BYTES } from './plain-keys.ts'

/** What each sealed frame is longer by; its length counts them. */
export const SEAL_BYTES = 16
const ALGORITHM = 'aes-256-gcm'

/**
 * Seals the frames of a plain connection: AES-GMAC, which is AES-256-GCM with the whole frame as additional data and
 * nothing encrypted. The nonce of each frame is made of a counter that both ends keep and nobody sends, so a frame that is
 * repeated, left out, moved, cut or of another connection or direction is as wrong as a changed one.
 */
export interface FrameSeals {
  /** Changes the length of an encoded frame and gives what has to follow it. */
  seal(frame: EncodedFrame): Uint8Array
  /** Gives a frame without its seal, before anything in it was looked at; throws FRAME_FORGED. */
  check(frame: CutFrame): RawFrame
}

/** Makes both directions' seals for one end of a connection. */
export function createFrameSeals(out: FrameKey, back: FrameKey): FrameSeals {
  const outNonces = new Nonces(out.nonce)
  const backNonces = new Nonces(back.nonce)
  return {
    seal({ head, content }) {
      const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
      view.setUint32(0, view.getUint32(0) + SEAL_BYTES)
      const cipher = createCipheriv(ALGORITHM, out.key, outNonces.next())
      cipher.setAAD(head)
      if (content !== null) cipher.setAAD(content)
      cipher.final()
      return cipher.getAuthTag()
    },
    check(frame) {
      const sealAt = frame.bytes.length - SEAL_BYTES
      if (sealAt < FRAME_HEAD_BYTES) throw forged()
      const decipher = createDecipheriv(ALGORITHM, back.key, backNonces.next(), {
        authTagLength: SEAL_BYTES,
      })
      decipher.setAAD(frame.bytes.subarray(0, sealAt))
      decipher.setAuthTag(frame.bytes.subarray(sealAt))
      try {
        decipher.final()
      } catch {
        throw forged()
      }
      return { type: frame.type, payload: frame.bytes.subarray(FRAME_HEAD_BYTES, sealAt) }
    },
  }
}

/** The length of the largest frame is no secret, but nobody who holds the key sends a longer one. */
export function forged(): AppError {
  return new AppError('FRAME_FORGED', 'cannot accept a frame that was changed on its way')
}

/** The nonces of one direction: a counter of 64 bits over the last eight bytes, which never comes round. */
class Nonces {
  readonly #base: Uint8Array
  readonly #bytes: Buffer
  #count = 0n

  constructor(base: Uint8Array) {
    this.#base = base
    this.#bytes = Buffer.alloc(SEAL_NONCE_BYTES)
  }

  next(): Uint8Array {
    this.#bytes.set(this.#base)
    const tail = SEAL_NONCE_BYTES - 8
    this.#bytes.writeBigUInt64BE(this.#bytes.readBigUInt64BE(tail) ^ this.#count++, tail)
    return this.#bytes
  }
}
