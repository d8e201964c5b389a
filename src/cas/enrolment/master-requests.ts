import { z } from 'zod'

import { AppError } from '../../core/base/errors.ts'
import { type EnrolAnswer, enrolAnswer, type EnrolRequest, MASTER_SERVER_NAME } from '../../core/wire/enrolment.ts' // prettier-ignore
import { isErrorCode } from '../control/greeting.ts'
import { fingerprintOf } from './certificate-request.ts'

const TIMEOUT_MS = 15_000
const ANSWER_BYTES_MAX = 64 << 10

/**
 * Asks a master for its authority's certificate and believes it only if it has the fingerprint of the token. Until then
 * nothing is known about who answers, so the connection is not verified and nothing secret is sent on it.
 */
export async function fetchPinnedAuthority(master: URL, fingerprint: string): Promise<string> {
  const url = new URL('/authority', master)
  const response = await request(url, { tls: { rejectUnauthorized: false } })
  const pem = await boundedText(response, master)
  if (response.ok && fingerprintOf(pem) === fingerprint) return pem
  const why = response.ok
    ? 'its authority is not the one in the token'
    : `it answered ${response.status}`
  throw new AppError('MASTER_UNTRUSTED', `cannot enrol at ${master.host}: ${why}`)
}

/** Sends the request to the master that its pinned authority proves; its refusal comes back with its own code. */
export async function postEnrolment(
  master: URL,
  authorityPem: string,
  body: EnrolRequest,
): Promise<EnrolAnswer> {
  const response = await request(new URL('/enroll', master), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    tls: { ca: authorityPem, serverName: MASTER_SERVER_NAME, rejectUnauthorized: true },
  })
  const text = await boundedText(response, master)
  if (!response.ok) throw refusal(master, response.status, text)
  const answer = enrolAnswer.safeParse(parseJson(text))
  if (answer.success) return answer.data
  throw new AppError('INCOMPATIBLE', `cannot enrol at ${master.host}: its answer is not understood`)
}

async function request(url: URL, init: BunFetchRequestInit): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return await fetch(url, { ...init, signal, redirect: 'error', keepalive: false })
  } catch (thrown) {
    throw connectionError(url, thrown)
  }
}

/** Names of TLS failures: somebody answered, but not the master that the token names. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME/

function connectionError(url: URL, thrown: unknown): AppError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const attempt = `cannot enrol at ${url.host}`
  if (UNTRUSTED.test(code))
    return new AppError('MASTER_UNTRUSTED', `${attempt}: its certificate is not the master's`, {
      cause: thrown,
    })
  const isTimeout = thrown instanceof Error && thrown.name === 'TimeoutError'
  const why = isTimeout ? `no answer within ${TIMEOUT_MS / 1000} s` : words(code, thrown)
  return new AppError('MASTER_UNREACHABLE', `${attempt}: ${why}`, { cause: thrown })
}

const WORDS: Readonly<Record<string, string>> = {
  ConnectionRefused: 'connection refused',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ConnectionClosed: 'the connection was closed',
  FailedToOpenSocket: 'no way to that address',
  ENOTFOUND: 'no such host',
}

function words(code: string, thrown: unknown): string {
  return WORDS[code] ?? (thrown instanceof Error ? thrown.message : String(thrown))
}

async function boundedText(response: Response, master: URL): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > ANSWER_BYTES_MAX)
      throw new AppError(
        'MASTER_UNTRUSTED',
        `cannot enrol at ${master.host}: its answer is too long`,
      )
  }
  return Buffer.concat(chunks).toString()
}

const problem = z.object({ code: z.string(), detail: z.string() })

function refusal(master: URL, status: number, text: string): AppError {
  const parsed = problem.safeParse(parseJson(text))
  if (!parsed.success || !isErrorCode(parsed.data.code))
    return new AppError('FORBIDDEN', `cannot enrol at ${master.host}: it answered ${status}`)
  const { code, detail } = parsed.data
  return new AppError(code, detail.startsWith('cannot enrol') ? detail : `cannot enrol: ${detail}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is not an answer that is understood, which the caller says.
    return undefined
  }
}
