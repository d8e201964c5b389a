import type { DataDirectory } from '../platform/data-dir.ts'
import {
  type AgentCertificate,
  type CertificateAuthority,
  type KeyedCertificate,
  createAuthority,
  openAuthority,
} from './certificates.ts'
import { createHopSecret, hopKey } from './hop-keys.ts'
import { type TicketSigner, createTicketKey, openTicketSigner } from './tickets.ts'

const AUTHORITY_FILE = 'authority.pem'
const AUTHORITY_KEY_FILE = 'authority.key'
const TICKET_KEY_FILE = 'ticket-key.json'
const HOP_SECRET_FILE = 'hop-secret.key'

/** What makes this master the one its agents know: its certificate authority and the key of its tickets. */
export interface Authority {
  /** The authority's certificate, PEM. */
  readonly certificate: string
  /** SHA-256 of its DER form, base64url: what enrolment tokens pin. */
  readonly fingerprint: string
  readonly tickets: TicketSigner
  /** The key of plain hops between two servers, base64. */
  hopKey(one: string, other: string): string
  /** A new key and certificate for the gateway. */
  gatewayCertificate(): Promise<KeyedCertificate>
  /** Certifies the key of a PKCS#10 request for this id, whatever names it asks for; INVALID_REQUEST. */
  agentCertificate(serverId: string, request: string): Promise<AgentCertificate>
}

/** Makes the keys of a new master and writes them into its data folder, readable by its owner only. */
export async function createAuthorityFiles(directory: DataDirectory, nowMs: number): Promise<void> {
  const { certificate, key } = await createAuthority(nowMs)
  directory.write(AUTHORITY_KEY_FILE, key)
  directory.write(AUTHORITY_FILE, certificate)
  directory.write(TICKET_KEY_FILE, JSON.stringify(await createTicketKey()))
  directory.write(HOP_SECRET_FILE, createHopSecret())
}

export interface AuthorityOptions {
  readonly directory: DataDirectory
  readonly installationId: string
  readonly nowMs: () => number
}

/** Reads the keys that `createAuthorityFiles` wrote. */
export async function openAuthorityFiles(options: AuthorityOptions): Promise<Authority> {
  const { directory, installationId, nowMs } = options
  const text = async (name: string) => await Bun.file(directory.file(name)).text()
  const authority: CertificateAuthority = await openAuthority({
    certificate: await text(AUTHORITY_FILE),
    key: await text(AUTHORITY_KEY_FILE),
  })
  const hopSecret = await text(HOP_SECRET_FILE)
  return {
    certificate: authority.pem,
    fingerprint: authority.fingerprint,
    tickets: await openTicketSigner(JSON.parse(await text(TICKET_KEY_FILE))),
    hopKey: (one, other) => hopKey(hopSecret, one, other),
    gatewayCertificate: () => authority.issueForMaster({ installationId, nowMs: nowMs() }),
    agentCertificate: (serverId, request) =>
      authority.issueForAgent({ serverId, request, nowMs: nowMs() }),
  }
}
