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

/** What waits for a person's word, how much of it, and the answers. */
export const HoldCard = (props: HoldProps) => (
  <Card
    title="Held until a person says so"
    about={
      props.hold.clearsItself
        ? 'Goes on by itself once the known folder is back in its place'
        : 'Everything else goes on being sent meanwhile'
    }
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

/** What lies at a target is lost there alone. */
function isAtTarget({ code }: HoldView): boolean {
  return code === 'FIRST_CONTACT'
}

const Amounts = ({ hold, frame }: HoldProps) => {
  const { deletes, updates, bytes } = hold.preview
  return (
    <dl class="facts">
      {hold.clearsItself ? null : (
        <>
          <dt>Would be deleted</dt>
          <dd>{plural(deletes, 'file')}</dd>
        </>
      )}
      {updates === 0 ? null : (
        <>
          <dt>{isAtTarget(hold) ? 'Would be replaced' : 'Would be emptied'}</dt>
          <dd>{plural(updates, 'file')}</dd>
        </>
      )}
      {hold.clearsItself ? null : (
        <>
          <dt>Content lost</dt>
          <dd>
            {byteSize(bytes)} {isAtTarget(hold) ? 'on this target' : 'on each target'}
          </dd>
        </>
      )}
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
  if (sample.length === 0) return null
  return (
    <div class="stack-tight">
      <ul class="paths" aria-label="Some of the files">
        {sample.map((path) => (
          <li class="mono break">{path}</li>
        ))}
      </ul>
      <More job={job} hold={hold} more={more} />
    </div>
  )
}

/** Files that nobody but the target has are no entries of a job. */
const More = ({ job, hold, more }: Omit<HoldProps, 'frame'> & { readonly more: number }) => {
  if (more <= 0) return null
  if (isAtTarget(hold)) return <span class="hint">and {count(more)} more</span>
  return <a href={`/jobs/${job.id}?state=held#entries`}>and {count(more)} more</a>
}

/** What a hold asks, and what either answer means. */
interface Question {
  /** Null where saying no changes nothing. */
  readonly keep: Words | null
  readonly approve: Words
}
interface Words {
  readonly label: string
  readonly title: string
  readonly says: string
}

const NEW_FOLDER: Words = {
  label: 'Take the new folder',
  title: 'Take the folder that lies there now?',
  says: 'It is taken for the one of this policy from now on. What it holds and its source does not is asked about before anything of it goes.',
}

function questionOf({ job, hold }: HoldProps): Question {
  const { deletes, updates } = hold.preview
  const files = plural(deletes + updates, 'file')
  const targets = plural(targetCount(job), 'target')
  const exactly =
    'Exactly what is shown here goes: where more has come to it meanwhile, you are asked again.'
  if (hold.clearsItself) return { keep: null, approve: NEW_FOLDER }
  if (isAtTarget(hold))
    return {
      keep: {
        label: 'Keep them',
        title: `Keep ${files} as they are?`,
        says: 'They stay for good, and the target goes on being different there. All else is as at the source.',
      },
      approve: { label: 'Replace them', title: `Let ${files} go?`, says: exactly },
    }
  return {
    keep: {
      label: 'Keep them',
      title: `Keep ${files} on the targets?`,
      says: `${targets} go on holding what the source does not have any more. A file that comes back at the source is sent as usual.`,
    },
    approve: { label: 'Let them go', title: `Let ${files} go on ${targets}?`, says: exactly },
  }
}

const Answers = (props: HoldProps) => {
  const { job, hold, frame } = props
  const { keep, approve } = questionOf(props)
  return (
    <div class="row">
      {keep === null ? null : (
        <Ask
          id="keep"
          action={`/jobs/${job.id}/keep`}
          csrf={frame.csrf}
          label={keep.label}
          title={keep.title}
          confirm={keep.label}
        >
          <p>{keep.says}</p>
        </Ask>
      )}
      <Ask
        id="approve"
        action={`/jobs/${job.id}/approve`}
        csrf={frame.csrf}
        label={approve.label}
        title={approve.title}
        confirm={approve.label}
        danger
      >
        <input type="hidden" name="fingerprint" value={hold.fingerprint} />
        <p>{approve.says}</p>
      </Ask>
    </div>
  )
}

function targetCount(job: JobView): number {
  return Object.values(job.targetCounts).reduce((sum, amount) => sum + amount, 0)
}
