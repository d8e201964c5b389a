import { AppError } from '../../core/base/errors.ts'

/** A configuration of 100,000 targets stays below this; more is no configuration. */
const LINE_BYTES_MAX = 256 << 20
const NEWLINE = 0x0a

/** Cuts a stream of UTF-8 into lines; a last one that was broken off is left out. */
export async function* lines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = []
  let partsBytes = 0
  for await (const chunk of stream) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      if (end === -1) break
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8')
      parts = []
      partsBytes = 0
      start = end + 1
    }
    parts.push(chunk.slice(start))
    partsBytes += chunk.length - start
    if (partsBytes > LINE_BYTES_MAX)
      throw new AppError('PROTOCOL', `cannot read a line of over ${LINE_BYTES_MAX} bytes`)
  }
}
