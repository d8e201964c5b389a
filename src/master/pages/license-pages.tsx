import type { Hono } from 'hono'

import { LicensePage } from '../../../views/pages/license.tsx'
import { AppError } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import type { AdminEnv } from '../api/request.ts'
import { authorize } from '../auth/identity.ts'
import { type Act, type Outcome, type Page, type Visit, act, view } from './page.ts'

const FILE_BYTES_MAX = 65_536
const FILES_MAX = 10

async function showLicense({ context, frame }: Visit) {
  return <LicensePage frame={frame} license={await context.licensing.view()} />
}

async function addFiles({ visit, form }: Act): Promise<Outcome> {
  const files = form.files('files').filter((file) => file.size > 0)
  if (files.length === 0 || files.length > FILES_MAX)
    throw new AppError('INVALID_REQUEST', `cannot add licence files: choose 1 to ${FILES_MAX}`)
  const large = files.find((file) => file.size > FILE_BYTES_MAX)
  if (large !== undefined)
    throw new AppError(
      'REQUEST_TOO_LARGE',
      `cannot add the licence file "${large.name}": it is too large to be one`,
    )
  const offered = await Promise.all(
    files.map(async (file) => ({ name: file.name, text: await file.text() })),
  )
  await visit.context.licensing.add(offered, visit.actor.name)
  const { state } = await visit.context.licensing.view()
  return { to: '/license', say: state === 'valid' ? 'The licence is valid.' : 'The file is added.' }
}

export const licensePages: readonly Page[] = [
  view('/license', 'license.read', showLicense),
  act({
    path: '/license',
    action: 'license.change',
    objectType: 'license',
    fallback: '/license',
    run: addFiles,
  }),
]

/** The installation request as a file to carry to the licence authority. */
export function mountInstallRequest(app: Hono<AdminEnv>, context: AdminContext): void {
  app.get('/license/install-request', async (request) => {
    authorize(request.var.identity, 'license.change')
    return request.body(await context.licensing.installRequest(), 200, {
      'content-type': 'application/jwt',
      'content-disposition': 'attachment; filename="install-request.jwt"',
      'cache-control': 'no-store',
    })
  })
}
