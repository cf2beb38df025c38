import type { KubeObject } from '../../api/object.ts'
import { omit } from '../json.ts'

/** One event, two spellings: core/v1 is what is stored, events.k8s.io/v1 renames some of its fields. */
const EVENT_FIELDS: readonly (readonly [core: string, renamed: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['source', 'deprecatedSource'],
  ['reportingComponent', 'reportingController'],
]

export const EVENT_CONVERSION = {
  fromStored: (event: KubeObject) => rename(event, 'events.k8s.io/v1', 0, 1),
  toStored: (event: KubeObject) => rename(event, 'v1', 1, 0),
}

function rename(event: KubeObject, apiVersion: string, from: 0 | 1, to: 0 | 1): KubeObject {
  const kept = omit(event, ...EVENT_FIELDS.map((pair) => pair[from]))
  const result: KubeObject = { ...kept, apiVersion, kind: 'Event', metadata: event.metadata }
  for (const pair of EVENT_FIELDS) {
    if (event[pair[from]] !== undefined) result[pair[to]] = event[pair[from]]
  }
  return result
}
