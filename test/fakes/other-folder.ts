import type { ReportedHold } from '../../src/core/wire/control.ts'

/** What an agent holds, since a time in ISO form, where another folder lies in the place of a root. */
export function otherFolder(since: string, message = 'another folder lies there'): ReportedHold {
  const nothing = { from: 0, to: 0, deletes: 0, updates: 0, bytes: 0, sample: [] }
  return { code: 'ROOT_CHANGED', message, since, fingerprint: 'folder-2', ...nothing }
}
