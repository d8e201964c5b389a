import type { AgentMessageOf } from '../core/wire/control.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { WatcherFactory } from '../platform/watcher.ts'
import type { DetectionTimes } from './detection-limits.ts'
import type { OpenTree } from './source-disk.ts'

/** What detection is put together from. */
export interface CmsParts {
  readonly clock: Clock
  readonly log: Logger
  readonly times: DetectionTimes
  readonly openTree: OpenTree
  readonly watchers: WatcherFactory
  /** Makes a random id, for epochs. */
  readonly newId: () => string
  readonly onReport: (report: AgentMessageOf<'sourceReport'>) => void
  /** False where the page was not taken: it is offered again when the master says where it stands. */
  readonly onChanges: (page: AgentMessageOf<'changes'>) => boolean
}
