import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

import { agentServerName, agentUri } from '../../src/core/wire/enrolment.ts'
import type { TlsIdentity } from '../../src/platform/tls-identity.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** A certificate authority of its own for a test. */
export interface TestAuthority {
  readonly pem: string
  /** Issues what an agent gets at enrolment. `serverId` stands in the DNS name and, unless given, in the URI. */
  issue(serverId: string, names?: { uris: readonly string[] }): Promise<TestIdentity>
}

export interface TestIdentity extends TlsIdentity {
  /** SPKI, base64, as a target is told it. */
  readonly publicKey: string
}

/** Makes an authority; all carry the same name, so that only the key tells them apart. */
export async function makeAuthority(): Promise<TestAuthority> {
  x509.cryptoProvider.set(crypto)
  const keys = await makeKeys()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test authority',
    ...validity(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const pem = authority.toString('pem')
  return {
    pem,
    async issue(serverId, names = { uris: [agentUri(serverId)] }) {
      const own = await makeKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: crypto.randomUUID().replaceAll('-', ''),
        subject: `CN=${serverId}`,
        issuer: authority.subject,
        ...validity(),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: agentServerName(serverId) },
            ...names.uris.map((value) => ({ type: 'url' as const, value })),
          ]),
        ],
      })
      const key = await crypto.subtle.exportKey('pkcs8', own.privateKey)
      const publicKey = await crypto.subtle.exportKey('spki', own.publicKey)
      return {
        key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
        certificate: certificate.toString('pem'),
        authority: pem,
        publicKey: Buffer.from(publicKey).toString('base64'),
      }
    },
  }
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) }
}
