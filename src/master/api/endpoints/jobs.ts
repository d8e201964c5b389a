import { z } from 'zod'

import { objectReference } from '../../policy-schema.ts'
import { listJobEntries } from '../../use-cases/job-entries.ts'
import {
  approveJob,
  cancelJob,
  getJob,
  listJobTargets,
  listJobs,
  retryJob,
} from '../../use-cases/jobs.ts'
import { type Endpoint, anyOf, endpoint, pageQuery } from '../endpoint.ts'
import {
  entryState,
  job,
  jobEntry,
  jobKind,
  jobState,
  jobTarget,
  pageOf,
  startedJob,
} from '../objects.ts'

const tag = 'Jobs'
const WAIT_S_MAX = 60
const STATES = ['queued', 'running', 'held', 'done', 'partial', 'failed', 'cancelled'] as const

const readEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/jobs',
    action: 'jobs.read',
    tag,
    summary: 'Lists jobs, newest first',
    query: z.strictObject({
      ...pageQuery,
      policyId: objectReference.optional(),
      serverId: objectReference.optional(),
      kind: anyOf(jobKind.options as ['initial', ...typeof jobKind.options]),
      state: anyOf(jobState.options as ['queued', ...typeof jobState.options]),
      from: z.iso.datetime().optional(),
      to: z.iso.datetime().optional(),
    }),
    result: pageOf(job),
    run: ({ context, query: { kind, state, from, to, ...query } }) =>
      listJobs(context, {
        ...query,
        kinds: kind,
        states: state,
        fromMs: from === undefined ? undefined : Date.parse(from),
        toMs: to === undefined ? undefined : Date.parse(to),
      }),
  }),
  endpoint({
    method: 'get',
    path: '/jobs/:id',
    action: 'jobs.read',
    tag,
    summary: 'Gives a job; with waitS, as soon as it has ended or the time is over',
    query: z.strictObject({ waitS: z.coerce.number().min(0).max(WAIT_S_MAX).default(0) }),
    result: job,
    run: ({ context, params, query }) => getJob(context, params['id'] ?? '', query.waitS * 1000),
  }),
  endpoint({
    method: 'get',
    path: '/jobs/:id/targets',
    action: 'jobs.read',
    tag,
    summary: 'Lists the targets of a job',
    query: z.strictObject({ ...pageQuery, state: anyOf([...STATES, 'skipped']) }),
    result: pageOf(jobTarget),
    run: ({ context, params, query: { state, ...query } }) =>
      listJobTargets(context, { ...query, jobId: params['id'] ?? '', states: state }),
  }),
  endpoint({
    method: 'get',
    path: '/jobs/:id/entries',
    action: 'jobs.read',
    tag,
    summary: 'Lists what a job carries, path by path',
    query: z.strictObject({
      ...pageQuery,
      serverId: objectReference.optional(),
      path: z.string().max(4096).optional(),
      state: anyOf(entryState.options as ['queued', ...typeof entryState.options]),
    }),
    result: pageOf(jobEntry),
    run: ({ context, params, query: { state, ...query } }) =>
      listJobEntries(context, { ...query, jobId: params['id'] ?? '', states: state }),
  }),
]

const actEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'post',
    path: '/jobs/:id/cancel',
    action: 'jobs.operate',
    tag,
    summary: 'Stops a job where it is; what is missing stays in the backlog',
    body: z.strictObject({}),
    status: 200,
    result: job,
    audit: { objectType: 'job' },
    run: ({ context, actor, params }) => cancelJob(context, actor, params['id'] ?? ''),
  }),
  endpoint({
    method: 'post',
    path: '/jobs/:id/retry',
    action: 'jobs.operate',
    tag,
    summary: 'Tries again what a job left behind',
    body: z.strictObject({}),
    status: 202,
    result: startedJob,
    audit: { objectType: 'job' },
    run: ({ context, actor, params }) => retryJob(context, actor, params['id'] ?? ''),
  }),
  endpoint({
    method: 'post',
    path: '/jobs/:id/approve',
    action: 'jobs.operate',
    tag,
    summary: 'Releases exactly what a hold showed',
    body: z.strictObject({ fingerprint: z.string().max(200) }),
    status: 200,
    result: job,
    audit: { objectType: 'job' },
    run: ({ context, actor, params, body }) =>
      approveJob(context, actor, { jobId: params['id'] ?? '', fingerprint: body.fingerprint }),
  }),
]

export const jobEndpoints: readonly Endpoint[] = [...readEndpoints, ...actEndpoints]
