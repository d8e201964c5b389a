import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { z } from 'zod'

import type { Notice } from '../../../views/frame.ts'
import { type AppError, ERRORS, toAppError } from '../../core/base/errors.ts'
import type { AdminRequest } from '../api/request.ts'

const COOKIE = 'cd_notice'
const TEXT_MAX = 1000

const schema = z.object({
  tone: z.enum(['good', 'bad', 'warn']),
  text: z.string().max(TEXT_MAX),
  action: z.string().max(TEXT_MAX).optional(),
})

/** Keeps a message for the next page that is shown. */
export function leaveNotice(request: AdminRequest, notice: Notice): void {
  const short = { ...notice, text: notice.text.slice(0, TEXT_MAX) }
  setCookie(request, COOKIE, Buffer.from(JSON.stringify(short)).toString('base64url'), {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: 60,
  })
}

/** Takes the message that was left, which is then gone; a part that is read again by itself leaves it alone. */
export function takeNotice(request: AdminRequest): Notice | null {
  const cookie = getCookie(request, COOKIE)
  if (cookie === undefined || request.req.header('hx-request') !== undefined) return null
  deleteCookie(request, COOKIE, { path: '/' })
  try {
    const { action, ...notice } = schema.parse(
      JSON.parse(Buffer.from(cookie, 'base64url').toString()),
    )
    return action === undefined ? notice : { ...notice, action }
  } catch {
    // Whoever changes his own cookie sees no message.
    return null
  }
}

/** What a person reads of an error; INTERNAL stays inside. */
export function errorNotice(thrown: unknown): Notice {
  return { tone: 'bad', ...wordsOf(toAppError(thrown)) }
}

/** What was attempted and failed, as a sentence; and what to do. */
export function wordsOf(error: AppError): { readonly text: string; readonly action: string } {
  return { text: `${sentence(error)}.`, action: ERRORS[error.code].action }
}

/** The message of an error as a sentence without its period. */
export function sentence(error: AppError): string {
  const text = error.code === 'INTERNAL' ? 'something went wrong inside' : error.message
  return text.charAt(0).toUpperCase() + text.slice(1)
}
