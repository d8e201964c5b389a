import { AppError } from '../../src/core/base/errors.ts'
import { type AdminListener, startAdminListener } from '../../src/master/admin-listener.ts'
import type { AdminContext, Licensing } from '../../src/master/api/context.ts'
import { createApiToken } from '../../src/master/auth/api-tokens.ts'
import { createUser } from '../../src/master/auth/users.ts'
import { SYSTEM_ACTOR } from '../../src/master/context.ts'
import { countLicensedUse } from '../../src/master/license/usage.ts'
import type { UserRole } from '../../src/master/model.ts'
import { type TestMaster, startTestMaster } from './test-master.ts'

export const PASSWORD = 'correct horse battery'
export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly UserRole[]
const LIMITS = { regions: 10, groups: 10, cas: 50, cms: 10 }

/** A master with its admin listener on a real port, and one account with a token for each role, named as the role. */
export interface TestAdmin {
  readonly master: TestMaster
  readonly context: AdminContext
  readonly url: string
  readonly tokens: Readonly<Record<UserRole, string>>
  /** Licence files that were handed over. */
  readonly offered: string[]
  /** Sends a request to the API as a role, or as nobody. */
  call(role: UserRole | null, request: string, body?: unknown): Promise<Response>
  stop(): Promise<void>
}

export async function startTestAdmin(): Promise<TestAdmin> {
  const master = await startTestMaster()
  const offered: string[] = []
  const context: AdminContext = { ...master.context, licensing: licensing(master, offered) }
  const tokens: Partial<Record<UserRole, string>> = {}
  for (const role of ROLES) {
    await createUser(context, SYSTEM_ACTOR, { name: role, password: PASSWORD, role })
    const order = { user: `name:${role}`, name: 'test', days: 1 }
    tokens[role] = (await createApiToken(context, SYSTEM_ACTOR, order)).token
  }
  const listener: AdminListener = startAdminListener(context, {
    hostname: '127.0.0.1',
    port: 0,
    tls: null,
  })
  const made = tokens as Record<UserRole, string>
  return {
    master,
    context,
    url: listener.url,
    tokens: made,
    offered,
    call: (role, request, body) =>
      sendRequest(listener.url, { request, body, token: role === null ? null : made[role] }),
    stop: async () => {
      await listener.stop()
      await master.stop()
    },
  }
}

/** The licence of a test: what `FakeLicense` says, with real use; real files have tests of their own. */
function licensing(master: TestMaster, offered: string[]): Licensing {
  return {
    view: async () => {
      const { license, database } = master
      const used = await countLicensedUse(database.read)
      const current = license.current()
      const valid = current.state !== 'missing'
      return {
        ...current,
        code: valid ? null : 'LICENSE_MISSING',
        message: valid ? null : 'no licence file was added yet',
        limits: valid ? LIMITS : null,
        used,
        left: null,
        expiresAt: valid ? '2027-11-24T12:00:00.000Z' : null,
        graceUntil: valid ? '2027-12-08T12:00:00.000Z' : null,
        company: valid ? 'Example Company' : null,
        site: valid ? 'Main site' : null,
        siteId: valid ? 'site-1' : null,
        installationId: 'installation-1',
      }
    },
    add: async (files) => {
      for (const file of files) {
        if (!file.text.startsWith('licence'))
          throw new AppError('LICENSE_INVALID', `cannot add "${file.name}": it is no licence file`)
        offered.push(file.text)
      }
      master.license.set('valid')
    },
    installRequest: async () => 'request',
    assertLicensed: (action) => {
      if (master.license.state === 'missing')
        throw new AppError('LICENSE_MISSING', `cannot ${action}: no licence file was added yet`)
    },
  }
}

interface Sending {
  /** Method and path: `POST /regions`; a path outside the API begins with `//`. */
  readonly request: string
  readonly body: unknown
  readonly token: string | null
}

function sendRequest(url: string, { request, body, token }: Sending): Promise<Response> {
  const [method = 'GET', path = '/'] = request.split(' ')
  const address = path.startsWith('//') ? url + path.slice(1) : `${url}/api/v1${path}`
  return fetch(address, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
