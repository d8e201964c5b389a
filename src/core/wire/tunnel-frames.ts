import { fromText } from '../base/byte-string.ts'
import { TUNNEL_CHUNK_BYTES } from '../base/limits.ts'
import { type ByteReader, Malformed } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/**
 * How a server that can only dial out (D) is reached by a peer (P) that it can dial. After hello:
 *
 *     D await                  P dial…                  on a connection that D keeps open
 *     D tunnel, tunnelBytes…   P tunnelBytes…           on one that D opens for each `dial`, with its token
 *
 * What is carried in a tunnel is a connection of its own, opened by P, with its own hello and security.
 */
export type TunnelFrame =
  /** Dial me through this. */
  | { readonly type: 'await' }
  /** Somebody here wants to reach you. */
  | { readonly type: 'dial'; readonly token: string }
  | { readonly type: 'tunnel'; readonly token: string }
  | { readonly type: 'tunnelBytes'; readonly bytes: Uint8Array }

export const TUNNEL_FRAME_TYPES = [
  'await',
  'dial',
  'tunnel',
  'tunnelBytes',
] as const satisfies readonly TunnelFrame['type'][]

/** 128 random bits in base64url. */
const TOKEN = /^[A-Za-z0-9_-]{22}$/

/** Reads the payload of a frame of this type; throws Malformed. */
export function readTunnelFrame(type: TunnelFrame['type'], reader: ByteReader): TunnelFrame {
  switch (type) {
    case 'await':
      return { type }
    case 'dial':
    case 'tunnel':
      return { type, token: readToken(reader) }
    case 'tunnelBytes':
      if (reader.left > TUNNEL_CHUNK_BYTES) throw new Malformed(`${reader.left} bytes of a tunnel`)
      return { type, bytes: reader.rest() }
  }
}

function readToken(reader: ByteReader): string {
  const token: string = reader.text(64)
  if (!TOKEN.test(token)) throw new Malformed('a token of another form')
  return token
}

/** Writes the payload of a frame. */
export function writeTunnelFrame(writer: ByteWriter, frame: TunnelFrame): void {
  switch (frame.type) {
    case 'await':
      return
    case 'dial':
    case 'tunnel':
      return writer.text(fromText(frame.token))
    case 'tunnelBytes':
      return writer.raw(frame.bytes)
  }
}
