import type { Frame } from '../frame.ts'
import { Layout } from '../layout.tsx'
import { Act, Csrf, SelectField, TextField } from '../parts/form.tsx'
import { byteSize } from '../parts/format.ts'
import { Card, Empty, Table } from '../parts/table.tsx'
import type { Named } from '../types.ts'

export interface RegionView extends Named {
  readonly groups: readonly (Named & { readonly serverCount: number })[]
}

export interface HopRuleView {
  readonly id: string
  readonly scope: string
  readonly method: string | null
  readonly compression: number | null
  readonly tls: boolean | null
  readonly rateBytesPerS: number | null
}

export interface TopologyProps {
  readonly frame: Frame
  readonly regions: readonly RegionView[]
  readonly hopRules: readonly HopRuleView[]
}

const NAME_PATTERN = '[A-Za-z0-9._\\-]{1,63}'

export const TopologyPage = (props: TopologyProps) => (
  <Layout
    frame={props.frame}
    title="Topology"
    about="Where servers stand. A region holds groups, a group holds servers close to each other; content crosses from region to region as seldom as can be."
  >
    {props.regions.length === 0 ? (
      <Card>
        <Empty title="No region yet">
          <p>Begin with one region, such as a country or a data centre, and one group in it.</p>
        </Empty>
      </Card>
    ) : (
      <div class="columns-even">
        {props.regions.map((region) => (
          <RegionCard region={region} frame={props.frame} />
        ))}
      </div>
    )}
    {props.frame.may.administer ? <NewRegion frame={props.frame} /> : null}
    <HopRules {...props} />
  </Layout>
)

const RegionCard = ({ region, frame }: { region: RegionView; frame: Frame }) => (
  <Card
    title={region.name}
    actions={
      frame.may.administer && region.groups.length === 0 ? (
        <Act
          action={`/regions/${region.id}/delete`}
          csrf={frame.csrf}
          label="Delete"
          kind="danger"
          small
        />
      ) : null
    }
  >
    {region.groups.length === 0 ? (
      <Empty title="No group yet">
        <p>Servers are enrolled into a group.</p>
      </Empty>
    ) : (
      <Table caption={`Groups of ${region.name}`} columns={['Group', '#Servers', '']}>
        {region.groups.map((group) => (
          <tr>
            <th scope="row">{group.name}</th>
            <td class="number">
              <a href={`/servers?groupId=${group.id}`}>{group.serverCount}</a>
            </td>
            <td class="number">
              {frame.may.administer && group.serverCount === 0 ? (
                <Act
                  action={`/groups/${group.id}/delete`}
                  csrf={frame.csrf}
                  label="Delete"
                  kind="danger"
                  small
                />
              ) : null}
            </td>
          </tr>
        ))}
      </Table>
    )}
    {frame.may.administer ? (
      <form method="post" action="/groups" class="card-foot filters">
        <Csrf token={frame.csrf} />
        <input type="hidden" name="regionId" value={region.id} />
        <div class="field">
          <label for={`group-${region.id}`}>New group</label>
          <input
            id={`group-${region.id}`}
            name="name"
            required
            pattern={NAME_PATTERN}
            autocomplete="off"
          />
        </div>
        <button class="button">Add</button>
      </form>
    ) : null}
  </Card>
)

const NewRegion = ({ frame }: { frame: Frame }) => (
  <Card title="New region">
    <form method="post" action="/regions" class="card-body filters">
      <Csrf token={frame.csrf} />
      <TextField label="Name" name="name" required pattern={NAME_PATTERN} placeholder="eu" />
      <button class="button button-main">Add region</button>
    </form>
  </Card>
)

const HopRules = ({ frame, hopRules }: TopologyProps) => (
  <Card title="Hop rules" about="Ceilings for every policy: how content may travel">
    {hopRules.length === 0 ? (
      <Empty title="No rule: every policy decides for itself">
        <p>
          Without any, a hop sends changed parts, compressed, over TLS, and as fast as the line
          allows. A rule bounds that for the whole fleet, such as a rate between regions.
        </p>
      </Empty>
    ) : (
      <Table
        caption="Fleet-wide hop rules"
        columns={['Where', 'Method', 'Compression', 'TLS', '#Rate', '']}
      >
        {hopRules.map((rule) => (
          <tr>
            <th scope="row">{rule.scope}</th>
            <td>{rule.method ?? <span class="faint">any</span>}</td>
            <td>{rule.compression ?? <span class="faint">any</span>}</td>
            <td>
              {rule.tls === null ? <span class="faint">any</span> : rule.tls ? 'required' : 'off'}
            </td>
            <td class="number">
              {rule.rateBytesPerS === null ? (
                <span class="faint">no limit</span>
              ) : (
                `${byteSize(rule.rateBytesPerS)}/s`
              )}
            </td>
            <td class="number">
              {frame.may.administer ? (
                <Act
                  action={`/hop-rules/${rule.id}/delete`}
                  csrf={frame.csrf}
                  label="Delete"
                  kind="danger"
                  small
                />
              ) : null}
            </td>
          </tr>
        ))}
      </Table>
    )}
    {frame.may.administer ? <NewRule frame={frame} /> : null}
  </Card>
)

const NewRule = ({ frame }: { frame: Frame }) => (
  <form method="post" action="/hop-rules" class="card-foot filters">
    <Csrf token={frame.csrf} />
    <SelectField label="Where" name="scope" value="international" options={SCOPES} />
    <SelectField label="Method" name="method" value="" options={METHODS} />
    <SelectField label="Compression" name="compression" value="" options={LEVELS} />
    <SelectField label="TLS" name="tls" value="" options={TLS_OPTIONS} />
    <TextField label="Rate, MiB/s" name="rateMib" type="number" min={1} placeholder="no limit" />
    <button class="button">Add rule</button>
  </form>
)

export const SCOPES = [
  { value: 'group', label: 'Within a group' },
  { value: 'region', label: 'Between groups' },
  { value: 'international', label: 'Between regions' },
]
export const METHODS = [
  { value: '', label: 'Default' },
  { value: 'patch', label: 'Changed parts' },
  { value: 'copy', label: 'Whole files' },
]
export const LEVELS = [
  { value: '', label: 'Default' },
  { value: '0', label: '0 none' },
  { value: '1', label: '1 lz4' },
  ...[2, 3, 4, 5, 6, 7, 8, 9].map((level) => ({ value: String(level), label: `${level} zstd` })),
]
export const TLS_OPTIONS = [
  { value: '', label: 'Default' },
  { value: 'on', label: 'Required' },
  { value: 'off', label: 'Off' },
]
