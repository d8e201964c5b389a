import type { MasterMessage } from '../../core/wire/control.ts'
import type { Writer } from '../db/database.ts'
import type { NewEvent } from '../events.ts'

/** One write of a batch. It may run again where the database was busy, so it holds values, not references to state. */
export type Statement = (writer: Writer) => Promise<unknown>

/** Something to tell an agent after the batch is durable. */
export interface Instruction {
  readonly serverId: string
  readonly message: MasterMessage | (() => Promise<MasterMessage>)
}

/**
 * What handling a batch of messages comes to. The handlers change the runtime at once and collect here what is to be
 * written, told and published; nothing leaves before everything is written.
 */
export class Work {
  readonly statements: Statement[] = []
  readonly instructions: Instruction[] = []
  readonly events: NewEvent[] = []
  /** Policies to plan again. */
  readonly dirty = new Set<string>()
  readonly nowMs: number
  readonly #waiting: { written: () => void; failed: (thrown: unknown) => void }[] = []

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  write(statement: Statement): void {
    this.statements.push(statement)
  }

  instruct(serverId: string, message: Instruction['message']): void {
    this.instructions.push({ serverId, message })
  }

  /** Whom to tell that the batch is durable, or that it is not. */
  onWritten(written: () => void, failed: (thrown: unknown) => void): void {
    this.#waiting.push({ written, failed })
  }

  written(): void {
    for (const waiting of this.#waiting) waiting.written()
  }

  failed(thrown: unknown): void {
    for (const waiting of this.#waiting) waiting.failed(thrown)
  }

  publish(event: NewEvent): void {
    this.events.push(event)
  }
}
