import { describe, expect, test } from 'bun:test'

import { fromText } from '../../../src/core/base/byte-string.ts'
import { AppError } from '../../../src/core/base/errors.ts'
import {
  type Root,
  assertRootsApart,
  rootPath,
  shownPath,
} from '../../../src/master/policies/roots.ts'

const root = (policyId: string, role: Root['role'], at: string): Root => {
  const [place = '', path = ''] = at.split(':')
  return { policyId, policyName: policyId, role, place, path }
}

function codeOf(roots: readonly Root[]): string | null {
  try {
    assertRootsApart(roots)
    return null
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : 'unexpected'
  }
}

/** `p source a:/x` stands for policy p having a source at /x of server a. */
function parse(line: string): Root {
  const [policy = '', role = '', at = ''] = line.split(' ')
  return root(policy, role === 'source' ? 'source' : 'target', at)
}

describe('roots that may meet and roots that may not', () => {
  const table: readonly (readonly [string, readonly string[], string | null])[] = [
    ['two sources in one folder', ['p source a:/x', 'q source a:/x'], null],
    ['a source within a source', ['p source a:/x', 'q source a:/x/y'], null],
    ['neighbours with one beginning', ['p target a:/x', 'q target a:/xy'], null],
    [
      'neighbours around a longer name',
      ['p target a:/x', 'q target a:/x-y', 'r target a:/x.z'],
      null,
    ],
    ['one folder on two servers', ['p target a:/x', 'q target b:/x'], null],
    ['two targets in one folder', ['p target a:/x', 'q target a:/x'], 'ROOT_OVERLAP'],
    ['a target within a target', ['p target a:/x/y', 'q target a:/x'], 'ROOT_OVERLAP'],
    [
      'within, with a neighbour sorted between',
      ['p target a:/x', 'q source a:/x-y', 'r source a:/x/z'],
      'ROOT_OVERLAP',
    ],
    ['a target below /', ['p source a:/', 'q target a:/x'], 'ROOT_OVERLAP'],
    [
      'a source that is a target elsewhere',
      ['p source a:/x', 'p target b:/y', 'q source b:/y', 'q target c:/z'],
      'ROOT_OVERLAP',
    ],
    ['one policy into its own source', ['p source a:/x', 'p target a:/x/y'], 'ROOT_OVERLAP'],
    ['one policy, server and group come to the same', ['p target a:/x', 'p target a:/x'], null],
    [
      'there and back',
      ['p source a:/x', 'p target b:/y', 'q source b:/y', 'q target a:/x'],
      'POLICY_CYCLE',
    ],
    [
      'round three',
      [
        'p source a:/x',
        'p target b:/x',
        'q source b:/x',
        'q target c:/x',
        'r source c:/x/y',
        'r target a:/x',
      ],
      'POLICY_CYCLE',
    ],
    [
      'there and back in other folders',
      ['p source a:/x', 'p target b:/y', 'q source b:/z', 'q target a:/w'],
      null,
    ],
  ]
  test.each(table)('%s', (_, lines, code) => {
    expect(codeOf(lines.map(parse))).toBe(code)
    expect(codeOf(lines.map(parse).toReversed())).toBe(code)
  })
})

describe('paths as they are kept and shown', () => {
  test.each([
    ['/srv/web/', '/srv/web'],
    ['//srv///web', '/srv/web'],
    ['/', '/'],
    ['/a b/ü', '/a b/ü'],
  ])('%s is %s', (path, kept) => {
    expect(rootPath({ path })).toBe(fromText(kept))
    expect(shownPath(rootPath({ path }))).toEqual({ path: kept })
  })

  test.each(['/a/../b', '/..', '/a/./b', 'a/b', ''])('%s is refused', (path) => {
    expect(() => rootPath({ path })).toThrow(AppError)
  })

  test('bytes that are not UTF-8 come back exactly', () => {
    const pathBytes = Buffer.from('/srv/\u00ff', 'latin1').toString('base64')
    const kept = rootPath({ path: '/srv/?', pathBytes })
    expect(shownPath(kept)).toEqual({ path: '/srv/\ufffd', pathBytes })
  })
})
