import {
  base64url,
  calculateJwkThumbprint,
  CompactSign,
  compactVerify,
  exportJWK,
  generateKeyPair,
  importJWK,
} from 'jose'

import { AppError } from '../core/base/errors.ts'

/** The public half of an Ed25519 key (RFC 8037). */
export interface Ed25519PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

/** An Ed25519 key pair that can be written down: `d` is the secret. */
export interface SigningKey {
  readonly publicKey: Ed25519PublicKey
  readonly d: string
  /** RFC 7638; the `kid` of what the key signs. */
  readonly thumbprint: string
}

/** Makes a new key pair. */
export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { x = '', d = '' } = await exportJWK(privateKey)
  return await signingKey(x, d)
}

/** Gives the key pair as a private JWK, to be kept in a file of its owner alone. */
export function signingKeyText(key: SigningKey): string {
  return `${JSON.stringify({ ...key.publicKey, d: key.d })}\n`
}

/** Reads what `signingKeyText` gave; `file` is for the message of FILE_UNREADABLE. */
export async function parseSigningKey(text: string, file: string): Promise<SigningKey> {
  try {
    const { x, d } = JSON.parse(text) as Record<string, unknown>
    if (typeof x !== 'string' || typeof d !== 'string')
      throw new TypeError('no Ed25519 private key')
    await importJWK({ kty: 'OKP', crv: 'Ed25519', x, d }, 'EdDSA')
    return await signingKey(x, d)
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw new AppError('FILE_UNREADABLE', `cannot read the key "${file}": ${reason}`, {
      cause: thrown,
    })
  }
}

async function signingKey(x: string, d: string): Promise<SigningKey> {
  const publicKey = { kty: 'OKP', crv: 'Ed25519', x } as const
  return { publicKey, d, thumbprint: await keyThumbprint(publicKey) }
}

/** The thumbprint of a public key (RFC 7638, SHA-256, base64url). */
export async function keyThumbprint(key: Ed25519PublicKey): Promise<string> {
  return await calculateJwkThumbprint(key)
}

/** What is signed: the `typ` that tells one kind of token from another, its claims, and more members of its header. */
export interface TokenContent {
  readonly type: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** Signs a token as a compact JWS. */
export async function signToken(key: SigningKey, content: TokenContent): Promise<string> {
  const privateKey = await importJWK({ ...key.publicKey, d: key.d }, 'EdDSA')
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(content.claims)))
    .setProtectedHeader({
      ...content.header,
      alg: 'EdDSA',
      typ: content.type,
      kid: key.thumbprint,
    })
    .sign(privateKey)
}

export type TokenCheck =
  | { readonly kind: 'verified'; readonly type: string; readonly claims: unknown }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'algorithm'; readonly algorithm: string }
  | { readonly kind: 'unknownKey' }
  | { readonly kind: 'badSignature' }

/** The protected header of a token, not verified; null where it is none. */
export function readTokenHeader(token: string): Readonly<Record<string, unknown>> | null {
  const [header, payload, signature, ...rest] = token.split('.')
  if (!header || !payload || signature === undefined || rest.length > 0) return null
  if (![header, payload, signature].every(isCanonical)) return null
  return parseObject(header)
}

/**
 * Verifies a token by the key that its `kid` names among those trusted, by thumbprint. Only EdDSA counts, whatever the
 * token says of itself: neither "none" nor a MAC made with the public key gets near a key.
 */
export async function checkToken(
  token: string,
  trusted: ReadonlyMap<string, Ed25519PublicKey>,
): Promise<TokenCheck> {
  const header = readTokenHeader(token)
  if (header === null) return { kind: 'malformed' }
  if (header['alg'] !== 'EdDSA') return { kind: 'algorithm', algorithm: String(header['alg']) }
  const key = trusted.get(String(header['kid']))
  if (!key) return { kind: 'unknownKey' }
  const verified = await verify(token, key)
  if (verified === null) return { kind: 'badSignature' }
  const claims = parseJson(verified)
  return claims === null
    ? { kind: 'malformed' }
    : { kind: 'verified', type: String(header['typ']), claims }
}

async function verify(token: string, key: Ed25519PublicKey): Promise<Uint8Array | null> {
  try {
    const publicKey = await importJWK({ ...key }, 'EdDSA')
    return (await compactVerify(token, publicKey, { algorithms: ['EdDSA'] })).payload
  } catch {
    // Whatever is wrong with it, it is not what the key's owner signed.
    return null
  }
}

/**
 * Base64url leaves bits of its last character unused, and decoders overlook more: without this, many texts would be the
 * same token, and a file that was changed could still verify.
 */
function isCanonical(part: string): boolean {
  return /^[\w-]*$/.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part
}

function parseObject(part: string): Record<string, unknown> | null {
  try {
    return parseJson(base64url.decode(part))
  } catch {
    // Not base64url: no token.
    return null
  }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : null
  } catch {
    // Not JSON: no token.
    return null
  }
}
