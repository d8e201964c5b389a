/** Longer lines than this are no messages of ours. */
const LINE_BYTES_MAX = 32 << 20

/**
 * Gives each line of a stream of UTF-8 text, without its line end; what follows the last line end is dropped, because a
 * writer that was killed may have cut it off. Throws an Error where a line is longer than 32 MiB.
 */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest: string[] = []
  let restLength = 0
  for await (const chunk of stream) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      yield rest.join('') + part
      rest = []
      restLength = 0
    }
    rest.push(last)
    restLength += last.length
    if (restLength > LINE_BYTES_MAX) throw new Error('a line is longer than 32 MiB')
  }
}
