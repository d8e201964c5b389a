import type { AgentMessage } from '../../core/wire/control.ts'

/**
 * What waits to go to the master. Reports say what is so: only the newest of each subject counts, and all are said again
 * on a new connection. Everything else answers or pages something the other side can ask for again; it waits in a
 * bounded line and is dropped with the connection, because the journal and the index are the true queues.
 */
export interface Outbox {
  /** False where the line is full: the caller offers it again later, or the master asks again. */
  put(message: AgentMessage): boolean
  /** The next message to send, or null. */
  next(): AgentMessage | null
  /** A new connection: forgets what was in the line and marks every report as unsaid. */
  restart(): void
  /** Drops the reports on subjects that the newest configuration no longer has. */
  retain(subjects: Subjects): void
  /** The newest report of each subject. */
  reports(): readonly AgentMessage[]
}

export interface Subjects {
  readonly sourceIds: ReadonlySet<string>
  readonly bindingIds: ReadonlySet<string>
}

/** Reports on jobs that ended are kept for a new connection, but not for ever: watermarks tell the same. */
const JOB_REPORTS_MAX = 1000
const LINE_MAX = 256

export function createOutbox(): Outbox {
  const reports = new Map<string, AgentMessage>()
  /** In order of sending. A report that is replaced while it waits keeps its place. */
  const waiting = new Map<string, AgentMessage>()
  let lineLength = 0
  let lineCount = 0
  let jobCount = 0

  const forget = (subject: string): void => {
    if (reports.get(subject)?.type === 'jobReport') jobCount--
    reports.delete(subject)
    waiting.delete(subject)
  }

  const putReport = (subject: string, message: AgentMessage): void => {
    const known = reports.delete(subject)
    reports.set(subject, message)
    waiting.set(subject, message)
    if (known || message.type !== 'jobReport') return
    jobCount++
    if (jobCount > JOB_REPORTS_MAX) forget(oldestJob(reports))
  }

  return {
    put(message) {
      const subject = subjectOf(message)
      if (subject !== null) {
        putReport(subject, message)
        return true
      }
      if (lineLength >= LINE_MAX) return false
      lineLength++
      waiting.set(`${LINE_PREFIX}${lineCount++}`, message)
      return true
    },
    next() {
      for (const [key, message] of waiting) {
        waiting.delete(key)
        if (key.startsWith(LINE_PREFIX)) lineLength--
        return message
      }
      return null
    },
    restart() {
      waiting.clear()
      lineLength = 0
      for (const [subject, message] of reports) waiting.set(subject, message)
    },
    retain(subjects) {
      for (const [subject, message] of reports) {
        if (!isKept(message, subjects)) forget(subject)
      }
    },
    reports: () => [...reports.values()],
  }
}

const LINE_PREFIX = 'line '

/** Reports are kept in order of age, so the first one on a job is the oldest. */
function oldestJob(reports: ReadonlyMap<string, AgentMessage>): string {
  for (const [subject, message] of reports) if (message.type === 'jobReport') return subject
  return ''
}

function subjectOf(message: AgentMessage): string | null {
  switch (message.type) {
    case 'sourceReport':
      return `source ${message.sourceId}`
    case 'targetReport':
      return `target ${message.bindingId}`
    case 'jobReport':
      return `job ${message.jobId} ${message.bindingId}`
    case 'hello':
    case 'changes':
    case 'filesListed':
    case 'flushed':
    case 'holdResolved':
    case 'filterTried':
    case 'figures':
    case 'goodbye':
      return null
  }
}

function isKept(message: AgentMessage, subjects: Subjects): boolean {
  if (message.type === 'sourceReport') return subjects.sourceIds.has(message.sourceId)
  if (message.type === 'targetReport') return subjects.bindingIds.has(message.bindingId)
  return true
}
