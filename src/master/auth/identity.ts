import { AppError } from '../../core/base/errors.ts'
import type { Actor } from '../context.ts'
import { findTokenActor } from './api-tokens.ts'
import type { AuthContext } from './context.ts'
import { type Action, mayDo } from './permissions.ts'
import { type Session, findSession } from './sessions.ts'

/** Who sent a request: somebody by session, a script by token, or nobody known. */
export type Identity =
  | { readonly kind: 'session'; readonly actor: Actor; readonly session: Session }
  | { readonly kind: 'token'; readonly actor: Actor }
  | { readonly kind: 'nobody'; readonly address: string | null }

export interface Proof {
  /** The header `Authorization`. */
  readonly authorization: string | null
  /** The value of the session cookie. */
  readonly cookie: string | null
  readonly address: string | null
}

export type Person = Exclude<Identity, { kind: 'nobody' }>

/** Tells who sent a request. A token counts before a cookie; one that does not hold is refused: UNAUTHENTICATED. */
export async function identify(context: AuthContext, proof: Proof): Promise<Identity> {
  const { authorization, cookie, address } = proof
  if (authorization !== null) {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    const actor = token === undefined ? null : await findTokenActor(context, token, address)
    if (actor === null)
      throw new AppError('UNAUTHENTICATED', 'cannot accept request: its token is not valid')
    return { kind: 'token', actor }
  }
  const session = cookie === null ? null : await findSession(context, cookie, address)
  return session === null
    ? { kind: 'nobody', address }
    : { kind: 'session', actor: session.actor, session }
}

/** Gives who may do this; UNAUTHENTICATED where nobody is known, FORBIDDEN where the role does not allow it. */
export function authorize(identity: Identity, action: Action): Person {
  if (identity.kind === 'nobody')
    throw new AppError('UNAUTHENTICATED', 'cannot accept request: nobody is signed in')
  if (!mayDo(action, identity.actor.role)) {
    const { name, role } = identity.actor
    throw new AppError('FORBIDDEN', `cannot do ${action}: "${name}" has the role ${role}`)
  }
  return identity
}
