import type { FilterTrialView } from '../../../views/pages/filter-trial.tsx'
import type { PolicyFormValues } from '../../../views/pages/policy-form-values.ts'
import { PolicyFormPage } from '../../../views/pages/policy-form.tsx'
import { AppError } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import { parseRequest } from '../api/parse.ts'
import { audited } from '../auth/audit.ts'
import type { Policy } from '../model.ts'
import { policyFields } from '../policy-schema.ts'
import { createPolicy, getPolicy, updatePolicy } from '../use-cases/policies.ts'
import { placesOf, regionChoices, serverChoices } from './names.ts'
import { wordsOf } from './notice.ts'
import { type Act, type Outcome, type Page, type Visit, act, versionOf, view } from './page.ts'
import { trialsOf } from './policy-form-trials.ts'
import { BLANK_VALUES, readValues, toFields, valuesOf } from './policy-form.ts'

interface Shown {
  readonly policy: Policy | null
  readonly values: PolicyFormValues
  readonly error: AppError | null
  readonly trials?: readonly FilterTrialView[] | null
}

async function formPage({ context, frame }: Visit, { policy, values, error, trials }: Shown) {
  const field = error?.data['field']
  const shownError =
    error === null ? null : { field: typeof field === 'string' ? field : '', ...wordsOf(error) }
  const choices = await choicesOf(context)
  return (
    <PolicyFormPage
      frame={frame}
      policy={policy}
      values={withRows(values)}
      error={shownError}
      trials={trials ?? null}
      {...choices}
    />
  )
}

/** There is always a row to fill in. */
function withRows(values: PolicyFormValues): PolicyFormValues {
  return {
    ...values,
    sources: values.sources.length === 0 ? BLANK_VALUES.sources : values.sources,
    targets: values.targets.length === 0 ? BLANK_VALUES.targets : values.targets,
  }
}

async function choicesOf(context: AdminContext) {
  const servers = await serverChoices(context)
  const option = (prefix: string) => (named: { id: string; name: string }) => ({
    value: prefix + named.id,
    label: named.name,
  })
  const groups = (await placesOf(context)).map(({ group, region }) => ({
    value: `group:${group.id}`,
    label: `${region.name} / ${group.name}`,
  }))
  return {
    servers: servers.filter(({ roles }) => roles.includes('cms')).map(option('')),
    places: [
      { label: 'Groups', options: groups },
      { label: 'Regions', options: (await regionChoices(context)).map(option('region:')) },
      {
        label: 'Servers',
        options: servers.filter(({ roles }) => roles.includes('cas')).map(option('server:')),
      },
    ],
  }
}

async function showNew(visit: Visit) {
  return formPage(visit, { policy: null, values: BLANK_VALUES, error: null })
}

async function showEdit(visit: Visit) {
  const policy = await getPolicy(visit.context, visit.param('id'))
  const names = new Map((await serverChoices(visit.context)).map(({ id, name }) => [id, name]))
  const values = valuesOf(policy, (id) => names.get(id) ?? id)
  return formPage(visit, { policy, values, error: null })
}

async function make({ visit, form }: Act): Promise<Outcome> {
  const { context, actor } = visit
  const values = readValues(form)
  if (form.has('try')) return await tryOut({ visit, policy: null, values })
  const record = { action: 'policies.change', objectType: 'policy', objectName: values.name }
  return shownAgain({ visit, policy: null, values }, async () => {
    const fields = parseRequest(policyFields, toFields(values, null))
    const policy = await audited(context, { actor, act: record }, () =>
      createPolicy(context, actor, fields),
    )
    return { to: `/policies/${policy.id}`, say: `${policy.name} is made.` }
  })
}

async function save({ visit, form }: Act): Promise<Outcome> {
  const { context, actor } = visit
  const values = readValues(form)
  const policy = await getPolicy(context, visit.param('id'))
  if (form.has('try')) return await tryOut({ visit, policy, values })
  const record = { action: 'policies.change', objectType: 'policy', objectId: policy.id }
  return shownAgain({ visit, policy, values }, async () => {
    const saved = await audited(context, { actor, act: record }, () =>
      updatePolicy(context, actor, {
        reference: policy.id,
        change: (current) => parseRequest(policyFields, toFields(values, current)),
        expectedVersion: versionOf(values.version),
      }),
    )
    return { to: `/policies/${saved.id}`, say: `${saved.name} is saved.` }
  })
}

/** The form comes back as it was typed, with what its filter does to the folders of its sources as they are now. */
function tryOut({ visit, policy, values }: Attempt): Promise<Outcome> {
  return shownAgain({ visit, policy, values }, async () => {
    const trials = await trialsOf(visit.context, values, policy)
    return { page: await formPage(visit, { policy, values, error: null, trials }) }
  })
}

interface Attempt {
  readonly visit: Visit
  readonly policy: Policy | null
  readonly values: PolicyFormValues
}

/** What was typed is not lost where it is refused: the form comes back with the reason. */
async function shownAgain(
  { visit, policy, values }: Attempt,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code === 'INTERNAL') throw thrown
    return { page: await formPage(visit, { policy, values, error: thrown }), status: 400 }
  }
}

const change = { action: 'policies.change', objectType: null, fallback: '/policies' } as const

export const policyFormPages: readonly Page[] = [
  view('/policies/new', 'policies.change', showNew),
  act({ ...change, path: '/policies/new', run: make }),
  view('/policies/:id/edit', 'policies.change', showEdit),
  act({ ...change, path: '/policies/:id/edit', run: save }),
]
