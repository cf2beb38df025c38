import type { KubeObject } from '../../api/object.ts'
import { toInstant } from '../../api/values/time.ts'
import { fieldsOf, listOf, textOf, valueAt } from '../json.ts'
import { formatAge } from '../table/age.ts'
import type { Column } from './served-resource.ts'

type Value = Column['value']

export function column(name: string, value: Value, type = 'string', priority = 0): Column {
  return { name, type, priority, value }
}

const at =
  (...path: string[]): Value =>
  (object) =>
    valueAt(object, ...path) ?? '<none>'

const count =
  (...path: string[]): Value =>
  (object) =>
    Object.keys(fieldsOf(valueAt(object, ...path))).length

export const AGE = column('Age', (object, now) => ageOf(object.metadata.creationTimestamp, now))

function ageOf(timestamp: unknown, now: number): string {
  const time = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
  return Number.isNaN(time) ? '<unknown>' : formatAge(toInstant(time), toInstant(now))
}

function containers(object: KubeObject): { ready: number; total: number; restarts: number } {
  const statuses = listOf(valueAt(object, 'status', 'containerStatuses'))
  return {
    ready: statuses.filter((status) => valueAt(status, 'ready') === true).length,
    total: listOf(valueAt(object, 'spec', 'containers')).length,
    restarts: statuses.reduce<number>((sum, status) => sum + Number(valueAt(status, 'restartCount') ?? 0), 0),
  }
}

const readyPods: Value = (object) => `${containers(object).ready}/${containers(object).total}`

const podStatus: Value = (object) =>
  object.metadata.deletionTimestamp ? 'Terminating' : (valueAt(object, 'status', 'phase') ?? 'Unknown')

const nodeStatus: Value = (object) => {
  const ready = listOf(valueAt(object, 'status', 'conditions')).find(
    (condition) => valueAt(condition, 'type') === 'Ready',
  )
  return valueAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady'
}

const involved: Value = (object) => {
  const kind = textOf(valueAt(object, 'involvedObject', 'kind')) ?? ''
  return `${kind.toLowerCase()}/${valueAt(object, 'involvedObject', 'name') ?? ''}`
}

const lastSeen: Value = (object, now) =>
  ageOf(object.lastTimestamp ?? object.eventTime ?? object.metadata.creationTimestamp, now)

const ports: Value = (object) => {
  const list = listOf(valueAt(object, 'spec', 'ports')).map(
    (port) => `${valueAt(port, 'port')}/${valueAt(port, 'protocol') ?? 'TCP'}`,
  )
  return list.length === 0 ? '<none>' : list.join(',')
}

const deploymentReady: Value = (object) =>
  `${valueAt(object, 'status', 'readyReplicas') ?? 0}/${valueAt(object, 'spec', 'replicas') ?? 1}`

const replicas =
  (field: string): Value =>
  (object) =>
    valueAt(object, 'status', field) ?? 0

/** The columns that the API server's own printers show (kubernetes/pkg/printers/internalversion), by plural. */
export const BUILTIN_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  namespaces: [column('Status', at('status', 'phase')), AGE],
  events: [
    column('Last Seen', lastSeen),
    column('Type', at('type')),
    column('Reason', at('reason')),
    column('Object', involved),
    column('Source', at('source', 'component'), 'string', 1),
    column('Message', (object) => textOf(object.message)?.trim() ?? ''),
    column('Count', (object) => String(object.count ?? 1), 'string', 1),
  ],
  leases: [column('Holder', at('spec', 'holderIdentity')), AGE],
  secrets: [column('Type', at('type')), column('Data', count('data'), 'string'), AGE],
  configmaps: [column('Data', count('data'), 'string'), AGE],
  serviceaccounts: [column('Secrets', (object) => listOf(object.secrets).length, 'string'), AGE],
  pods: [
    column('Ready', readyPods),
    column('Status', podStatus),
    column('Restarts', (object) => String(containers(object).restarts)),
    AGE,
    column('IP', at('status', 'podIP'), 'string', 1),
    column('Node', at('spec', 'nodeName'), 'string', 1),
  ],
  nodes: [column('Status', nodeStatus), AGE, column('Version', at('status', 'nodeInfo', 'kubeletVersion'))],
  services: [
    column('Type', at('spec', 'type')),
    column('Cluster-IP', at('spec', 'clusterIP')),
    column('Port(s)', ports),
    AGE,
  ],
  deployments: [
    column('Ready', deploymentReady),
    column('Up-to-date', replicas('updatedReplicas')),
    column('Available', replicas('availableReplicas')),
    AGE,
  ],
  customresourcedefinitions: [column('Created At', (object) => object.metadata.creationTimestamp ?? '')],
}
