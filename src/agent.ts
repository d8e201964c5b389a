import type { Detection, DetectionEvents, OnFigures } from './cas/agent/seams.ts'
import { startReceiving } from './cas/apply/receiving.ts'
import { enrollCommand } from './cas/commands/enroll.ts'
import { type DetectionOptions, runCommand } from './cas/commands/run.ts'
import { statusCommand } from './cas/commands/status.ts'
import { syncServerCommand } from './cas/commands/sync-server.ts'
import { createCms } from './cms/cms.ts'
import { DETECTION_TIMES } from './cms/detection-limits.ts'
import { type ByteString, toText } from './core/base/byte-string.ts'
import { runAsProcess } from './platform/cli-process.ts'
import { iso, systemClock } from './platform/clock.ts'
import { readHost } from './platform/host-reading.ts'
import type { Logger } from './platform/log.ts'
import { openReadTree } from './platform/trees.ts'
import { agentVersionDetails } from './platform/version-details.ts'
import { VERSION } from './platform/version.ts'
import { createWatchers } from './platform/watchers.ts'
import { Monitor } from './sm/monitor.ts'
import { spawnSelf, startInotifyWorker } from './spawn.ts'

/** The journals of all sources on this host, in the data folder. Only the agent process writes them. */
const JOURNAL_FILE = 'journal.db'

/** How often a host's figures are told. */
const MONITOR_EVERY_MS = 5000

const openTree = (path: ByteString) => openReadTree(toText(path).text)

function startDetection(options: DetectionOptions, events: DetectionEvents): Promise<Detection> {
  const { directory, log } = options
  const cms = createCms({
    databaseFile: directory.file(JOURNAL_FILE),
    clock: systemClock,
    log: log.child({ part: 'cms' }),
    times: DETECTION_TIMES,
    openTree,
    watchers: createWatchers(options.watcher, startInotifyWorker),
    newId: () => crypto.randomUUID(),
    ...events,
  })
  return Promise.resolve(cms)
}

function startMonitor(log: Logger, onFigures: OnFigures): Monitor {
  return new Monitor({
    clock: systemClock,
    log: log.child({ part: 'sm' }),
    everyMs: MONITOR_EVERY_MS,
    read: (roots) => readHost(roots, systemClock.nowMs()),
    onFigures: (atMs, figures) => onFigures({ at: iso(atMs), ...figures }),
  })
}

await runAsProcess({
  name: 'cd-agent',
  version: VERSION,
  versionDetails: agentVersionDetails,
  summary:
    'Watches the sources on this host, sends their changes to other agents, and receives theirs.',
  commands: [
    enrollCommand,
    runCommand({
      startDetection,
      startMonitor,
      spawnSyncServer: (directory, logLevel) => (onLine) =>
        spawnSelf(['sync-server', '--dir', directory.path, '--log-level', logLevel], onLine),
      openTree,
      canReceive: process.platform === 'linux',
    }),
    statusCommand,
    syncServerCommand(startReceiving),
  ],
})
