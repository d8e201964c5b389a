import { describe, expect, test } from 'bun:test'

import { Intake, type IntakeHost } from '../../../src/cas/sync-server/intake.ts'
import { type Result, success } from '../../../src/core/base/result.ts'
import type { ReceiverStep } from '../../../src/core/transfer/receiver.ts'
import type { Frame } from '../../../src/core/wire/frame.ts'
import { eventually } from '../../fakes/eventually.ts'

const STEP: ReceiverStep = { replies: [], outcome: null, ended: false }
const bytes = (length: number) => new Uint8Array(length).fill(7)
const pack = (length: number): Frame => ({
  type: 'pack',
  block: { compression: 'none', plainBytes: length, bytes: bytes(length) },
})
const BEGIN: Frame = { type: 'fileBegin', index: 1 }

/** A receiver that works on every `fileBegin` until it is let go, and notes what it takes. */
class SlowReceiver {
  readonly taken: string[] = []
  isLetGo = false
  isWorking = false
  advances = 0

  receive(frame: Frame): Result<ReceiverStep> {
    const first = 'block' in frame ? frame.block.bytes[0] : ''
    this.taken.push(`${frame.type}${first}`)
    this.isWorking = frame.type === 'fileBegin'
    return success(STEP)
  }

  advance(): Result<ReceiverStep | null> {
    this.advances++
    if (!this.isLetGo) return success(null)
    this.isWorking = false
    return success(STEP)
  }
}

function rig() {
  const receiver = new SlowReceiver()
  const holds: boolean[] = []
  let steps = 0
  const host: IntakeHost = {
    guard: (step) => {
      const result = step()
      return result.ok ? result.value : null
    },
    taken: () => void steps++,
    hold: (isHeld) => void holds.push(isHeld),
    alive: () => undefined,
  }
  return { receiver, holds, intake: new Intake(receiver, host), steps: () => steps }
}

describe('an intake', () => {
  test('hands a frame on at once where nothing is worked on', () => {
    const { intake, receiver, steps } = rig()
    intake.take(pack(1))
    intake.take(pack(1))
    expect(receiver.taken).toEqual(['pack7', 'pack7'])
    expect(steps()).toBe(2)
  })

  test('lets frames wait while a set is worked on, in order, with bytes of their own', async () => {
    const { intake, receiver } = rig()
    intake.take(BEGIN)
    const late = pack(3)
    intake.take(late)
    if ('block' in late) late.block.bytes.fill(9)
    intake.take({ type: 'fileEnd', whole: true })
    expect(receiver.taken).toEqual(['fileBegin'])
    await eventually('others had their turn', () => receiver.advances > 10)
    expect(receiver.taken).toEqual(['fileBegin'])
    receiver.isLetGo = true
    await eventually('all taken', () => receiver.taken.length === 3)
    expect(receiver.taken).toEqual(['fileBegin', 'pack7', 'fileEnd'])
  })

  test('holds the sender where too much waits, and lets it come when half of that is gone', async () => {
    const { intake, receiver, holds } = rig()
    intake.take(BEGIN)
    for (let index = 0; index < 8; index++) intake.take(pack(1 << 20))
    expect(holds).toEqual([true])
    receiver.isLetGo = true
    await eventually('all taken', () => receiver.taken.length === 9)
    expect(holds).toEqual([true, false])
  })

  test('ends what was begun when its sender is gone, and takes nothing that waits', async () => {
    const { intake, receiver, holds, steps } = rig()
    intake.take(BEGIN)
    for (let index = 0; index < 9; index++) intake.take(pack(1 << 20))
    let isEnded = false
    const ended = intake.end().then(() => (isEnded = true))
    await eventually('it goes on', () => receiver.advances > 10)
    expect(isEnded).toBe(false)
    receiver.isLetGo = true
    await ended
    intake.take(pack(1))
    expect(receiver.taken).toEqual(['fileBegin'])
    expect(steps()).toBe(2)
    expect(holds).toEqual([true, false])
  })

  test('that is closed does nothing more', async () => {
    const { intake, receiver, steps } = rig()
    intake.take(BEGIN)
    intake.take(pack(1))
    await eventually('it works', () => receiver.advances > 10)
    intake.close()
    const { advances } = receiver
    receiver.isLetGo = true
    await intake.end()
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(receiver.advances).toBe(advances)
    expect(receiver.taken).toEqual(['fileBegin'])
    expect(steps()).toBe(1)
  })

  test('that has nothing to do ends at once', async () => {
    const { intake, receiver } = rig()
    await intake.end()
    expect(receiver.taken).toEqual([])
  })
})
