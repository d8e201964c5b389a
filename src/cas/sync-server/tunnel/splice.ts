import { TUNNEL_CHUNK_BYTES, TUNNEL_QUEUE_BYTES } from '../../../core/base/limits.ts'
import type { Failure } from '../../../core/base/result.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import type { LocalSocket } from '../../../platform/local-socket.ts'

/** A tunnel with its local end. */
export interface Splice {
  /** Ends both; the other side is told why, where there is something to tell. */
  close(reason: Failure | null): void
}

/**
 * Carries bytes between a local connection and a tunnel until either is closed, then closes the other. Whoever does not
 * take what comes holds up the one it comes from; `ended` is called once.
 */
export function splice(local: LocalSocket, tunnel: DataConnection, ended: () => void): Splice {
  let isHeld = false
  tunnel.handle({
    frame(frame) {
      if (frame.type === 'error') return tunnel.close()
      if (frame.type !== 'tunnelBytes')
        return tunnel.close({ code: 'PROTOCOL', message: `frame "${frame.type}" is not due` })
      local.write(frame.bytes)
      if (isHeld || local.queuedBytes <= TUNNEL_QUEUE_BYTES) return
      isHeld = true
      tunnel.pause(true)
    },
    closed() {
      local.close()
      ended()
    },
  })
  tunnel.expectWithin(null)
  local.handle({
    bytes(bytes) {
      for (let start = 0; start < bytes.length; start += TUNNEL_CHUNK_BYTES)
        tunnel.send({
          type: 'tunnelBytes',
          bytes: bytes.subarray(start, start + TUNNEL_CHUNK_BYTES),
        })
      if (tunnel.hasRoom) return
      local.pause(true)
      void tunnel.room().then(() => local.pause(false))
    },
    drained() {
      if (!isHeld) return
      isHeld = false
      tunnel.pause(false)
    },
    closed: () => tunnel.close(),
  })
  return { close: (reason) => tunnel.close(reason) }
}
