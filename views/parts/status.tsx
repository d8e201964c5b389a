/** How a state looks: a tone and a shape. The word beside it is the state itself, said for people. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'calm'
type Shape = 'disc' | 'ring' | 'half' | 'triangle' | 'cross' | 'bars' | 'clock' | 'turn' | 'dash'

interface Look {
  readonly tone: Tone
  readonly shape: Shape
  readonly word: string
}

const look = (tone: Tone, shape: Shape, word: string): Look => ({ tone, shape, word })

const LOOKS: Readonly<Record<string, Look>> = {
  // convergence
  converged: look('good', 'disc', 'In step'),
  behind: look('busy', 'half', 'Behind'),
  waiting: look('calm', 'clock', 'Waiting'),
  unknown: look('calm', 'ring', 'Unknown'),
  // servers
  up: look('good', 'disc', 'Up'),
  pending: look('calm', 'ring', 'Not seen yet'),
  degraded: look('warn', 'triangle', 'Degraded'),
  down: look('bad', 'cross', 'Down'),
  incompatible: look('bad', 'cross', 'Incompatible'),
  revoked: look('calm', 'dash', 'Revoked'),
  drained: look('calm', 'bars', 'Drained'),
  active: look('good', 'disc', 'Active'),
  // jobs, targets and entries
  queued: look('calm', 'clock', 'Queued'),
  running: look('busy', 'turn', 'Running'),
  held: look('warn', 'bars', 'Held'),
  done: look('good', 'disc', 'Done'),
  partial: look('warn', 'half', 'Partly done'),
  failed: look('bad', 'cross', 'Failed'),
  cancelled: look('calm', 'dash', 'Cancelled'),
  skipped: look('calm', 'dash', 'Skipped'),
  sent: look('busy', 'half', 'Sent'),
  applied: look('good', 'disc', 'Applied'),
  kept: look('calm', 'dash', 'Kept'),
  superseded: look('calm', 'dash', 'Superseded'),
  // policies
  enabled: look('good', 'disc', 'Active'),
  paused: look('calm', 'bars', 'Paused'),
  // licences
  valid: look('good', 'disc', 'Valid'),
  grace: look('warn', 'triangle', 'In grace'),
  expired: look('bad', 'cross', 'Expired'),
  invalid: look('bad', 'cross', 'Invalid'),
  missing: look('bad', 'ring', 'Missing'),
}

/** Gives the tone of a state; a state this version does not know is calm. */
export function toneOf(state: string): Tone {
  return LOOKS[state]?.tone ?? 'calm'
}

/** Gives the word for a state; a state this version does not know speaks for itself. */
export function wordOf(state: string): string {
  return LOOKS[state]?.word ?? state
}

export const StatusShape = ({ state }: { state: string }) => {
  const shape = LOOKS[state]?.shape ?? 'ring'
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" class={shape === 'turn' ? 'turning' : undefined}>
      {drawing(shape)}
    </svg>
  )
}

const line = { fill: 'none', stroke: 'currentColor', 'stroke-width': '2' } as const

function drawing(shape: Shape) {
  switch (shape) {
    case 'disc':
      return <circle cx="6" cy="6" r="5" fill="currentColor" />
    case 'ring':
      return <circle cx="6" cy="6" r="4.25" {...line} stroke-dasharray="2.2 2.2" />
    case 'half':
      return (
        <>
          <circle cx="6" cy="6" r="4.25" {...line} stroke-width="1.5" />
          <path d="M6 1.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor" />
        </>
      )
    case 'triangle':
      return <path d="M6 .75 11.5 11H.5z" fill="currentColor" />
    case 'cross':
      return (
        <path d="M3.5.5h5l3 3v5l-3 3h-5l-3-3v-5z M4 4l4 4M8 4 4 8" fill="currentColor" {...cut} />
      )
    case 'bars':
      return <path d="M2 1h3v10H2zM7 1h3v10H7z" fill="currentColor" />
    case 'clock':
      return (
        <>
          <circle cx="6" cy="6" r="4.75" {...line} stroke-width="1.5" />
          <path d="M6 3.25V6l1.9 1.2" {...line} stroke-width="1.5" />
        </>
      )
    case 'turn':
      return <path d="M6 1.25A4.75 4.75 0 1 1 1.25 6" {...line} stroke-linecap="round" />
    case 'dash':
      return <path d="M1.5 6h9" {...line} stroke-linecap="round" />
  }
}

const cut = { stroke: 'var(--surface)', 'stroke-width': '1.3' } as const

/** A state as shape, colour and word. */
export const Status = ({ state, word }: { state: string; word?: string }) => (
  <span class={`status tone-${toneOf(state)}`}>
    <StatusShape state={state} />
    {word ?? wordOf(state)}
  </span>
)

/** The same, for the head of a page. */
export const StatusPill = ({ state, word }: { state: string; word?: string }) => (
  <span class={`status status-pill tone-${toneOf(state)}`}>
    <StatusShape state={state} />
    {word ?? wordOf(state)}
  </span>
)
