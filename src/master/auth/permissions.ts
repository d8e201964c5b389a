import type { UserRole } from '../model.ts'

/** What an account may be. Each role may do all that the ones before it may. */
export const USER_ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly UserRole[]

/**
 * Everything that can be asked of a master, and the least role that may: the one place where this is decided, for the
 * API and the pages alike. `anyone` needs no sign-in.
 */
const ACTIONS = {
  // without an account
  'session.create': 'anyone',
  'document.read': 'anyone',
  // one's own
  'session.end': 'viewer',
  'account.read': 'viewer',
  'account.change': 'viewer',
  'tokens.own': 'viewer',
  // reading
  'topology.read': 'viewer',
  'servers.read': 'viewer',
  'policies.read': 'viewer',
  'jobs.read': 'viewer',
  'events.read': 'viewer',
  'hopRules.read': 'viewer',
  'license.read': 'viewer',
  'metrics.read': 'viewer',
  // running the fleet
  'policies.operate': 'operator',
  'jobs.operate': 'operator',
  'servers.drain': 'operator',
  'servers.files': 'operator',
  // shaping it
  'topology.change': 'admin',
  'servers.change': 'admin',
  'servers.revoke': 'admin',
  'enrollment.read': 'admin',
  'enrollment.change': 'admin',
  'policies.change': 'admin',
  'hopRules.change': 'admin',
  'license.change': 'admin',
  'users.read': 'admin',
  'users.change': 'admin',
  'tokens.all': 'admin',
  'audit.read': 'admin',
} as const satisfies Record<string, UserRole | 'anyone'>

export type Action = keyof typeof ACTIONS

/** Tells whether an account of this role may do it; null stands for somebody who is not signed in. */
export function mayDo(action: Action, role: UserRole | null): boolean {
  const least = ACTIONS[action]
  if (least === 'anyone') return true
  return role !== null && USER_ROLES.indexOf(role) >= USER_ROLES.indexOf(least)
}

/** The lesser of two roles: what a token may is bounded by its account. */
export function lesserRole(a: UserRole, b: UserRole): UserRole {
  return USER_ROLES.indexOf(a) < USER_ROLES.indexOf(b) ? a : b
}
