import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Check, Csrf, type Option, Options, SelectField, TextField } from '../parts/form.tsx'
import { Note } from '../parts/note.tsx'
import { Card, Empty } from '../parts/table.tsx'
import type { FilterTrialView } from './filter-trial.tsx'
import { HopsSection } from './policy-form-hops.tsx'
import {
  FilterSection,
  MetadataSection,
  RecoverySection,
  RouteSection,
  SafetySection,
} from './policy-form-parts.tsx'
import { Section, errorOf } from './policy-form-section.tsx'
import type { PolicyFormValues, TargetRowValues } from './policy-form-values.ts'

export interface PolicyFormProps {
  readonly frame: Frame
  /** Null for a new one. */
  readonly policy: { readonly id: string; readonly name: string } | null
  readonly values: PolicyFormValues
  readonly servers: readonly Option[]
  /** Servers, groups and regions, each as `server:…`, `group:…`, `region:…`. */
  readonly places: readonly { readonly label: string; readonly options: readonly Option[] }[]
  readonly error: { readonly field: string; readonly text: string; readonly action: string } | null
  /** What its filter does to the folders of its sources; null where nobody asked. */
  readonly trials: readonly FilterTrialView[] | null
}

export const PolicyFormPage = (props: PolicyFormProps) => (
  <Layout
    frame={props.frame}
    title={props.policy === null ? 'New policy' : `Settings of ${props.policy.name}`}
    about={
      props.policy === null
        ? 'Only the name and the folders are needed; everything else has a default that works.'
        : 'What changes here reaches every agent concerned at once.'
    }
    crumbs={[
      { href: '/policies', label: 'Policies' },
      ...(props.policy === null
        ? []
        : [{ href: `/policies/${props.policy.id}`, label: props.policy.name }]),
    ]}
  >
    {props.servers.length === 0 ? <NoServers /> : <PolicyForm {...props} />}
  </Layout>
)

const NoServers = () => (
  <Card>
    <Empty title="No server yet">
      <p>A policy goes from one server to others. Enrol them first.</p>
      <a class="button button-main" href="/servers/new">
        Add a server
      </a>
    </Empty>
  </Card>
)

const PolicyForm = (props: PolicyFormProps) => {
  const { frame, policy, values, error } = props
  const action = policy === null ? '/policies/new' : `/policies/${policy.id}/edit`
  return (
    <form method="post" action={action} class="card card-body">
      <Csrf token={frame.csrf} />
      <DefaultButton />
      <input type="hidden" name="version" value={values.version} />
      {error === null ? null : (
        <Note tone="bad">
          <p>{error.text}</p>
          <p>{error.action}</p>
        </Note>
      )}
      <BasicsSection {...props} />
      <SourcesSection {...props} />
      <TargetsSection {...props} />
      <FilterSection {...props} sendTo={action} />
      <SafetySection {...props} />
      <HopsSection hops={values.hops} error={error} />
      <RouteSection {...props} />
      <RecoverySection {...props} />
      <MetadataSection {...props} />
      <div class="form-end">
        <button class="button button-main">{policy === null ? 'Make the policy' : 'Save'}</button>
        <a
          class="button button-quiet"
          href={policy === null ? '/policies' : `/policies/${policy.id}`}
        >
          Leave it
        </a>
      </div>
    </form>
  )
}

/** The first button of a form is pressed by the Enter key in any field: it must not be one that only tries. */
const DefaultButton = () => <button class="sr" tabindex={-1} aria-hidden="true" />

const BasicsSection = (props: PolicyFormProps) => (
  <Section title="Name and start" about="How it is called, and when it runs.">
    <div class="fields">
      <TextField
        label="Name"
        name="name"
        value={props.values.name}
        required
        pattern="[A-Za-z0-9._\-]{1,63}"
        hint="Letters, digits, dot, dash, underscore"
        error={errorOf(props, 'name')}
        autofocus={props.policy === null}
      />
      <SelectField
        label="Runs"
        name="mode"
        value={props.values.mode}
        options={[
          { value: 'realtime', label: 'In realtime' },
          { value: 'manual', label: 'By hand, when somebody starts it' },
        ]}
      />
    </div>
    <Check
      name="enabled"
      label="Active"
      checked={props.values.enabled}
      hint="Off is paused: changes are found and kept in order, but nothing is sent."
    />
  </Section>
)

const SourcesSection = (props: PolicyFormProps) => (
  <Section
    title="From"
    about="The folders that are watched. With several, a target holds all of them together."
  >
    <RowList id="sources" rows={props.values.sources}>
      {(row) => (
        <div class="repeat" data-row="">
          <div class="field">
            <span class="label">Server</span>
            <select name="sourceServer" aria-label="Source server">
              <Options options={[CHOOSE, ...props.servers]} value={row.serverId} />
            </select>
          </div>
          <PathInput name="sourcePath" label="Folder" value={row.path} placeholder="/srv/www" />
          <RemoveButton />
        </div>
      )}
    </RowList>
    <RowError error={props.error} prefix="sources" />
    <AddButton list="sources" label="Another source" />
  </Section>
)

const TargetsSection = (props: PolicyFormProps) => (
  <Section
    title="To"
    about="Servers, or whole groups and regions: who joins one of them later becomes a target by itself."
  >
    <RowList id="targets" rows={props.values.targets}>
      {(row: TargetRowValues) => (
        <div class="repeat" data-row="">
          <div class="field">
            <span class="label">Server, group or region</span>
            <select name="targetPlace" aria-label="Target">
              <Options options={[CHOOSE]} value={row.place} />
              {props.places.map((group) => (
                <optgroup label={group.label}>
                  <Options options={group.options} value={row.place} />
                </optgroup>
              ))}
            </select>
          </div>
          <PathInput name="targetPath" label="Folder" value={row.path} placeholder="/srv/www" />
          <RemoveButton />
        </div>
      )}
    </RowList>
    <RowError error={props.error} prefix="targets" />
    <AddButton list="targets" label="Another target" />
    <TextField
      label="Keep free on each target, percent"
      name="minFreePercent"
      type="number"
      min={0}
      max={100}
      value={props.values.minFreePercent}
      hint="Below that, no content is taken; deletions still are."
      error={errorOf(props, 'minFreePercent')}
    />
  </Section>
)

const CHOOSE: Option = { value: '', label: 'Choose…' }

function RowList<T>(props: { id: string; rows: readonly T[]; children: (row: T) => unknown }) {
  return (
    <div class="stack" id={props.id}>
      {props.rows.map((row) => props.children(row) as string)}
    </div>
  )
}

const PathInput = (props: { name: string; label: string; value: string; placeholder: string }) => (
  <div class="field">
    <span class="label">{props.label}</span>
    <input
      name={props.name}
      class="mono"
      value={props.value}
      placeholder={props.placeholder}
      aria-label={props.label}
      autocomplete="off"
      spellcheck={false}
    />
  </div>
)

const RemoveButton = () => (
  <button type="button" class="button button-quiet needs-script" data-remove="">
    Remove
  </button>
)

const AddButton = ({ list, label }: { list: string; label: string }) => (
  <div>
    <button type="button" class="button button-small needs-script" data-add={list}>
      {label}
    </button>
  </div>
)

const RowError = (props: { error: PolicyFormProps['error']; prefix: string }) =>
  props.error?.field.startsWith(props.prefix) === true ? (
    <p class="field-error">{props.error.text}</p>
  ) : null
