import { randomUUID } from 'node:crypto'

import { type Clock, iso } from '../platform/clock.ts'

export type EventType = 'job' | 'server' | 'policy' | 'convergence' | 'hold' | 'alert' | 'license'

/** What changed, for pages and scripts that follow along: a hint to read the object again, with its gist in `data`. */
export interface MasterEvent {
  readonly id: string
  readonly type: EventType
  readonly at: string
  readonly objectId: string
  readonly version: number | null
  readonly policyId: string | null
  readonly serverIds: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

export type NewEvent = Omit<MasterEvent, 'id' | 'at' | 'policyId' | 'serverIds' | 'version'> &
  Partial<Pick<MasterEvent, 'policyId' | 'serverIds' | 'version'>>

const KEPT_MS = 600_000
/** Bounds memory where much happens within those ten minutes; whoever is further behind gets a `reset`. */
const KEPT_MAX = 20_000

/** The event bus: keeps ten minutes of events, so that a reader can go on where it was cut off. */
export class EventBus {
  /** Ids of another run of the master are never taken for ours. */
  readonly #run = randomUUID().slice(0, 8)
  readonly #clock: Clock
  readonly #listeners = new Set<(event: MasterEvent) => void>()
  #kept: { readonly atMs: number; readonly event: MasterEvent }[] = []
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Tells all listeners, in order. A listener must not throw and must not wait. */
  publish(news: NewEvent): void {
    const atMs = this.#clock.nowMs()
    const id = `${this.#run}-${++this.#count}`
    const blank = { policyId: null, serverIds: [], version: null }
    const event: MasterEvent = { ...blank, ...news, id, at: iso(atMs) }
    this.#kept.push({ atMs, event })
    this.#forget(atMs)
    for (const listener of this.#listeners) listener(event)
  }

  /** Calls the listener with every event from now on; the function that comes back ends it. */
  subscribe(listener: (event: MasterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The events after an id; null where that is too long ago or unknown, so that the reader must start anew. */
  since(id: string): readonly MasterEvent[] | null {
    const [run, number] = id.split('-')
    const after = Number(number)
    if (run !== this.#run || !Number.isSafeInteger(after) || after > this.#count) return null
    const oldest = this.#count - this.#kept.length + 1
    if (after + 1 < oldest) return null
    return this.#kept.slice(after + 1 - oldest).map((kept) => kept.event)
  }

  #forget(nowMs: number): void {
    let first = Math.max(0, this.#kept.length - KEPT_MAX)
    while ((this.#kept[first]?.atMs ?? nowMs) < nowMs - KEPT_MS) first++
    // Cutting the array is linear: do it rarely.
    if (first > 1000 || first === this.#kept.length) this.#kept = this.#kept.slice(first)
  }
}
