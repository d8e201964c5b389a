import type { Action } from '../auth/permissions.ts'
import type { AdminContext } from './context.ts'

/**
 * What a refusal for want of a licence calls each action, as in "cannot read policies". Null: done without a licence
 * too, since it signs people in or leads to one.
 */
const ATTEMPTS: Readonly<Record<Action, string | null>> = {
  'session.create': null,
  'document.read': null,
  'session.end': null,
  'account.read': null,
  'license.read': null,
  'license.change': null,
  'account.change': 'change the account',
  'tokens.own': 'manage API tokens',
  'topology.read': 'read regions and groups',
  'servers.read': 'read servers',
  'policies.read': 'read policies',
  'jobs.read': 'read jobs',
  'events.read': 'follow events',
  'hopRules.read': 'read hop rules',
  'metrics.read': 'read metrics',
  'policies.operate': 'run policies',
  'jobs.operate': 'manage jobs',
  'servers.drain': 'drain servers',
  'servers.files': 'list the folders of a server',
  'topology.change': 'change regions and groups',
  'servers.change': 'change servers',
  'servers.revoke': 'revoke servers',
  'enrollment.read': 'read enrolment tokens',
  'enrollment.change': 'manage enrolment tokens',
  'policies.change': 'change policies',
  'hopRules.change': 'change hop rules',
  'users.read': 'read users',
  'users.change': 'change users',
  'tokens.all': 'manage the API tokens of others',
  'audit.read': 'read the audit',
}

/** Throws the code of the licence that does not hold, for all that needs one. */
export function assertUnlocked(context: AdminContext, action: Action): void {
  const attempt = ATTEMPTS[action]
  if (attempt !== null) context.licensing.assertLicensed(attempt)
}
