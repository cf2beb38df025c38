import { test } from 'vitest'
import { IP_POOLS, NETWORK_ATTACHMENT_DEFINITIONS, VM_NETWORK_CONFIGS } from '../../src/api/resource.ts'
import { createLabNetwork } from '../../src/lab/network.ts'
import { BENCH_NETWORK, benchConfig, benchNetwork, benchPool, perfdhcpMac } from './objects.ts'
import { startStandaloneProcess } from './standalone-process.ts'
import { concurrently, untilServed, untilUsed } from './waiting.ts'

const LEASES = 10_000
const PER_OBJECT = 50
const RATES = [1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000]
const SECONDS = 5

test('DORA a second with perfdhcp against one agent', { timeout: 600_000 }, async () => {
  const network = await createLabNetwork('bench')
  const server = await network.addMachine('server', { interfaceName: 'eth1' })
  const relay = await network.addMachine('relay', { interfaceName: 'eth0' })
  await relay.namespace.exec('ip', ['address', 'add', '10.77.0.2/16', 'dev', 'eth0'])
  const standalone = await startStandaloneProcess({
    spawn: (command, args, options) => server.namespace.spawn(command, args, options),
    networks: [`${BENCH_NETWORK}=eth1`],
  })
  try {
    const { store } = standalone
    await store.create(NETWORK_ATTACHMENT_DEFINITIONS, benchNetwork)
    await store.create(IP_POOLS, benchPool)
    await untilServed(store)
    await concurrently(LEASES / PER_OBJECT, 16, (index) => {
      const macs = Array.from({ length: PER_OBJECT }, (_, nth) => perfdhcpMac(index * PER_OBJECT + nth))
      return store.create(VM_NETWORK_CONFIGS, benchConfig(index, macs))
    })
    await untilUsed(store, LEASES)

    for (const rate of RATES) {
      // perfdhcp ends with 3 when anything was dropped; the figures are what is wanted all the same.
      const command = `perfdhcp -4 -r ${rate} -R ${LEASES} -p ${SECONDS} -l eth0 || [ $? -eq 3 ]`
      const { stdout } = await relay.namespace.exec('sh', ['-c', command])
      const dropped = /drops ratio: ([\d.]+) %/.exec(stdout)?.[1]
      const achieved = /Rate: ([\d.]+) 4-way exchanges\/second/.exec(stdout)?.[1]
      process.stdout.write(
        `asked ${rate}/s: ${achieved ?? '?'} DORA/s, first drops ratio ${dropped ?? '?'} %\n`,
      )
    }
  } finally {
    await standalone.close()
    await network.close()
  }
})
