import type { Frame } from '../frame.ts'
import { Ask } from '../parts/form.tsx'
import { byteSize, count, plural } from '../parts/format.ts'
import { Note } from '../parts/note.tsx'
import { Card } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import type { HoldView, JobView } from '../types.ts'

interface HoldProps {
  readonly job: JobView
  readonly hold: HoldView
  readonly frame: Frame
}

/** What waits for a person's word, how much of it, and the two answers. */
export const HoldCard = (props: HoldProps) => (
  <Card
    title="Held until a person says so"
    about="Everything else goes on being sent meanwhile"
    actions={props.frame.may.operate ? <Answers {...props} /> : null}
  >
    <div class="card-body stack">
      <Note tone="warn">
        <p>{sentence(props.hold.message)}</p>
        <p>{props.hold.action}</p>
      </Note>
      <Amounts {...props} />
      <Sample {...props} />
    </div>
  </Card>
)

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

const Amounts = ({ hold, frame }: HoldProps) => {
  const { deletes, updates, bytes } = hold.preview
  return (
    <dl class="facts">
      <dt>Would be deleted</dt>
      <dd>{plural(deletes, 'file')}</dd>
      {updates === 0 ? null : (
        <>
          <dt>Would be emptied</dt>
          <dd>{plural(updates, 'file')}</dd>
        </>
      )}
      <dt>Content lost</dt>
      <dd>{byteSize(bytes)} on each target</dd>
      <dt>Since</dt>
      <dd>
        <Time at={hold.since} nowMs={frame.nowMs} />
      </dd>
    </dl>
  )
}

const Sample = ({ job, hold }: HoldProps) => {
  const { deletes, updates, sample } = hold.preview
  const more = deletes + updates - sample.length
  return (
    <div class="stack-tight">
      <ul class="paths" aria-label="Some of the files">
        {sample.map((path) => (
          <li class="mono break">{path}</li>
        ))}
      </ul>
      {more <= 0 ? null : <a href={`/jobs/${job.id}?state=held#entries`}>and {count(more)} more</a>}
    </div>
  )
}

const Answers = ({ job, hold, frame }: HoldProps) => {
  const { deletes, updates } = hold.preview
  const files = plural(deletes + updates, 'file')
  const targets = plural(targetCount(job), 'target')
  return (
    <div class="row">
      <Ask
        id="keep"
        action={`/jobs/${job.id}/keep`}
        csrf={frame.csrf}
        label="Keep them"
        title={`Keep ${files} on the targets?`}
        confirm="Keep them"
      >
        <p>
          {targets} go on holding what the source does not have any more. A file that comes back at
          the source is sent as usual.
        </p>
      </Ask>
      <Ask
        id="approve"
        action={`/jobs/${job.id}/approve`}
        csrf={frame.csrf}
        label="Let them go"
        title={`Let ${files} go on ${targets}?`}
        confirm="Let them go"
        danger
      >
        <input type="hidden" name="fingerprint" value={hold.fingerprint} />
        <p>
          Exactly what is shown here goes: where more has come to it meanwhile, you are asked again.
        </p>
      </Ask>
    </div>
  )
}

function targetCount(job: JobView): number {
  return Object.values(job.targetCounts).reduce((sum, amount) => sum + amount, 0)
}
