import { z } from 'zod'

import { type Endpoint, endpoint } from '../endpoint.ts'
import { license } from '../objects.ts'

const tag = 'Licence'
const FILE_BYTES_MAX = 65_536

export const licenseEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/license',
    action: 'license.read',
    tag,
    summary: 'Gives the state of the licence, its limits and what is used of them',
    result: license,
    run: ({ context }) => context.licensing.view(),
  }),
  endpoint({
    method: 'post',
    path: '/license',
    action: 'license.change',
    tag,
    summary: 'Adds a licence file, given as the body; what it is, it says itself',
    body: z.string().min(1, 'it is empty').max(FILE_BYTES_MAX),
    plainBody: true,
    result: license,
    audit: { objectType: 'license' },
    run: async ({ context, actor, body }) => {
      await context.licensing.add([{ name: 'request body', text: body }], actor.name)
      return context.licensing.view()
    },
  }),
  endpoint({
    method: 'get',
    path: '/license/install-request',
    action: 'license.change',
    tag,
    summary: 'Gives the installation request to hand to the licence authority',
    result: z.object({ request: z.string() }),
    run: async ({ context }) => ({ request: await context.licensing.installRequest() }),
  }),
]
