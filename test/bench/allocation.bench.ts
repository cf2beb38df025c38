import { test } from 'vitest'
import { isConditionTrue } from '../../src/api/condition.ts'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  VIRTUAL_MACHINES,
  VM_NETWORK_CONFIGS,
} from '../../src/api/resource.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import { vmNetworkConfigSchema } from '../../src/api/vm-network-config.ts'
import { sleep } from '../../src/runtime/clock.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { benchNetwork, benchPool, benchVm } from './objects.ts'
import { startStandaloneProcess } from './standalone-process.ts'
import { concurrently, untilUsed } from './waiting.ts'

const COUNTS = (process.env.BENCH_VMS ?? '200 1000 5000').split(' ').map(Number)

test('VMs allocated a second', { timeout: 600_000 }, async () => {
  for (const count of COUNTS) {
    const standalone = await startStandaloneProcess({})
    try {
      const { store } = standalone
      await store.create(NETWORK_ATTACHMENT_DEFINITIONS, benchNetwork)
      await store.create(IP_POOLS, benchPool)
      const begin = performance.now()
      await concurrently(count, 32, (index) => store.create(VIRTUAL_MACHINES, benchVm(index)))
      const created = performance.now() - begin
      await untilUsed(store, count)
      const used = performance.now() - begin
      let allocated = 0
      while (allocated < count) {
        const { items } = await store.list(VM_NETWORK_CONFIGS)
        allocated = items.filter((item) =>
          isConditionTrue(vmNetworkConfigSchema.parse(item).status?.conditions, 'Allocated'),
        ).length
        await sleep(systemClock, milliseconds(50))
      }
      const told = performance.now() - begin
      const rate = (milli: number) => `${Math.round(count / (milli / 1000))}/s`
      process.stdout.write(
        `${count} VMs: created ${rate(created)}, in the pool ${rate(used)}, told in their objects ${rate(told)}\n`,
      )
    } finally {
      await standalone.close()
    }
  }
})
