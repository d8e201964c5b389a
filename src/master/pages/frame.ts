import { getCookie } from 'hono/cookie'

import type { Frame, Theme } from '../../../views/frame.ts'
import type { AdminContext } from '../api/context.ts'
import type { AdminRequest } from '../api/request.ts'
import type { Person } from '../auth/identity.ts'
import { mayDo } from '../auth/permissions.ts'
import { ASSETS } from './assets.ts'
import { takeNotice } from './notice.ts'

export const THEME_COOKIE = 'cd_theme'

export type Visitor = Extract<Person, { kind: 'session' }>

/** Gathers what every page knows beside its own matter. */
export function frameOf(context: AdminContext, request: AdminRequest, visitor: Visitor): Frame {
  const { actor, session } = visitor
  const { state, code, expiresAt, graceUntil } = context.license.current()
  const url = new URL(request.req.url)
  return {
    url: url.pathname + url.search,
    nowMs: context.clock.nowMs(),
    account: { id: actor.userId ?? '', name: actor.name, role: actor.role },
    csrf: session.csrfToken,
    theme: themeOf(request),
    assets: ASSETS,
    license: { state, code, expiresAt, graceUntil },
    notice: takeNotice(request),
    may: {
      operate: mayDo('policies.operate', actor.role),
      administer: mayDo('policies.change', actor.role),
    },
  }
}

/** The colours somebody chose; by default those of the system. */
export function themeOf(request: AdminRequest): Theme {
  const chosen = getCookie(request, THEME_COOKIE)
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
}
