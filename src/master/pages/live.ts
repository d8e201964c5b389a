import type { Hono } from 'hono'

import type { AdminContext } from '../api/context.ts'
import { eventStream } from '../api/event-stream.ts'
import { type AdminEnv, stillMay } from '../api/request.ts'
import { authorize } from '../auth/identity.ts'
import type { EventBus, EventType } from '../events.ts'

/** Many events of one kind become one word to the page, at most so often. */
const GATHER_MS = 400
const ALL_TYPES: readonly EventType[] = [
  'job',
  'server',
  'policy',
  'convergence',
  'hold',
  'alert',
  'license',
]

/** What pages listen to: not what happened, only that something of a kind did, so that they read themselves again. */
export function mountLive(app: Hono<AdminEnv>, context: AdminContext, closing: AbortSignal): void {
  app.get('/live', (request) => {
    authorize(request.var.identity, 'account.read')
    const lastEventId = request.req.header('last-event-id') ?? null
    const source = {
      mayGoOn: stillMay(context, request, 'account.read'),
      first: missedTypes(context.events, lastEventId).map((type) => word(type, lastEventId ?? '')),
      start: (send: (text: string) => void) => gather(context.events, send),
    }
    return eventStream(source, AbortSignal.any([closing, request.req.raw.signal]))
  })
}

function missedTypes(bus: EventBus, lastEventId: string | null): readonly EventType[] {
  if (lastEventId === null) return []
  const missed = bus.since(lastEventId)
  return missed === null ? ALL_TYPES : [...new Set(missed.map((event) => event.type))]
}

/** Sends the first of a quiet time at once, and gathers what follows close behind. */
function gather(bus: EventBus, send: (text: string) => void): () => void {
  const waiting = new Map<EventType, string>()
  let timer: ReturnType<typeof setTimeout> | null = null
  const flush = (): void => {
    timer = null
    if (waiting.size === 0) return
    for (const [type, id] of waiting) send(word(type, id))
    waiting.clear()
    timer = setTimeout(flush, GATHER_MS)
  }
  const unsubscribe = bus.subscribe(({ type, id }) => {
    waiting.set(type, id)
    if (timer === null) flush()
  })
  return () => {
    unsubscribe()
    if (timer !== null) clearTimeout(timer)
  }
}

function word(type: EventType, id: string): string {
  return `id: ${id}\nevent: cd-${type}\ndata: ${type}\n\n`
}
