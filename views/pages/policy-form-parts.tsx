import { Check, SelectField, TextField } from '../parts/form.tsx'
import { FilterTrials, type FilterTrialView } from './filter-trial.tsx'
import { Section, errorOf, type FormError } from './policy-form-section.tsx'
import type { PolicyFormValues } from './policy-form-values.ts'

/** What each part of the form needs. */
interface PartProps {
  readonly values: PolicyFormValues
  readonly error: FormError | null
}

interface FilterProps extends PartProps {
  /** Where the form is sent. */
  readonly sendTo: string
  readonly trials: readonly FilterTrialView[] | null
}

export const FilterSection = (props: FilterProps) => (
  <Section
    title="Which files"
    about="What is not let through is invisible on both sides: never created, changed or deleted on a target."
  >
    <div class="fields">
      <Patterns
        label="Only these"
        name="include"
        value={props.values.include}
        hint="One regular expression a line, over the path below the folder. Empty: all files."
        error={errorOf(props, 'filter.include')}
      />
      <Patterns
        label="But not these"
        name="exclude"
        value={props.values.exclude}
        hint={'Such as \\.tmp$ or ^cache/'}
        error={errorOf(props, 'filter.exclude')}
      />
    </div>
    <div class="row">
      <button
        class="button"
        name="try"
        value="filter"
        formaction={`${props.sendTo}#filter-trial`}
        formnovalidate
        aria-describedby="try-hint"
      >
        Try it on the folders
      </button>
      <span class="hint" id="try-hint">
        Shows what would go and what would not. Nothing is saved or sent.
      </span>
    </div>
    {props.trials === null ? null : <FilterTrials trials={props.trials} />}
  </Section>
)

export const RouteSection = (props: PartProps) => (
  <Section
    title="Through which servers"
    about="By default the way is planned: once over each long line, then through targets near each other."
  >
    <Patterns
      label="Chains"
      name="route"
      value={props.values.route}
      hint="One a line, names of targets in their order, such as eu-1 > eu-2 > eu-3. Who cannot pass it on is passed over. Empty: planned."
      error={errorOf(props, 'route')}
    />
  </Section>
)

interface PatternsProps {
  readonly label: string
  readonly name: string
  readonly value: string
  readonly hint: string
  readonly error: string | undefined
}

const Patterns = ({ label, name, value, hint, error }: PatternsProps) => (
  <div class="field">
    <label for={name}>{label}</label>
    <textarea
      id={name}
      name={name}
      rows={4}
      aria-invalid={error === undefined ? undefined : 'true'}
      aria-describedby={error === undefined ? undefined : `${name}-error`}
      spellcheck={false}
    >
      {value}
    </textarea>
    {error === undefined ? null : (
      <p class="field-error" id={`${name}-error`}>
        {error}
      </p>
    )}
    <p class="hint">{hint}</p>
  </div>
)

export const SafetySection = (props: PartProps) => (
  <Section
    title="Deletions"
    about="What happens on the targets when files go. Beyond the limits nothing more goes until a person says so; a rename counts for nothing, an emptied file for one."
  >
    <div class="fields">
      <SelectField
        label="Deleted at the source"
        name="deletes"
        value={props.values.deletes}
        options={[
          { value: 'mirror', label: 'Delete on the targets too' },
          { value: 'keep', label: 'Keep on the targets' },
        ]}
      />
      <SelectField
        label="A target with other content"
        name="firstContact"
        value={props.values.firstContact}
        options={[
          { value: 'hold', label: 'Wait for a person' },
          { value: 'adopt', label: 'Leave extra files alone' },
          { value: 'replace', label: 'Replace it' },
        ]}
      />
    </div>
    <div class="fields">
      <TextField
        label="Hold beyond, files"
        name="maxDeleteCount"
        type="number"
        min={0}
        value={props.values.maxDeleteCount}
        hint="Deletions of one source; empty: no limit"
      />
      <TextField
        label="Hold beyond, percent"
        name="maxDeletePercent"
        type="number"
        min={0}
        max={100}
        value={props.values.maxDeletePercent}
        hint="Of all its files; empty: no limit"
      />
      <TextField
        label="Within, seconds"
        name="maxDeleteWindowS"
        type="number"
        min={1}
        value={props.values.maxDeleteWindowS}
      />
    </div>
  </Section>
)

export const RecoverySection = (props: PartProps) => (
  <Section title="Failures" about="What happens to a target that was away, or that fails.">
    <div class="fields">
      <SelectField
        label="A target that comes back"
        name="recovery"
        value={props.values.recovery}
        options={[
          { value: 'immediate', label: 'Catches up at once' },
          { value: 'reserved', label: 'Catches up at a reserved time' },
          { value: 'manual', label: 'Waits for a person' },
        ]}
      />
      <TextField
        label="Reserved time"
        name="recoveryWhen"
        value={props.values.recoveryWhen}
        placeholder="0 3 * * *"
        hint="A cron pattern, “every 3600 s”, or a time"
      />
      <TextField
        label="Time zone of the pattern"
        name="recoveryTimeZone"
        value={props.values.recoveryTimeZone}
        placeholder="Europe/Berlin"
        hint="Empty: UTC"
      />
      <TextField
        label="Tries in one job"
        name="attempts"
        type="number"
        min={1}
        max={100}
        value={props.values.attempts}
      />
      <TextField
        label="Pause before another, ms"
        name="backoffMs"
        type="number"
        min={0}
        value={props.values.backoffMs}
      />
      <SelectField
        label="One path in two sources"
        name="conflict"
        value={props.values.conflict}
        options={[
          { value: 'newest', label: 'The newest wins' },
          { value: 'sourceOrder', label: 'The first source wins' },
        ]}
      />
    </div>
  </Section>
)

export const MetadataSection = (props: PartProps) => (
  <Section title="Metadata" about="What of a file travels beside its content and its time.">
    <SelectField
      label="Owner"
      name="owner"
      value={props.values.owner}
      options={[
        { value: 'id', label: 'By number' },
        { value: 'name', label: 'By name' },
        { value: 'off', label: 'Not at all' },
      ]}
    />
    <div class="fields">
      <Check
        name="metadata"
        value="mode"
        label="Permissions"
        checked={props.values.metadata.mode}
      />
      <Check
        name="metadata"
        value="sparse"
        label="Holes in sparse files"
        checked={props.values.metadata.sparse}
      />
      <Check
        name="metadata"
        value="hardLinks"
        label="Hard links"
        checked={props.values.metadata.hardLinks}
      />
      <Check
        name="metadata"
        value="xattrs"
        label="Extended attributes"
        checked={props.values.metadata.xattrs}
      />
      <Check
        name="metadata"
        value="acls"
        label="Access lists"
        checked={props.values.metadata.acls}
      />
    </div>
  </Section>
)
