import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { Met } from './met.ts'
import type { SimMaster } from './sim-master.ts'
import type { World } from './world.ts'

/** What everything that happens in one run works with. */
export interface Run {
  readonly world: World
  readonly dice: Dice
  readonly clock: SimClock
  readonly master: SimMaster
  /** What happened, in order. */
  readonly trace: string[]
  readonly met: Met
}
