import { byteSize, count, plural } from '../parts/format.ts'
import { Note } from '../parts/note.tsx'

interface TrialPartView {
  readonly files: number
  readonly folders: number
  readonly bytes: number
  readonly sample: readonly { readonly path: string }[]
}

/** What a filter would do to one source's folder as it is now, or why nobody can say. */
export interface FilterTrialView {
  readonly server: string
  readonly path: string
  readonly trial: {
    readonly passes: TrialPartView
    readonly leftOut: TrialPartView
    readonly complete: boolean
  } | null
  readonly error: { readonly text: string; readonly action: string } | null
}

/** What came of a trial. Whoever asked is led here, the keyboard too. */
export const FilterTrials = ({ trials }: { readonly trials: readonly FilterTrialView[] }) => (
  <div class="stack" id="filter-trial" tabindex={-1}>
    {trials.length > 0 ? null : (
      <Note tone="warn">
        <p>Nothing to try it on.</p>
        <p>Choose the server and the folder of a source first.</p>
      </Note>
    )}
    {trials.map((trial) => (
      <Trial {...trial} />
    ))}
  </div>
)

const Trial = ({ server, path, trial, error }: FilterTrialView) => {
  const place = `${server}: ${path}`
  if (trial === null)
    return (
      <Note tone="bad">
        <p class="break">{place}</p>
        <p class="break">{error?.text}</p>
        <p>{error?.action}</p>
      </Note>
    )
  const { passes, leftOut, complete } = trial
  return (
    <Note tone={complete ? 'good' : 'warn'}>
      <p class="break">{place}</p>
      <p>
        {plural(passes.files, 'file')} ({byteSize(passes.bytes)}) would go to the targets,{' '}
        {plural(leftOut.files, 'file')} and {plural(leftOut.folders, 'folder')} with all in them
        would not.
      </p>
      {complete ? null : <p>The folder is large: only a part of it was looked at.</p>}
      <Sample label="What goes" part={passes} />
      <Sample label="What does not" part={leftOut} />
    </Note>
  )
}

const Sample = ({ label, part }: { readonly label: string; readonly part: TrialPartView }) => {
  const { files, folders, sample } = part
  const more = files + folders - sample.length
  if (sample.length === 0) return null
  return (
    <details>
      <summary>{label}</summary>
      <ul class="paths" aria-label={label}>
        {sample.map(({ path }) => (
          <li class="mono break">{path}</li>
        ))}
      </ul>
      {more <= 0 ? null : <span class="hint">and {count(more)} more</span>}
    </details>
  )
}
