import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

import { AppError } from '../../core/base/errors.ts'
import { agentUri } from '../../core/wire/enrolment.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface KeyAndRequest {
  /** PKCS#8, PEM: made here, and it never leaves this host. */
  readonly keyPem: string
  /** PKCS#10, PEM. */
  readonly requestPem: string
  /** SPKI, to recognise the certificate that comes back. */
  readonly publicKey: Uint8Array
}

/** Makes the agent's P-256 key and the request for its certificate. The name in it is of no account to the master. */
export async function createKeyAndRequest(name: string): Promise<KeyAndRequest> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ALGORITHM,
  })
  const privateKey = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    keyPem: `${x509.PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
    requestPem: request.toString('pem'),
    publicKey: new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey)),
  }
}

export interface Issued {
  readonly certificatePem: string
  readonly authorityPem: string
  readonly serverId: string
  readonly publicKey: Uint8Array
}

/** Checks that a certificate is ours, names the server id and was issued by the authority; else MASTER_UNTRUSTED. */
export async function checkIssued(issued: Issued): Promise<void> {
  const certificate = parseCertificate(issued.certificatePem)
  const authority = parseCertificate(issued.authorityPem)
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  const named = names.some((name) => name.value === agentUri(issued.serverId))
  const ours = Buffer.from(certificate.publicKey.rawData).equals(issued.publicKey)
  // The dates are left to those who connect: this host's clock may be wrong, and the certificate right.
  const signed = await certificate.verify({ publicKey: authority.publicKey, signatureOnly: true })
  if (ours && named && signed) return
  const what = ours ? (named ? 'was not signed by its authority' : 'names another agent') : 'is not for our key' // prettier-ignore
  throw new AppError(
    'MASTER_UNTRUSTED',
    `cannot enrol: the certificate that the master gave ${what}`,
  )
}

/** SHA-256 of a certificate's DER as base64url, or null where the text holds no certificate. */
export function fingerprintOf(certificatePem: string): string | null {
  try {
    const { rawData } = new x509.X509Certificate(certificatePem)
    return new Bun.CryptoHasher('sha256').update(rawData).digest('base64url')
  } catch {
    // Whatever it is, it is no certificate, and the caller says so.
    return null
  }
}

function parseCertificate(pem: string): x509.X509Certificate {
  try {
    return new x509.X509Certificate(pem)
  } catch (cause) {
    throw new AppError(
      'MASTER_UNTRUSTED',
      'cannot enrol: the master gave no readable certificate',
      {
        cause,
      },
    )
  }
}
