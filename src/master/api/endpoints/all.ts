import type { Endpoint } from '../endpoint.ts'
import { accountEndpoints } from './accounts.ts'
import { convergenceEndpoints } from './convergence.ts'
import { enrollmentTokenEndpoints } from './enrollment-tokens.ts'
import { hopRuleEndpoints } from './hop-rules.ts'
import { jobEndpoints } from './jobs.ts'
import { licenseEndpoints } from './licenses.ts'
import { policyEndpoints } from './policies.ts'
import { serverEndpoints } from './servers.ts'
import { topologyEndpoints } from './topology.ts'

/** The whole API but signing in and out, events, and what describes it. */
export const API_ENDPOINTS: readonly Endpoint[] = [
  ...topologyEndpoints,
  ...serverEndpoints,
  ...enrollmentTokenEndpoints,
  ...policyEndpoints,
  ...convergenceEndpoints,
  ...hopRuleEndpoints,
  ...jobEndpoints,
  ...licenseEndpoints,
  ...accountEndpoints,
]
