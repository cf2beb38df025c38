import { expect, test } from 'vitest'
import type { KubeObject } from '../../../src/api/object.ts'
import { IP_POOLS } from '../../../src/api/resource.ts'
import { admitPools } from '../../../src/processes/standalone/admission.ts'
import { poolObject } from '../../support/objects.ts'

const refusalsOf = async (object: KubeObject) => {
  const answer = await admitPools({ operation: 'CREATE', resource: IP_POOLS, object, dryRun: false })
  return answer.allowed ? [] : (answer.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
}

test('a field that is missing is said to be required', async () => {
  const pool = poolObject()
  const { serverIP: _, ...ipv4Config } = pool.spec.ipv4Config

  expect(await refusalsOf({ ...pool, spec: { ...pool.spec, ipv4Config } })).toEqual([
    'spec.ipv4Config.serverIP: is required',
  ])
  expect(await refusalsOf({ ...pool, spec: undefined })).toEqual(['spec: is required'])
})

test('a field of the wrong type is told what it must be', async () => {
  const pool = poolObject()
  const ipv4Config = { ...pool.spec.ipv4Config, serverIP: 5 }

  expect(await refusalsOf({ ...pool, spec: { ...pool.spec, ipv4Config } })).toEqual([
    'spec.ipv4Config.serverIP: Invalid input: expected string, received number',
  ])
})
