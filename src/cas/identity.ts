import { readFileSync } from 'node:fs'

import { z } from 'zod'

import { type ByteString, fromText } from '../core/base/byte-string.ts'
import { AppError, toAppError } from '../core/base/errors.ts'
import type { DataDirectory } from '../platform/data-dir.ts'

/** Who this agent is, as enrolment made it. */
export interface Identity {
  readonly serverId: string
  readonly installationId: string
  readonly name: string
  /** URLs of the gateway. */
  readonly masters: readonly string[]
  readonly roles: readonly Role[]
  /** PEM. The key lies in a file of its own, readable by its owner only. */
  readonly keyPem: string
  readonly certificatePem: string
  readonly authorityPem: string
}

export type Role = 'cms' | 'cas' | 'sm'

const IDENTITY_FILE = 'identity.json'
const KEY_FILE = 'agent.key'
const CERTIFICATE_FILE = 'agent.pem'
const AUTHORITY_FILE = 'authority.pem'
/** In a file of its own, so that an administrator of the host finds and edits it. */
const ALLOW_FILE = 'allow.json'

const identityFile = z.object({
  serverId: z.string(),
  installationId: z.string(),
  name: z.string(),
  masters: z.array(z.url()).min(1),
  roles: z.array(z.enum(['cms', 'cas', 'sm'])),
})
const allowFile = z.object({ allow: z.array(z.string()).nullable() })

/** Writes what enrolment gave into the data folder; the key first, so that the rest is never there without it. */
export function saveIdentity(directory: DataDirectory, identity: Identity): void {
  const { keyPem, certificatePem, authorityPem, ...named } = identity
  directory.write(KEY_FILE, keyPem, 0o600)
  directory.write(CERTIFICATE_FILE, certificatePem)
  directory.write(AUTHORITY_FILE, authorityPem)
  directory.write(IDENTITY_FILE, `${JSON.stringify(named, null, 2)}\n`)
}

/** Reads the identity; DATA_DIR_MISSING where this folder was never enrolled, FILE_UNREADABLE where it is damaged. */
export function loadIdentity(directory: DataDirectory): Identity {
  const named = readJson(directory, IDENTITY_FILE, identityFile)
  return {
    ...named,
    keyPem: readText(directory, KEY_FILE),
    certificatePem: readText(directory, CERTIFICATE_FILE),
    authorityPem: readText(directory, AUTHORITY_FILE),
  }
}

/** Keeps which folders the host allows; null for all but system folders. */
export function saveAllowed(directory: DataDirectory, allow: readonly string[] | null): void {
  directory.write(ALLOW_FILE, `${JSON.stringify({ allow }, null, 2)}\n`)
}

/** The folders named on this host with `--allow`, or null. Unreadable counts as an error, never as "all". */
export function loadAllowed(directory: DataDirectory): readonly ByteString[] | null {
  const { allow } = readJson(directory, ALLOW_FILE, allowFile)
  return allow?.map(fromText) ?? null
}

function readJson<T>(directory: DataDirectory, name: string, schema: z.ZodType<T>): T {
  const text = readText(directory, name)
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw unreadable(directory, name, cause)
  }
}

function readText(directory: DataDirectory, name: string): string {
  try {
    return readFileSync(directory.file(name), 'utf8')
  } catch (cause) {
    throw unreadable(directory, name, cause)
  }
}

function unreadable(directory: DataDirectory, name: string, cause: unknown): AppError {
  const why = cause instanceof z.ZodError ? z.prettifyError(cause) : toAppError(cause).message
  return new AppError('FILE_UNREADABLE', `cannot read "${directory.file(name)}": ${why}`, { cause })
}
