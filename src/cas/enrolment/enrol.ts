import { arch, cpus, platform, totalmem } from 'node:os'

import { AppError, toAppError } from '../../core/base/errors.ts'
import type { EnrolRequest } from '../../core/wire/enrolment.ts'
import type { Identity } from '../identity.ts'
import { checkIssued, createKeyAndRequest } from './certificate-request.ts'
import { fetchPinnedAuthority, postEnrolment } from './master-requests.ts'
import { parseEnrolmentToken } from './token.ts'

export interface EnrolOptions {
  /** Tried in turn: the first that can be reached decides. */
  readonly masters: readonly URL[]
  readonly token: string
  readonly name: string
}

/**
 * Makes this host known to a master and gives the identity to keep. Throws MASTER_UNREACHABLE, MASTER_UNTRUSTED, or the
 * master's own refusal (TOKEN_USED, TOKEN_EXPIRED, LICENSE_LIMIT, …).
 */
export async function enrol(options: EnrolOptions): Promise<Identity> {
  const { secret, fingerprint } = parseEnrolmentToken(options.token)
  const { master, authorityPem } = await findMaster(options.masters, fingerprint)
  const { keyPem, requestPem, publicKey } = await createKeyAndRequest(options.name)
  const answer = await postEnrolment(master, authorityPem, {
    secret,
    name: options.name,
    certificateRequest: requestPem,
    platform: describePlatform(),
  })
  const { serverId, installationId, roles } = answer
  const certificatePem = answer.certificate
  await checkIssued({ certificatePem, authorityPem, serverId, publicKey })
  const masters = options.masters.map((url) => url.href)
  const { name } = options
  return { serverId, installationId, name, masters, roles, keyPem, certificatePem, authorityPem }
}

async function findMaster(
  masters: readonly URL[],
  fingerprint: string,
): Promise<{ master: URL; authorityPem: string }> {
  const failures: AppError[] = []
  for (const master of masters) {
    try {
      return { master, authorityPem: await fetchPinnedAuthority(master, fingerprint) }
    } catch (thrown) {
      failures.push(toAppError(thrown))
    }
  }
  // An answer that is not believed says more than silence.
  const first = failures.find(({ code }) => code === 'MASTER_UNTRUSTED') ?? failures[0]
  throw first ?? new AppError('USAGE', 'cannot enrol: no master was named')
}

/** What the master is told about the host. */
export function describePlatform(): EnrolRequest['platform'] {
  return {
    os: platform(),
    architecture: arch(),
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
  }
}
