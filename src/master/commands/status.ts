import { z } from 'zod'

import { AppError, ERRORS, type ErrorCode } from '../../core/base/errors.ts'
import { type Command, defineCommand } from '../../platform/cli-command.ts'
import {
  required,
  secret,
  text,
  url,
  wholeNumber,
  withDefault,
} from '../../platform/cli-options.ts'

const TIMEOUT_MS = 10_000

const target = z.object({
  serverId: z.string(),
  state: z.string(),
  lagMs: z.number(),
  reason: z.object({ code: z.string() }).nullable(),
})
const convergence = z.object({
  policyName: z.string(),
  converged: z.boolean(),
  targets: z.array(target),
})
const convergencePage = z.object({ items: z.array(convergence), nextCursor: z.string().nullable() })
const serverPage = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string() })),
  nextCursor: z.string().nullable(),
})
const problem = z.object({ code: z.string(), detail: z.string() })

type PolicyStatus = z.infer<typeof convergence>

/** `cd-master status`: one line a policy, and an exit status for scripts. */
export const statusCommand: Command = defineCommand({
  name: 'status',
  summary: 'Say how far each policy has come, one line each',
  description: [
    'Exit status 0 where everything is identical, or lags no more than --max-lag-s; else 1.',
  ],
  options: {
    policy: text('NAME', 'Only this policy'),
    maxLagS: wholeNumber('How many seconds a target may lag', { min: 0, max: 31_536_000 }),
    url: withDefault(
      url(['http', 'https'], 'The admin listener'),
      new URL('http://127.0.0.1:7400'),
      'http://127.0.0.1:7400',
    ),
    token: required(secret('TOKEN', 'An API token')),
  },
  printsData: true,
  examples: ['cd-master status --token-file token --max-lag-s 60'],
  run: async ({ policy, maxLagS, url: address, token }, { show, signal }) => {
    const api = { address, token, signal }
    const all = await readAll(api, { path: '/convergence', page: convergencePage })
    const items = policy === undefined ? all : all.filter((item) => item.policyName === policy)
    if (policy !== undefined && items.length === 0) {
      throw new AppError('NOT_FOUND', `cannot find policy "${policy}"`)
    }
    const servers = await readAll(api, { path: '/servers', page: serverPage })
    const names = new Map(servers.map((server) => [server.id, server.name]))
    show(items, items.map((item) => lineOf(item, names)).join('\n'))
    return items.every((item) => isFine(item, maxLagS)) ? 0 : 1
  },
})

function isFine(item: PolicyStatus, maxLagS: number | undefined): boolean {
  if (item.converged) return true
  if (maxLagS === undefined) return false
  const bad = ['failed', 'held', 'unknown']
  return item.targets.every(({ state, lagMs }) => !bad.includes(state) && lagMs <= maxLagS * 1000)
}

/** `web: 41/42 identical, oldest gap eu-3 71 s DISK_FULL` */
function lineOf(item: PolicyStatus, names: ReadonlyMap<string, string>): string {
  const { policyName, targets } = item
  const identical = targets.filter(({ state }) => state === 'converged').length
  const head = `${policyName}: ${identical}/${targets.length} identical`
  const [worst] = targets
    .filter(({ state }) => state !== 'converged')
    .toSorted((a, b) => b.lagMs - a.lagMs)
  if (worst === undefined) return head
  const seconds = Math.round(worst.lagMs / 1000)
  const name = names.get(worst.serverId) ?? worst.serverId
  const reason = worst.reason === null ? worst.state : worst.reason.code
  return `${head}, oldest gap ${name} ${seconds} s ${reason}`
}

interface Api {
  readonly address: URL
  readonly token: string
  readonly signal: AbortSignal
}

async function readAll<T>(
  api: Api,
  list: {
    readonly path: string
    readonly page: z.ZodType<{ items: T[]; nextCursor: string | null }>
  },
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ limit: '500', ...(cursor === null ? {} : { cursor }) })
    const page = list.page.parse(await get(api, `/api/v1${list.path}?${query.toString()}`))
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

async function get(api: Api, path: string): Promise<unknown> {
  const response = await request(api, new URL(path, api.address))
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return body
  const parsed = problem.safeParse(body)
  if (parsed.success && isErrorCode(parsed.data.code)) {
    throw new AppError(parsed.data.code, `cannot read the status: ${parsed.data.detail}`)
  }
  const message = `cannot read the status: the master answered ${response.status}`
  throw new AppError('MASTER_UNREACHABLE', message)
}

async function request({ token, signal }: Api, target: URL): Promise<Response> {
  try {
    return await fetch(target, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    const message = `cannot reach the master at ${target.origin}: ${why}`
    throw new AppError('MASTER_UNREACHABLE', message, { cause: thrown })
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}
