import type { ReadTree } from '../../core/apply/target-tree.ts'
import type { ByteString } from '../../core/base/byte-string.ts'
import type { Address } from '../../core/wire/control.ts'
import type { HostPort } from '../../platform/cli-options.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { SpawnChild } from '../child-process.ts'
import type { ConfigStore } from '../config-store.ts'
import type { SessionTimes } from '../control/session.ts'
import type { Identity } from '../identity.ts'
import type { HostRules } from './effective-config.ts'
import type { Detection, DetectionEvents, HostMonitor, OnFigures } from './seams.ts'

/** What an agent is put together from. */
export interface AgentParts {
  readonly identity: Identity
  readonly rules: HostRules
  readonly configStore: ConfigStore
  readonly startDetection: (events: DetectionEvents) => Promise<Detection>
  readonly startMonitor: (onFigures: OnFigures) => HostMonitor
  /** Null where this host does not receive. */
  readonly syncServer: SyncServerParts | null
  readonly openTree: (path: ByteString) => ReadTree
  /** The index that the Sync Server of this host writes. */
  readonly indexFile: string
  /** Where this agent is reached, as the master to be reached should be told. */
  readonly addresses: (master: URL, listen: HostPort) => Promise<readonly Address[]>
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly controlTimes?: SessionTimes
}

interface SyncServerParts {
  readonly spawn: SpawnChild
  readonly listen: HostPort
  /** Nobody can connect to this host: others reach it by the connections that it opens. */
  readonly dialsOut: boolean
}
