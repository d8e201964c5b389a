import { Options, type Option } from '../parts/form.tsx'
import { Section } from './policy-form-section.tsx'
import type { HopValues } from './policy-form-values.ts'
import { LEVELS, METHODS, SCOPES, TLS_OPTIONS } from './topology.tsx'

interface HopsProps {
  readonly hops: readonly HopValues[]
  readonly error: { readonly field: string; readonly text: string } | null
}

/** How content travels, by how far it goes. */
export const HopsSection = ({ hops, error }: HopsProps) => (
  <Section
    title="On the way"
    about="By how far a hop goes. By default only changed parts travel, compressed lightly within a group and more beyond, over TLS, without a limit."
  >
    {hops.map((hop) => (
      <div class="stack-tight" role="group" aria-label={wordOf(hop.scope)}>
        <span class="label">{wordOf(hop.scope)}</span>
        <div class="fields fields-narrow">
          <HopSelect hop={hop} name="method" label="Method" options={METHODS} value={hop.method} />
          <HopSelect
            hop={hop}
            name="compression"
            label="Compression"
            options={LEVELS}
            value={hop.compression}
          />
          <HopSelect hop={hop} name="tls" label="TLS" options={TLS_OPTIONS} value={hop.tls} />
          <div class="field">
            <span class="hint">Rate, MiB/s</span>
            <input
              name={`hop.${hop.scope}.rateMib`}
              type="number"
              min={1}
              value={hop.rateMib}
              placeholder="no limit"
              aria-label={`Rate ${wordOf(hop.scope)}, MiB/s`}
            />
          </div>
        </div>
      </div>
    ))}
    {error?.field.startsWith('hops') === true ? <p class="field-error">{error.text}</p> : null}
    <p class="hint">
      Without TLS beyond a group, files can be read on the way, though never forged; turning it off
      here is taken as saying so.
    </p>
  </Section>
)

interface HopSelectProps {
  readonly hop: HopValues
  readonly name: string
  readonly label: string
  readonly value: string
  readonly options: readonly Option[]
}

const HopSelect = ({ hop, name, label, value, options }: HopSelectProps) => (
  <div class="field">
    <span class="hint">{label}</span>
    <select name={`hop.${hop.scope}.${name}`} aria-label={`${label} ${wordOf(hop.scope)}`}>
      <Options options={options} value={value} />
    </select>
  </div>
)

function wordOf(scope: string): string {
  return SCOPES.find(({ value }) => value === scope)?.label ?? scope
}
