import { connect, createServer, type Socket } from 'node:net'

/** A line to a local port that can be frozen: connections stay open, and nothing comes through. */
export interface FreezingLine {
  readonly port: number
  /** Connections so far. */
  readonly connectionCount: number
  /** Freezes those that are there, for ever; others can be made. */
  forget(): void
  /** Ends those that are there; others can be made. */
  cut(): void
  freeze(): void
  thaw(): void
  stop(): void
}

export function startFreezingLine(targetPort: number): FreezingLine {
  const ends = new Set<Socket>()
  let isFrozen = false
  let connectionCount = 0
  let forgottenCount = 0
  const pass = (from: Socket, to: Socket): void => {
    const number = connectionCount
    ends.add(from)
    from.on('data', (bytes) => void (isFrozen || number <= forgottenCount || to.write(bytes)))
    from.on('error', () => undefined)
    from.on('close', () => {
      ends.delete(from)
      to.destroy()
    })
  }
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    connectionCount++
    pass(near, far)
    pass(far, near)
  }).listen(0, '127.0.0.1')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connectionCount() {
      return connectionCount
    },
    forget: () => {
      forgottenCount = connectionCount
    },
    cut: () => {
      for (const end of ends) end.destroy()
    },
    freeze: () => {
      isFrozen = true
    },
    thaw: () => {
      isFrozen = false
    },
    stop: () => {
      for (const end of ends) end.destroy()
      server.close()
    },
  }
}
