import type { Child } from 'hono/jsx'

interface FieldProps {
  readonly label: string
  readonly name: string
  readonly hint?: Child
  readonly error?: string | undefined
  readonly children: Child
}

/** A label, its control, what it means, and what is wrong with it. The control's id is its name. */
const Field = ({ label, name, hint, error, children }: FieldProps) => (
  <div class="field">
    <label for={name}>{label}</label>
    {children}
    {error === undefined ? null : (
      <p class="field-error" id={`${name}-error`}>
        {error}
      </p>
    )}
    {hint === undefined ? null : <p class="hint">{hint}</p>}
  </div>
)

interface TextProps {
  readonly label: string
  readonly name: string
  readonly value?: string | number | null
  readonly type?: 'text' | 'password' | 'number' | 'search'
  readonly hint?: Child
  readonly error?: string | undefined
  readonly required?: boolean
  readonly mono?: boolean
  readonly placeholder?: string
  readonly autocomplete?: string
  readonly autofocus?: boolean
  readonly pattern?: string
  readonly min?: number
  readonly max?: number
}

/** A line of text or a number. */
export const TextField = (props: TextProps) => (
  <Field label={props.label} name={props.name} hint={props.hint} error={props.error}>
    <input
      id={props.name}
      name={props.name}
      type={props.type ?? 'text'}
      value={props.value ?? ''}
      required={props.required ?? false}
      class={props.mono === true ? 'mono' : undefined}
      placeholder={props.placeholder}
      autocomplete={props.autocomplete ?? 'off'}
      autofocus={props.autofocus ?? false}
      pattern={props.pattern}
      min={props.min}
      max={props.max}
      aria-invalid={props.error === undefined ? undefined : 'true'}
      aria-describedby={props.error === undefined ? undefined : `${props.name}-error`}
      spellcheck={false}
    />
  </Field>
)

export interface Option {
  readonly value: string
  readonly label: string
}

interface SelectProps {
  readonly label: string
  readonly name: string
  readonly value: string
  readonly options: readonly Option[]
  readonly hint?: Child
  readonly error?: string | undefined
  /** Sends the form as soon as another value is chosen, where scripts run. */
  readonly submits?: boolean
}

/** One of a few values. */
export const SelectField = (props: SelectProps) => (
  <Field label={props.label} name={props.name} hint={props.hint} error={props.error}>
    <select id={props.name} name={props.name} data-submit={props.submits === true ? '' : undefined}>
      <Options options={props.options} value={props.value} />
    </select>
  </Field>
)

/** The options of a select, the chosen one marked. */
export const Options = (props: { options: readonly Option[]; value: string }) => (
  <>
    {props.options.map((option) => (
      <option value={option.value} selected={option.value === props.value}>
        {option.label}
      </option>
    ))}
  </>
)

interface CheckProps {
  readonly label: string
  readonly name: string
  readonly value?: string
  readonly checked: boolean
  readonly hint?: Child
  readonly type?: 'checkbox' | 'radio'
}

/** A box to tick, or one of several choices. */
export const Check = (props: CheckProps) => (
  <label class="choice">
    <input
      type={props.type ?? 'checkbox'}
      name={props.name}
      value={props.value ?? 'on'}
      checked={props.checked}
    />
    <span>
      {props.label}
      {props.hint === undefined ? null : <span class="hint">{props.hint}</span>}
    </span>
  </label>
)

/** The token that proves a form came from a page of ours. */
export const Csrf = ({ token }: { token: string }) => (
  <input type="hidden" name="csrf" value={token} />
)

interface ActProps {
  readonly action: string
  readonly csrf: string
  readonly label: string
  readonly kind?: 'main' | 'danger' | 'quiet'
  readonly small?: boolean
  /** Fields sent along. */
  readonly fields?: Readonly<Record<string, string>>
}

/** A button that does one thing at once: for what is harmless or easily undone. */
export const Act = (props: ActProps) => (
  <form method="post" action={props.action} class="inline-form">
    <Csrf token={props.csrf} />
    {Object.entries(props.fields ?? {}).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button class={buttonClass(props)}>{props.label}</button>
  </form>
)

function buttonClass(props: { kind?: 'main' | 'danger' | 'quiet'; small?: boolean }): string {
  const kind = props.kind === undefined ? '' : ` button-${props.kind}`
  return `button${kind}${props.small === true ? ' button-small' : ''}`
}

interface AskProps {
  readonly id: string
  readonly action: string
  readonly csrf: string
  /** On the button that opens the question. */
  readonly label: string
  readonly title: string
  /** What it does and how much it touches. */
  readonly children: Child
  /** On the button that does it. */
  readonly confirm: string
  readonly danger?: boolean
  readonly small?: boolean
}

/** A button that asks once, saying what it will do, before it does it. Works without scripts. */
export const Ask = (props: AskProps) => (
  <>
    <button
      type="button"
      class={buttonClass(withKind(props))}
      popovertarget={props.id}
      aria-haspopup="dialog"
    >
      {props.label}
    </button>
    <div popover="auto" id={props.id} role="dialog" aria-labelledby={`${props.id}-title`}>
      <form method="post" action={props.action} class="stack">
        <Csrf token={props.csrf} />
        <h2 id={`${props.id}-title`}>{props.title}</h2>
        {props.children}
        <div class="popover-end">
          <button
            type="button"
            class="button"
            popovertarget={props.id}
            popovertargetaction="hide"
            autofocus
          >
            Leave it
          </button>
          <button
            class={props.danger === true ? 'button button-danger-main' : 'button button-main'}
          >
            {props.confirm}
          </button>
        </div>
      </form>
    </div>
  </>
)

function withKind(props: AskProps): { kind?: 'danger'; small?: boolean } {
  return {
    ...(props.danger === true ? { kind: 'danger' as const } : {}),
    ...(props.small === true ? { small: true } : {}),
  }
}
