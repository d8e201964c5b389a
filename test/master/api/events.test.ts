import { afterAll, beforeAll, expect, test } from 'bun:test'

import { eventStream } from '../../../src/master/api/event-stream.ts'
import { type TestAdmin, startTestAdmin } from '../../fakes/test-admin.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

let admin: TestAdmin

beforeAll(async () => {
  admin = await startTestAdmin()
})

afterAll(async () => {
  await admin.stop()
  removeMasterFolders()
})

interface Message {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string | undefined
}

/** Follows the stream; `next` gives one message after the other. */
async function follow(query = '', lastEventId?: string) {
  const closing = new AbortController()
  const answer = await fetch(`${admin.url}/api/v1/events${query}`, {
    signal: closing.signal,
    headers: {
      authorization: `Bearer ${admin.tokens.viewer}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<Message> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2)
        const message = { id: field('id'), event: field('event'), data: field('data') }
        if (message.event !== undefined) return message
        continue
      }
      const part = await reader?.read()
      if (part === undefined || part.done) throw new Error('the stream ended')
      text += part.value
    }
  }
  return { next, close: () => closing.abort() }
}

const publish = (objectId: string, type: 'job' | 'server' = 'job') =>
  admin.context.events.publish({ type, objectId, data: {} })

test('events come as they happen, filtered by type', async () => {
  const stream = await follow('?types=server,policy')
  publish('job-1')
  publish('server-1', 'server')
  const message = await stream.next()
  expect(message.event).toBe('server')
  expect(JSON.parse(message.data ?? '')).toMatchObject({ type: 'server', objectId: 'server-1' })
  stream.close()
})

test('a reader that was cut off goes on after the last event it has', async () => {
  const first = await follow()
  publish('a')
  const { id } = await first.next()
  first.close()
  publish('b')
  publish('c')
  const second = await follow('', id)
  const objects = [await second.next(), await second.next()].map(
    ({ data }) => (JSON.parse(data ?? '') as { objectId: string }).objectId,
  )
  expect(objects).toEqual(['b', 'c'])
  second.close()
})

test('a reader that is too far behind, or knows another master, is told to start anew', async () => {
  const stream = await follow('', 'other-17')
  expect((await stream.next()).event).toBe('reset')
  stream.close()
})

test('a filter that is not known is refused', async () => {
  const answer = await admin.call('viewer', 'GET /events?types=nonsense')
  expect(await answer.json()).toMatchObject({ code: 'INVALID_REQUEST' })
})

test('a stream ends when whoever reads may not do so any more', async () => {
  let allowed = true
  let stopped = false
  const answer = eventStream(
    {
      first: [],
      heartbeatMs: 5,
      mayGoOn: () => Promise.resolve(allowed),
      start: () => () => {
        stopped = true
      },
    },
    new AbortController().signal,
  )
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('still here')) text += (await reader?.read())?.value ?? ''
  allowed = false
  while (!(await reader?.read())?.done) continue
  expect(stopped).toBe(true)
})
