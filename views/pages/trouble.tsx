import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Card, Empty } from '../parts/table.tsx'

export interface TroubleInsideProps {
  readonly frame: Frame
  readonly title: string
  readonly text: string
  readonly action: string
  readonly code: string
}

/** An error of somebody who is signed in: the places stay at hand. */
export const TroubleInsidePage = (props: TroubleInsideProps) => (
  <Layout frame={props.frame} title={props.title}>
    <Card>
      <Empty title={`${props.text}.`}>
        <p>{props.action}</p>
        <p class="hint">
          <code>{props.code}</code>
        </p>
        <a class="button" href="/">
          Go to the overview
        </a>
      </Empty>
    </Card>
  </Layout>
)
