import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

/** ECDSA with SHA-256; raw r and s, 64 bytes for P-256. */
const DIGEST = 'sha256'
const ENCODING = 'ieee-p1363'

/** Gives what signs with an agent's private key (PEM, P-256). */
export function createSigner(privateKeyPem: string): (statement: Uint8Array) => Uint8Array {
  const key = createPrivateKey(privateKeyPem)
  return (statement) => sign(DIGEST, statement, { key, dsaEncoding: ENCODING })
}

/** Gives what verifies signatures of an agent's key (SPKI, base64). */
export function createVerifier(
  publicKey: string,
): (statement: Uint8Array, signature: Uint8Array) => boolean {
  const spki = Buffer.from(publicKey, 'base64')
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return (statement, signature) =>
    verify(DIGEST, statement, { key, dsaEncoding: ENCODING }, signature)
}
