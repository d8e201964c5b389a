import { WriteGate } from '../../platform/write-gate.ts'
import type { MasterContext } from '../context.ts'
import { Work } from './work.ts'

type BatchContext = Pick<MasterContext, 'database' | 'clock' | 'log' | 'events' | 'fleet'>

export interface BatchHooks {
  /** Draws the conclusions from what a batch changed, before it is written. */
  readonly conclude: (work: Work) => void
  /** A batch could not be written, so memory is ahead of the database: reads it anew. */
  readonly recover: (work: Work) => Promise<void>
  /** A batch is through. */
  readonly settled: () => void
}

type Task = (work: Work) => void

interface Waiting {
  readonly task: Task
  /** The agent that it comes from; null for people and the master itself. */
  readonly serverId: string | null
}

/** Messages handled in one transaction: bounds how long one takes while agents send faster than the disk writes. */
const BATCH_MAX = 256

/**
 * Handles one thing at a time: what comes in is handled in batches, each in memory, then in one transaction, and only
 * then is anything told to anyone. A kill at any line loses nothing that was promised.
 */
export class Batches {
  readonly #context: BatchContext
  readonly #hooks: BatchHooks
  readonly #lane = new WriteGate()
  readonly #queue: Waiting[] = []
  #draining = false
  #stopped = false

  constructor(context: BatchContext, hooks: BatchHooks) {
    this.#context = context
    this.#hooks = hooks
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Ends taking in; what is being written is finished. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#queue.length = 0
    await this.#lane.idle()
  }

  /** Has a task handled after all that came before, on behalf of an agent where `serverId` names one. */
  enqueue(task: Task, serverId: string | null = null): void {
    if (this.#stopped) return
    this.#queue.push({ task, serverId })
    if (this.#draining) return
    this.#draining = true
    void this.#drain()
  }

  /** The same for a task with an outcome, which is given when it is durable. */
  async run<T>(task: (work: Work) => T): Promise<T> {
    return await new Promise((resolve, reject) => {
      this.enqueue((work) => {
        try {
          const value = task(work)
          work.onWritten(() => resolve(value), reject)
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        }
      })
    })
  }

  /** Runs work while no task is handled; what it collects is concluded, written and told at the end. */
  async exclusively<T>(work: (collected: Work) => Promise<T>): Promise<T> {
    return await this.#lane.run(async () => {
      const collected = new Work(this.#context.clock.nowMs())
      const value = await work(collected)
      try {
        await this.#finish(collected)
      } catch (thrown) {
        await this.#recover()
        throw thrown
      }
      return value
    })
  }

  /** Concludes, writes and tells what was collected. */
  async #finish(work: Work): Promise<void> {
    this.#hooks.conclude(work)
    await this.#commit(work)
    work.written()
    for (const event of work.events) this.#context.events.publish(event)
    await this.#tell(work)
    this.#hooks.settled()
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#lane.run(() => this.#runBatch(this.#queue.splice(0, BATCH_MAX)))
    }
    this.#draining = false
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    const work = new Work(this.#context.clock.nowMs())
    try {
      for (const { task } of batch) task(work)
      await this.#finish(work)
    } catch (thrown) {
      await this.#recover()
      if (batch.length === 1) return this.#giveUp(work, { thrown, serverId: batch[0]?.serverId })
      // One of them may be at fault: the others must not suffer for it.
      for (const one of batch) await this.#runBatch([one])
    }
  }

  /** The agent, cut off, says again what was not written when it is back. */
  #giveUp(work: Work, failed: { thrown: unknown; serverId: string | null | undefined }): void {
    const { log, fleet } = this.#context
    const { thrown, serverId } = failed
    log.error('writing a report failed', { serverId, error: thrown })
    work.failed(thrown)
    if (typeof serverId !== 'string') return
    fleet.disconnect(serverId, {
      code: 'INTERNAL',
      message: 'the master could not write that down',
    })
  }

  async #recover(): Promise<void> {
    const work = new Work(this.#context.clock.nowMs())
    try {
      await this.#hooks.recover(work)
      await this.#finish(work)
    } catch (thrown) {
      this.#context.log.error('reading the state of jobs failed', { error: thrown })
    }
  }

  async #commit(work: Work): Promise<void> {
    if (work.statements.length === 0) return
    await this.#context.database.write(async (writer) => {
      for (const statement of work.statements) await statement(writer)
    })
  }

  /** What cannot be told is not lost: the agent is told again when it is back. */
  async #tell(work: Work): Promise<void> {
    const { fleet, log } = this.#context
    for (const { serverId, message } of work.instructions) {
      try {
        const made = typeof message === 'function' ? await message() : message
        if (made.type === 'job') await fleet.configSettled()
        fleet.send(serverId, made)
      } catch (thrown) {
        log.error('telling an agent failed', { serverId, error: thrown })
      }
    }
  }
}
