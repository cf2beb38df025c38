import { expect, test } from 'vitest'
import { toInstant } from '../../src/api/values/time.ts'
import { formatAge } from '../../src/embedded/table/age.ts'
import { compileJsonPath, JsonPathError } from '../../src/embedded/table/json-path.ts'

const POOL = {
  spec: { networkName: 'default/net-48' },
  metadata: { annotations: { 'a.b/c': 'dotted' } },
  status: {
    ipv4: { used: 1 },
    conditions: [
      { type: 'Registered', status: 'True' },
      { type: 'Stopped', status: 'False' },
    ],
    networkConfigs: [{ allocatedIPAddress: '10.0.0.1' }, { allocatedIPAddress: '10.0.0.2' }],
  },
}

test.each([
  ['.spec.networkName', ['default/net-48']],
  ['$.status.ipv4.used', [1]],
  ["['spec']['networkName']", ['default/net-48']],
  ["['spec'].networkName", ['default/net-48']],
  [".status.conditions[?(@.type=='Stopped')].status", ['False']],
  ['.status.conditions[?(@.type == "Stopped")].status', ['False']],
  [".status.conditions[?(@.type!='Stopped')].status", ['True']],
  ['.status.conditions[?(@.missing)].status', []],
  ['.status.conditions[0].type', ['Registered']],
  ['.status.conditions[-1].type', ['Stopped']],
  ['.status.conditions[1:].type', ['Stopped']],
  ['.status.conditions[*].type', ['Registered', 'Stopped']],
  [".status['networkConfig','networkConfigs'][*].allocatedIPAddress", ['10.0.0.1', '10.0.0.2']],
  ['.metadata.annotations.a\\.b/c', ['dotted']],
  ['..allocatedIPAddress', ['10.0.0.1', '10.0.0.2']],
  ['.status.nothing.here', []],
  ['.spec.toString', []],
  ['.status.networkConfigs[5].x', []],
])('%s', (path, expected) => {
  expect(compileJsonPath(path)(POOL)).toEqual(expected)
})

test('a path that cannot be read is an error that shows where', () => {
  expect(() => compileJsonPath('.a[')).toThrow(JsonPathError)
  expect(() => compileJsonPath('.a[')).toThrow('cannot read "["')
})

test.each([
  [-5, '<invalid>'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [200, '3m20s'],
  [599, '9m59s'],
  [600, '10m'],
  [3 * 3600, '3h'],
  [3 * 3600 + 60, '3h1m'],
  [9 * 3600, '9h'],
  [3 * 86400 + 4 * 3600, '3d4h'],
  [400 * 86400, '400d'],
  [3 * 365 * 86400 + 86400, '3y1d'],
])('an age of %i seconds is %s', (seconds, text) => {
  expect(formatAge(toInstant(0), toInstant(seconds * 1000))).toBe(text)
})
