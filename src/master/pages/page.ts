import type { Frame } from '../../../views/frame.ts'
import { AppError } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import type { AdminRequest } from '../api/request.ts'
import type { Action } from '../auth/permissions.ts'
import type { Actor } from '../context.ts'
import type { Form } from './form.ts'
import type { Visitor } from './frame.ts'
import type { Html } from './html.ts'

/** One visit of a page: who, and what the address says. */
export interface Visit {
  readonly context: AdminContext
  readonly request: AdminRequest
  readonly visitor: Visitor
  readonly actor: Actor
  readonly frame: Frame
  /** A part of the path; empty where there is none. */
  param(name: string): string
  /** A part of the query, trimmed; undefined where it is missing or empty. */
  query(name: string): string | undefined
}

/** A page that shows something. */
export interface ViewPage {
  readonly kind: 'view'
  readonly path: string
  readonly action: Action
  show(visit: Visit): Promise<Html>
}

export interface Act {
  readonly visit: Visit
  readonly form: Form
}

/** Where somebody is led after an act, and what is said there; or a page in its own right. */
export type Outcome =
  | { readonly to: string; readonly say?: string }
  | { readonly page: Html; readonly status?: 200 | 400 | 409 }

/** A form that is sent. */
export interface ActPage {
  readonly kind: 'act'
  readonly path: string
  readonly action: Action
  /** What is written to the audit; null where the work itself does that. */
  readonly objectType: string | null
  /** Where somebody is led when it is refused, if the browser does not say where he came from. */
  readonly fallback: string
  run(act: Act): Promise<Outcome>
}

export type Page = ViewPage | ActPage

/** Makes a page that shows something. */
export function view(path: string, action: Action, show: ViewPage['show']): ViewPage {
  return { kind: 'view', path, action, show }
}

/** Makes a page that does something. */
export function act(definition: Omit<ActPage, 'kind'>): ActPage {
  return { kind: 'act', ...definition }
}

/** A version that was sent along, so that a change of another one is refused. */
export function versionOf(text: string): number | undefined {
  if (text === '') return undefined
  const version = Number(text)
  if (!Number.isSafeInteger(version))
    throw new AppError('INVALID_REQUEST', `cannot read version "${text}"`)
  return version
}

/** A number that was typed; undefined where the field is empty, the text itself where it is none. */
export function numberOf(text: string): number | string | undefined {
  if (text === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}
