import type { z } from 'zod'

import { AppError } from '../../core/base/errors.ts'

/** Gives what the schema makes of a value; UNKNOWN_FIELD or INVALID_REQUEST naming the first field that is wrong. */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const outcome = schema.safeParse(value)
  if (outcome.success) return outcome.data
  throw asAppError(outcome.error.issues)
}

function asAppError(issues: readonly z.core.$ZodIssue[]): AppError {
  const issue = mostTelling(issues)
  if (issue === undefined) return new AppError('INVALID_REQUEST', 'cannot read request')
  const field = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const name = [field, issue.keys[0]].filter(Boolean).join('.')
    return new AppError('UNKNOWN_FIELD', `cannot accept field "${name}": it is unknown`, {
      data: { field: name },
    })
  }
  const message = `cannot accept ${field === '' ? 'request' : `field "${field}"`}: ${lower(issue.message)}`
  return new AppError('INVALID_REQUEST', message, { data: { field } })
}

/** Of a union, the branch that went furthest knows best what was meant. */
function mostTelling(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [issue] = issues
  if (issue?.code !== 'invalid_union') return issue
  const [best] = [...issue.errors].sort((a, b) => a.length - b.length || depth(b) - depth(a))
  const inner = best === undefined ? undefined : mostTelling(best)
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] }
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return issues[0]?.path.length ?? 0
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
