import { accountPages } from './account-pages.tsx'
import { jobPages } from './job-pages.tsx'
import { licensePages } from './license-pages.tsx'
import { overviewPages } from './overview-pages.tsx'
import type { Page } from './page.ts'
import { policyPages } from './policy-pages.tsx'
import { serverPages } from './server-pages.tsx'
import { topologyPages } from './topology-pages.tsx'

/** Every page but signing in and out and the API's. */
export const PAGES: readonly Page[] = [
  ...overviewPages,
  ...serverPages,
  ...topologyPages,
  ...policyPages,
  ...jobPages,
  ...licensePages,
  ...accountPages,
]
