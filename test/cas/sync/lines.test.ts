import { expect, test } from 'bun:test'

import { lines } from '../../../src/cas/sync-server/lines.ts'

async function linesOf(chunks: readonly (string | Uint8Array)[]): Promise<string[]> {
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
      controller.close()
    },
  })
  return Array.fromAsync(lines(stream))
}

const [lead, ...tail] = new TextEncoder().encode('ü')

test.each([
  ['nothing', [], []],
  ['one line', ['a\n'], ['a']],
  ['a line in pieces', ['a', 'b', 'c\nd', '\n'], ['abc', 'd']],
  ['several lines in one piece', ['a\n\nb\n'], ['a', '', 'b']],
  ['a letter in two pieces', [Uint8Array.of(lead ?? 0), Uint8Array.from(tail), '\n'], ['ü']],
  ['a line that was broken off', ['a\nb'], ['a']],
])('%s', async (_what, chunks, expected) => {
  expect(await linesOf(chunks)).toEqual(expected)
})
