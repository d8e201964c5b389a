import type { Action } from '../auth/permissions.ts'
import type { AdminContext } from './context.ts'

/** What a master without a valid licence still does: sign people in, and take a licence. */
const WITHOUT_LICENSE: ReadonlySet<Action> = new Set<Action>([
  'session.create',
  'session.end',
  'document.read',
  'account.read',
  'license.read',
  'license.change',
])

/** Throws the code of the licence that does not hold, for all that needs one. */
export function assertUnlocked(context: AdminContext, action: Action): void {
  if (!WITHOUT_LICENSE.has(action)) context.licensing.assertLicensed('answer')
}
