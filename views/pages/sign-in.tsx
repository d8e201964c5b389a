import type { Assets, Notice, Theme } from '../frame.ts'
import { Alone } from '../layout.tsx'
import { TextField } from '../parts/form.tsx'
import { NoticeNote } from '../parts/note.tsx'

interface SignInProps {
  readonly assets: Assets
  readonly theme: Theme
  readonly notice: Notice | null
  readonly name: string
  /** Where to go afterwards. */
  readonly back: string
}

export const SignInPage = (props: SignInProps) => (
  <Alone title="Sign in" theme={props.theme} assets={props.assets}>
    {props.notice === null ? null : <NoticeNote notice={props.notice} />}
    <section class="card">
      <form method="post" action="/sign-in" class="card-body stack">
        <h1>Sign in</h1>
        <input type="hidden" name="back" value={props.back} />
        <TextField
          label="Name"
          name="name"
          value={props.name}
          autocomplete="username"
          required
          autofocus={props.name === ''}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus={props.name !== ''}
        />
        <button class="button button-main">Sign in</button>
      </form>
    </section>
    <p class="hint">
      Forgotten? On the master's host, <code>cd-master user set-password</code> sets a new one.
    </p>
  </Alone>
)

interface TroubleProps {
  readonly assets: Assets
  readonly theme: Theme
  readonly title: string
  readonly text: string
  readonly action: string
  readonly code: string
}

/** An error where no frame can be drawn around it. */
export const TroublePage = (props: TroubleProps) => (
  <Alone title={props.title} theme={props.theme} assets={props.assets}>
    <section class="card">
      <div class="card-body stack">
        <h1>{props.title}</h1>
        <p class="break">{props.text}.</p>
        <p class="soft">{props.action}</p>
        <p class="hint">
          <code>{props.code}</code>
        </p>
        <a class="button" href="/">
          Go to the overview
        </a>
      </div>
    </section>
  </Alone>
)
