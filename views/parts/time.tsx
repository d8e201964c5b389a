import { duration, exactTime, relativeTime } from './format.ts'

/** An instant as people say it, exact on hover; kept true by the page's script. */
export const Time = ({ at, nowMs }: { at: string | null; nowMs: number }) =>
  at === null ? (
    <span class="faint">never</span>
  ) : (
    <time datetime={at} title={exactTime(at)} data-relative>
      {relativeTime(Date.parse(at), nowMs)}
    </time>
  )

/** From start to end, or so far. */
export const Took = (props: { from: string | null; to: string | null; nowMs: number }) => {
  if (props.from === null) return <span class="faint">—</span>
  const end = props.to === null ? props.nowMs : Date.parse(props.to)
  return (
    <span class="nowrap">
      {duration(Math.max(0, end - Date.parse(props.from)))}
      {props.to === null ? <span class="faint"> so far</span> : null}
    </span>
  )
}
