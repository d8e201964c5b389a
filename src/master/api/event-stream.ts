import type { EventBus, EventType, MasterEvent } from '../events.ts'

/** Proxies cut what is silent for long. */
const HEARTBEAT_MS = 15_000
/** A reader that leaves so much unread is cut off; it comes back with the last id it has. */
const QUEUED_BYTES_MAX = 1 << 20

export interface EventFilter {
  readonly types: ReadonlySet<EventType> | null
  readonly policyId: string | null
  readonly serverId: string | null
}

/** Tells whether a reader asked for such an event. */
function fits(event: MasterEvent, filter: EventFilter): boolean {
  if (filter.types !== null && !filter.types.has(event.type)) return false
  if (filter.policyId !== null && event.policyId !== filter.policyId) return false
  return filter.serverId === null || event.serverIds.includes(filter.serverId)
}

export interface StreamSource {
  /** Asked from time to time: a stream ends with the session, the token or the role that it was opened with. */
  readonly mayGoOn: () => Promise<boolean>
  readonly heartbeatMs?: number
  /** What is sent first. */
  readonly first: readonly string[]
  /** Begins to hand over text; what comes back ends it. */
  start(send: (text: string) => void): () => void
}

/** Answers with a server-sent stream that lives until the reader goes. */
export function eventStream(source: StreamSource, signal: AbortSignal): Response {
  const encoder = new TextEncoder()
  let stop = (): void => undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string): void => {
          if ((controller.desiredSize ?? 0) <= 0) return end()
          controller.enqueue(encoder.encode(text))
        }
        const end = (): void => {
          stop()
          try {
            controller.close()
          } catch {
            // The reader has gone already: there is nothing left to close.
          }
        }
        send('retry: 1000\n\n')
        for (const text of source.first) send(text)
        const heartbeat = setInterval(() => {
          void source.mayGoOn().then((yes) => (yes ? send(': still here\n\n') : end()), end)
        }, source.heartbeatMs ?? HEARTBEAT_MS)
        const unsubscribe = source.start(send)
        stop = () => {
          clearInterval(heartbeat)
          unsubscribe()
          signal.removeEventListener('abort', end)
        }
        signal.addEventListener('abort', end, { once: true })
        if (signal.aborted) end()
      },
      cancel: () => stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: QUEUED_BYTES_MAX }),
  )
  return new Response(stream, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  })
}

/** The stream of `GET /events`: what was missed since `lastEventId` (or a `reset`), then everything that fits. */
export function busStream(
  bus: EventBus,
  request: {
    readonly filter: EventFilter
    readonly lastEventId: string | null
    readonly mayGoOn: () => Promise<boolean>
    readonly signal: AbortSignal
  },
): Response {
  const { filter, lastEventId, mayGoOn, signal } = request
  const missed = lastEventId === null ? [] : bus.since(lastEventId)
  const first =
    missed === null ? [RESET] : missed.filter((event) => fits(event, filter)).map(toText)
  // Nothing may happen between reading what was missed and subscribing: both are in this one turn of the loop.
  return eventStream(
    {
      first,
      mayGoOn,
      start: (send) =>
        bus.subscribe((event) => {
          if (fits(event, filter)) send(toText(event))
        }),
    },
    signal,
  )
}

const RESET = 'event: reset\ndata: {"type":"reset"}\n\n'

function toText(event: MasterEvent): string {
  const { id, type, at, objectId, version, data } = event
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ type, at, objectId, version, data })}\n\n`
}
