import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../../src/api/object.ts'
import { IP_POOLS, VIRTUAL_MACHINES, VM_NETWORK_CONFIGS } from '../../../src/api/resource.ts'
import type { EmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { createStandaloneAdmission } from '../../../src/processes/standalone/admission.ts'
import { openTestApi } from '../../embedded/support.ts'
import { configObject, poolObject, TEST_MAC, vmObject } from '../../support/objects.ts'

let api: EmbeddedApi
beforeEach(async () => {
  api = await openTestApi({ admit: createStandaloneAdmission(() => api.store) })
})
afterEach(() => api.close())

const refusalsOf = async (object: KubeObject) => {
  const admit = createStandaloneAdmission(() => api.store)
  const answer = await admit({ operation: 'CREATE', resource: IP_POOLS, object, dryRun: false })
  return answer.allowed ? [] : (answer.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
}

test('a field that is missing is said to be required', async () => {
  const pool = poolObject()
  const { cidr: _, ...ipv4Config } = pool.spec.ipv4Config

  expect(await refusalsOf({ ...pool, spec: { ...pool.spec, ipv4Config } })).toEqual([
    'spec.ipv4Config.cidr: is required',
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

test('what a pool leaves out is filled in before it is stored, as a webhook does it', async () => {
  const pool = poolObject({ spec: { networkName: 'net-48' } })
  const ipv4Config = { cidr: '192.168.48.0/24', router: '192.168.48.1' }

  const stored = await api.store.create(IP_POOLS, { ...pool, spec: { ...pool.spec, ipv4Config } })

  expect(stored.spec).toEqual({
    networkName: 'default/net-48',
    ipv4Config: {
      ...ipv4Config,
      serverIP: '192.168.48.2',
      pool: { start: '192.168.48.3', end: '192.168.48.254' },
    },
  })
})

test('a second pool on a network is refused, and one that is in use cannot be deleted', async () => {
  await api.store.create(IP_POOLS, poolObject())
  const second = poolObject({ metadata: { name: 'other' } })
  await expect(api.store.create(IP_POOLS, second)).rejects.toThrow(
    'the network default/net-48 is served by the IPPool default/net-48 already',
  )
  const status = { ipv4: { allocated: { '192.168.48.84': TEST_MAC } } }
  const key = { namespace: 'default', name: 'net-48' }
  await api.store.patch(IP_POOLS, key, { type: 'merge', body: { status } }, 'status')

  await expect(api.store.delete(IP_POOLS, key)).rejects.toThrow(
    'the IPPool is in use: 192.168.48.84 (ca:70:82:e6:84:6e)',
  )
})

test('what the controller writes for a VM is let, whatever its rival', async () => {
  const networks = [{ macAddress: TEST_MAC, networkName: 'default/net-48' }]
  const { metadata } = await api.store.create(VIRTUAL_MACHINES, vmObject())
  const owner = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    name: 'test-vm',
    uid: `${metadata.uid}`,
  }
  for (const name of ['first', 'second']) {
    const ofTheVm = configObject({ metadata: { name, ownerReferences: [owner] }, networks })
    await api.store.create(VM_NETWORK_CONFIGS, ofTheVm)
  }
  const byHand = configObject({ metadata: { name: 'third', ownerReferences: [] }, networks })

  await expect(api.store.create(VM_NETWORK_CONFIGS, byHand)).rejects.toThrow(
    'ca:70:82:e6:84:6e is asked for on default/net-48 by VM default/test-vm already',
  )
})
