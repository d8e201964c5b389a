import { type Socket, connect, createServer } from 'node:net'

/** Which way bytes go. */
type Direction = 'toServer' | 'toClient'

/** What becomes of a chunk on its way; null for nothing. */
export type Meddle = (bytes: Buffer, direction: Direction) => Buffer | null

/** A line to a local port that keeps all that passes, and may change it. */
export interface RecordingLine {
  readonly port: number
  /** Everything that came in from one side, over all connections. */
  recorded(direction: Direction): Buffer
  stop(): void
}

export function startRecordingLine(
  targetPort: number,
  meddle: Meddle = (bytes) => bytes,
): RecordingLine {
  const ends = new Set<Socket>()
  const records: Record<Direction, Buffer[]> = { toServer: [], toClient: [] }
  const pass = (from: Socket, to: Socket, direction: Direction): void => {
    ends.add(from)
    from.on('data', (bytes: Buffer) => {
      records[direction].push(Buffer.from(bytes))
      const passed = meddle(bytes, direction)
      if (passed !== null && !to.write(passed)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      ends.delete(from)
      to.end()
    })
  }
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    pass(near, far, 'toServer')
    pass(far, near, 'toClient')
  }).listen(0, '127.0.0.1')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    recorded: (direction) => Buffer.concat(records[direction]),
    stop: () => {
      for (const end of ends) end.destroy()
      server.close()
    },
  }
}
