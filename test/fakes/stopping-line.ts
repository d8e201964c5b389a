import { type Socket, connect, createServer } from 'node:net'

/** A line to a local port that counts what goes to it and lets only so much through. */
export interface StoppingLine {
  readonly port: number
  /** Bytes that went to the port over all connections. */
  readonly passedBytes: number
  /** Where new connections lead from now on, and how many bytes more come through. */
  lead(port: number, allowedBytes: number): void
  /** New connections wait until they are led somewhere. */
  hold(): void
  stop(): void
}

interface Lead {
  readonly port: number
  allowedBytes: number
}

export function startStoppingLine(): StoppingLine {
  const ends = new Set<Socket>()
  const waiting: Socket[] = []
  let to: Lead | null = null
  let passedBytes = 0
  const link = (from: Socket, other: Socket): void => {
    ends.add(from)
    from.on('error', () => undefined)
    from.on('close', () => {
      ends.delete(from)
      other.destroy()
    })
  }
  const open = (near: Socket, line: Lead): void => {
    const far = connect(line.port, '127.0.0.1')
    link(near, far)
    link(far, near)
    far.on('data', (bytes) => void near.write(bytes))
    near.on('data', (bytes) => {
      passedBytes += bytes.length
      line.allowedBytes -= bytes.length
      far.write(bytes)
      if (line.allowedBytes <= 0) near.pause()
    })
  }
  const server = createServer((near) => {
    if (to === null) waiting.push(near)
    else open(near, to)
  }).listen(0, '127.0.0.1')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get passedBytes() {
      return passedBytes
    },
    lead: (port, allowedBytes) => {
      to = { port, allowedBytes }
      for (const near of waiting.splice(0)) open(near, to)
    },
    hold: () => {
      to = null
    },
    stop: () => {
      for (const end of [...ends, ...waiting]) end.destroy()
      server.close()
    },
  }
}
