import type { Child } from 'hono/jsx'

/** One matter of a long form: what it is about on the left, its fields on the right. */
export const Section = (props: { title: string; about: string; children: Child }) => (
  <fieldset class="section">
    <div class="section-about">
      <legend>
        <h2>{props.title}</h2>
      </legend>
      <p>{props.about}</p>
    </div>
    <div class="section-fields">{props.children}</div>
  </fieldset>
)

/** Which field was refused, and why. */
export interface FormError {
  readonly field: string
  readonly text: string
}

/** Gives what is wrong with a field or a part of it, if it is this one. */
export function errorOf({ error }: { error: FormError | null }, field: string): string | undefined {
  if (error === null) return undefined
  return error.field === field || error.field.startsWith(`${field}.`) ? error.text : undefined
}
