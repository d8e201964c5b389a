import { expect, test } from 'bun:test'

import { HostWatch } from '../../src/platform/host-watch.ts'
import type { TcpAnswers } from '../../src/platform/tcp-answers.ts'

/** When a watch says that the host is gone, by what each look finds; null for never. */
function goneAtMs(looks: readonly (readonly [nowMs: number, found: TcpAnswers])[]): number | null {
  const watch = new HostWatch(0)
  return looks.find(([nowMs, found]) => watch.isGone(nowMs, found))?.[0] ?? null
}

const every = (stepMs: number, untilMs: number, found: (nowMs: number) => TcpAnswers) =>
  Array.from({ length: untilMs / stepMs }, (_, index) => {
    const nowMs = (index + 1) * stepMs
    return [nowMs, found(nowMs)] as const
  })

test.each<[string, (nowMs: number) => TcpAnswers, number | null]>([
  ['nothing was sent', (nowMs) => ({ isWaiting: false, heardMs: nowMs }), null],
  ['all is answered within a second', () => ({ isWaiting: true, heardMs: 900 }), null],
  ['not a word', (nowMs) => ({ isWaiting: true, heardMs: nowMs }), 1500],
  [
    'the last word came after 3 s',
    (nowMs) => ({ isWaiting: true, heardMs: nowMs <= 3000 ? 100 : nowMs - 3000 }),
    4500,
  ],
  [
    'after an hour without anything to say, something is sent',
    (nowMs) => ({ isWaiting: nowMs > 1000, heardMs: 3_600_000 + nowMs }),
    2500,
  ],
])('%s', (_what, found, expected) => {
  expect(goneAtMs(every(250, 10_000, found))).toBe(expected)
})

test('a pause of this process says nothing about the other host', () => {
  const sent = { isWaiting: true, heardMs: 8000 }
  expect(
    goneAtMs([
      [250, { isWaiting: false, heardMs: 200 }],
      [8250, sent],
      [8500, sent],
    ]),
  ).toBeNull()
})
