import { SignJWT, exportJWK, generateKeyPair, importJWK } from 'jose'

import { AppError } from '../core/base/errors.ts'
import {
  TICKET_ALGORITHM,
  TICKET_ISSUER,
  TICKET_TYPE,
  type TicketClaims,
} from '../core/wire/ticket.ts'

export type Jwk = Readonly<Record<string, unknown>>
export type TicketOrder = Omit<TicketClaims, 'iss'>

export interface TicketSigner {
  /** What agents check tickets with. */
  readonly publicKey: Jwk
  sign(claims: TicketOrder): Promise<string>
}

/** Makes the key pair that signs tickets (Ed25519), as a private JWK. */
export async function createTicketKey(): Promise<Jwk> {
  const { privateKey } = await generateKeyPair(TICKET_ALGORITHM, { extractable: true })
  return { ...(await exportJWK(privateKey)) }
}

/** Opens the signer of a private JWK. */
export async function openTicketSigner(privateJwk: Jwk): Promise<TicketSigner> {
  const key = await importJWK(privateJwk, TICKET_ALGORITHM)
  if (key instanceof Uint8Array) throw new AppError('INTERNAL', 'the ticket key is no key pair')
  const { d: _, ...publicKey } = privateJwk
  return {
    publicKey,
    sign: (claims) =>
      new SignJWT({ ...claims, iss: TICKET_ISSUER })
        .setProtectedHeader({ alg: TICKET_ALGORITHM, typ: TICKET_TYPE })
        .sign(key),
  }
}
