import { SignJWT, importPKCS8 } from 'jose'

import { AGENT_TOKEN, type AgentTokenClaims } from '../../core/wire/agent-token.ts'

export interface TokenSubject {
  readonly serverId: string
  readonly installationId: string
  /** PKCS#8, PEM. */
  readonly keyPem: string
}

/** Makes the function that signs a new token for every connection attempt; `nowMs` is since 1970. */
export async function createTokenSigner(
  subject: TokenSubject,
): Promise<(nowMs: number) => Promise<string>> {
  const key = await importPKCS8(subject.keyPem, AGENT_TOKEN.algorithm)
  return (nowMs) => {
    const issuedAt = Math.floor(nowMs / 1000)
    const claims: AgentTokenClaims = {
      iss: subject.serverId,
      aud: subject.installationId,
      iat: issuedAt,
      exp: issuedAt + AGENT_TOKEN.lifetimeS,
      jti: crypto.randomUUID(),
    }
    const header = { alg: AGENT_TOKEN.algorithm, typ: AGENT_TOKEN.type }
    return new SignJWT(claims).setProtectedHeader(header).sign(key)
  }
}
