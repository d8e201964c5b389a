import type { PeerCertificate } from 'node:tls'

import { agentUri } from '../core/wire/enrolment.ts'

/** What a server proves itself with, and whom it believes; PEM texts. */
export interface TlsIdentity {
  readonly key: string
  readonly certificate: string
  readonly authority: string
}

const ID = /^[A-Za-z0-9-]{1,64}$/

/**
 * Gives the id of the agent that a verified certificate names, or null where it names none, or more than one. Only the
 * URI counts: common and DNS names may say anything.
 */
export function agentIdOf(certificate: Pick<PeerCertificate, 'subjectaltname'>): string | null {
  const names = certificate.subjectaltname?.split(', ') ?? []
  const uris = names.filter((name) => name.startsWith('URI:'))
  const prefix = `URI:${agentUri('')}`
  const [uri] = uris
  if (uris.length !== 1 || uri === undefined || !uri.startsWith(prefix)) return null
  const id = uri.slice(prefix.length)
  return ID.test(id) ? id : null
}
