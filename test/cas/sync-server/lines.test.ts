import { expect, test } from 'bun:test'

import { lines } from '../../../src/cas/sync-server/lines.ts'

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

test.each<[string, string[], string[]]>([
  ['nothing', [], []],
  ['one line', ['a\n'], ['a']],
  ['several in one chunk', ['a\nb\n\nc\n'], ['a', 'b', '', 'c']],
  ['one over several chunks', ['a', 'b', 'c\nd', '\n'], ['abc', 'd']],
  ['a character cut in two', ['\xc3', '\xbc\n'], ['ü']],
  ['a line without an end', ['a\nb'], ['a']],
])('%s', async (_what, given, expected) => {
  const seen: string[] = []
  for await (const line of lines(chunks(...given))) seen.push(line)
  expect(seen).toEqual(expected)
})
