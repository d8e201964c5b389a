import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

import { AppError } from '../core/base/errors.ts'
import { MASTER_SERVER_NAME, agentServerName, agentUri } from '../core/wire/enrolment.ts'

x509.cryptoProvider.set(crypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
/** Made anew at every start of the master. */
const MASTER_DAYS = 730
const AGENT_DAYS = 90
/** Hosts whose clocks are behind must still accept what was just made. */
const BACKDATED_MS = 3_600_000
const SERVER_AND_CLIENT = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']

/** A certificate and its private key, PEM. */
export interface KeyedCertificate {
  readonly certificate: string
  readonly key: string
}

export interface AgentCertificate {
  readonly certificate: string
  readonly serial: string
  readonly expiresAtMs: number
  /** SPKI, base64. */
  readonly publicKey: string
}

export interface CertificateAuthority {
  readonly pem: string
  /** SHA-256 of the certificate's DER form, base64url. */
  readonly fingerprint: string
  issueForMaster(order: { installationId: string; nowMs: number }): Promise<KeyedCertificate>
  issueForAgent(order: {
    serverId: string
    request: string
    nowMs: number
  }): Promise<AgentCertificate>
}

interface Names {
  readonly commonName: string
  readonly dns: string
  readonly uri: string
}

interface Order {
  readonly names: Names
  readonly publicKey: CryptoKey | x509.PublicKey
  readonly nowMs: number
  readonly days: number
}

/** Makes a certificate authority (P-256, ten years). */
export async function createAuthority(nowMs: number): Promise<KeyedCertificate> {
  const keys = await newKeys()
  const usage = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=CD Master authority ${newSerial().slice(0, 8)}`,
    ...validity(nowMs, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usage, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await keyPem(keys.privateKey) }
}

/** Opens an authority from its certificate and private key. */
export async function openAuthority(files: KeyedCertificate): Promise<CertificateAuthority> {
  const certificate = new x509.X509Certificate(files.certificate)
  const pkcs8 = x509.PemConverter.decodeFirst(files.key)
  const signingKey = await crypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign'])
  const issue = (order: Order) => issueCertificate({ certificate, signingKey }, order)
  return {
    pem: files.certificate,
    fingerprint: Buffer.from(await certificate.getThumbprint('SHA-256')).toString('base64url'),
    issueForMaster: async ({ installationId, nowMs }) => {
      const keys = await newKeys()
      const names = {
        commonName: 'CD Master',
        dns: MASTER_SERVER_NAME,
        uri: `urn:cd:master:${installationId}`,
      }
      const made = await issue({ names, publicKey: keys.publicKey, nowMs, days: MASTER_DAYS })
      return { certificate: made.toString('pem'), key: await keyPem(keys.privateKey) }
    },
    issueForAgent: async ({ serverId, request, nowMs }) => {
      const publicKey = await provenKey(request)
      const names = {
        commonName: serverId,
        dns: agentServerName(serverId),
        uri: agentUri(serverId),
      }
      const made = await issue({ names, publicKey, nowMs, days: AGENT_DAYS })
      return {
        certificate: made.toString('pem'),
        serial: made.serialNumber,
        expiresAtMs: made.notAfter.getTime(),
        publicKey: Buffer.from(publicKey.rawData).toString('base64'),
      }
    },
  }
}

async function issueCertificate(
  issuer: { certificate: x509.X509Certificate; signingKey: CryptoKey },
  { names, publicKey, nowMs, days }: Order,
): Promise<x509.X509Certificate> {
  return await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${names.commonName}`,
    issuer: issuer.certificate.subject,
    ...validity(nowMs, days),
    publicKey,
    signingKey: issuer.signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(SERVER_AND_CLIENT),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: names.dns },
        { type: 'url', value: names.uri },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
}

/** The key of a request whose signature proves that the asker holds it. Only P-256 keys are certified. */
async function provenKey(request: string): Promise<x509.PublicKey> {
  const refuse = (why: string, cause?: unknown) =>
    new AppError('INVALID_REQUEST', `cannot certify the key of the request: ${why}`, { cause })
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request)
    if (!isP256(parsed.publicKey)) throw refuse('it is no P-256 key')
    if (!(await parsed.verify())) throw refuse('its signature is wrong')
    return parsed.publicKey
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : refuse('it is no PKCS#10 request', thrown)
  }
}

function isP256(key: x509.PublicKey): boolean {
  const algorithm: { readonly name: string; readonly namedCurve?: string } = key.algorithm
  return algorithm.name === 'ECDSA' && algorithm.namedCurve === 'P-256'
}

async function newKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function keyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

/** A leading 0 bit keeps the number positive, as X.509 asks. */
function newSerial(): string {
  return `0${crypto.randomUUID().replaceAll('-', '').slice(1)}`
}

function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + days * DAY_MS) }
}
