// Writes docs/errors.md from the codes that the programs know: `bun scripts/error-table.ts`.
import { join } from 'node:path'

import { ERRORS } from '../src/core/base/errors.ts'

const HEAD = `# Error codes

A code is never renamed: it stands in logs, JSON answers, the last words of a command in brackets, and reasons of targets and jobs.
\`GET /api/v1/errors\` gives the same list. The status is that of the JSON API where it answers with the code.

| code | status | what to do |
| --- | --- | --- |
`

/** The page of all error codes, as it must stand in docs/errors.md. */
export function errorTable(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, action }]) => `| \`${code}\` | ${status} | ${action} |\n`,
  )
  return HEAD + rows.toSorted().join('')
}

if (import.meta.main) {
  await Bun.write(join(import.meta.dir, '..', 'docs', 'errors.md'), errorTable())
}
