import type { Child } from 'hono/jsx'

import type { Notice } from '../frame.ts'
import type { TargetView } from '../types.ts'
import { plural } from './format.ts'

const SHAPES = {
  good: <path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5 8.2l2.1 2.1L11 6.2" />,
  warn: <path d="M8 2 14.5 13.5h-13zM8 6.5v3M8 11.6v.1" />,
  bad: <path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.75v4M8 11.1v.1" />,
  busy: <path d="M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 7.4v3.9M8 4.9v.1" />,
}

/** The drawing that goes with a message. */
const NoteShape = ({ tone }: { tone: 'good' | 'warn' | 'bad' | 'busy' }) => (
  <svg
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.5"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    {SHAPES[tone]}
  </svg>
)

/** A message that stands out: what happened, then what to do. */
export const Note = (props: { tone: 'good' | 'warn' | 'bad' | 'busy'; children: Child }) => (
  <div class={`note tone-${props.tone}`} role={props.tone === 'bad' ? 'alert' : 'status'}>
    <NoteShape tone={props.tone} />
    <div>{props.children}</div>
  </div>
)

/** What the last act did, or why it was refused. */
export const NoticeNote = ({ notice }: { notice: Notice }) => (
  <Note tone={notice.tone}>
    <p>{notice.text}</p>
    {notice.action === undefined ? null : <p>{notice.action}</p>}
  </Note>
)

/** The same error in a table cell: message, code, and what to do on hover. */
export const ReasonText = (props: {
  reason: { code: string; message: string; action?: string } | null
}) =>
  props.reason === null ? (
    <span class="faint">—</span>
  ) : (
    <span class="stack-tight">
      <span class="break">{props.reason.message}</span>
      <span class="hint">
        <code>{props.reason.code}</code>
        {props.reason.action === undefined ? null : ` ${props.reason.action}`}
      </span>
    </span>
  )

/** Why a target is as it is, and what of its entries it does not hold. */
export const TargetTexts = ({ target }: { target: Pick<TargetView, 'reason' | 'notes'> }) => (
  <span class="stack-tight">
    {target.reason === null && target.notes.length > 0 ? null : (
      <ReasonText reason={target.reason} />
    )}
    {target.notes.map(({ code, count, message, action }) => (
      <ReasonText
        reason={{ code, message: `${plural(count, 'entry', 'entries')}: ${message}`, action }}
      />
    ))}
  </span>
)
