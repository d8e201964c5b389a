import type { DataConnection } from '../../../platform/data-connection.ts'
import type { TunnelTimes } from './times.ts'

/**
 * Gives signs of life on a connection that is silent otherwise, and closes it where none come back: what goes out on a
 * line that was cut is told to nobody. Gives what ends that.
 */
export function keepAlive(connection: DataConnection, times: TunnelTimes): () => void {
  let bytesReceived = connection.bytesReceived
  let missed = 0
  const look = (): void => {
    // Counted in looks and not by a clock: while this process did not run, nothing could come either.
    missed = connection.bytesReceived === bytesReceived ? missed + 1 : 0
    bytesReceived = connection.bytesReceived
    if (missed < times.missedMax) return connection.send({ type: 'alive' })
    connection.close({ code: 'PEER_UNREACHABLE', message: 'no sign of life' })
  }
  const timer = setInterval(look, times.aliveMs)
  return () => clearInterval(timer)
}
