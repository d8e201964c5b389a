import type { RootChanged } from '../change/known-root.ts'
import type { ReportedHold } from './control.ts'

/** What the master is told where another folder lies at the path of a root. Whatever may be lost by it is asked later. */
export function rootHold({ message, fingerprint }: RootChanged, since: string): ReportedHold {
  const nothing = { from: 0, to: 0, deletes: 0, updates: 0, bytes: 0, sample: [] }
  return { code: 'ROOT_CHANGED', message: message.slice(0, 2000), since, fingerprint, ...nothing }
}
