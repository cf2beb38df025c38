import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipPoolSchema, ipPoolSummarySchema } from '../../src/api/ippool.ts'
import { virtualMachineInstanceSchema } from '../../src/api/virtual-machine.ts'
import { requestedNetworks, vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import { condition, configObject, instanceObject, poolObject, TEST_MAC } from '../support/objects.ts'

test('what somebody wrote into the status of a pool and makes no sense takes nothing else with it', () => {
  const status = {
    agentPodRef: { name: 'x' },
    conditions: [{ type: 'Registered', status: 'Perhaps' }, 'nonsense', condition('CacheReady', 'True')],
    ipv4: {
      used: 'many',
      revision: 1e300,
      allocated: { '192.168.48.84': TEST_MAC, '192.168.48.85': 5 },
      resting: { '192.168.48.86': 'for ever' },
      ntpServers: ['10.0.0.1', 'pool.ntp.org'],
    },
  }

  const pool = ipPoolSchema.parse({ ...poolObject(), status })

  expect(pool.status).toEqual({
    agentPodRef: { name: 'x' },
    conditions: [condition('CacheReady', 'True')],
    ipv4: { allocated: { '192.168.48.84': TEST_MAC }, resting: {}, ntpServers: ['10.0.0.1'] },
  })
})

test('whatever the status of an object says, the object is read', () => {
  const anything = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.anything({ maxDepth: 0 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'conditions',
          'ipv4',
          'allocated',
          'resting',
          'interfaces',
          'networkConfig',
          'type',
          'status',
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value
  fc.assert(
    fc.property(anything, (status) => {
      expect(ipPoolSchema.parse({ ...poolObject(), status }).spec).toEqual(poolObject().spec)
      expect(ipPoolSummarySchema.safeParse({ ...poolObject(), status }).success).toBe(true)
      const config = vmNetworkConfigSchema.parse({ ...configObject(), status })
      expect(requestedNetworks(config)).toEqual(requestedNetworks(configObject()))
      expect(virtualMachineInstanceSchema.safeParse({ ...instanceObject({}), status }).success).toBe(true)
    }),
  )
})
