import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { allAddresses } from './support/kubectl.ts'
import { createE2eLab, type E2eLab, EXAMPLE, startStandalone } from './support/lab.ts'
import { network, networkConfig } from './support/manifests.ts'
import { startProgram } from './support/program.ts'

const COUNT = 50
const CONFIGS = Array.from({ length: COUNT }, (_, index) => {
  const number = index.toString(16).padStart(2, '0')
  return networkConfig(`vm-${number}`, `02:00:00:00:03:${number}`, EXAMPLE.name)
})

let lab: E2eLab
beforeAll(async () => {
  lab = await createE2eLab()
})
afterAll(() => lab?.close())

test('killed in the middle of its work, standalone keeps every address that it has told, and does the rest', async () => {
  const first = await startStandalone(lab)
  await first.kubectl.apply([network('example')])
  await first.kubectl.applyExample('ippool-example.yaml')
  await first.kubectl.untilServed('example')

  // What anybody could have seen: all that a watch has shown.
  const watch = startProgram(lab.server, 'kubectl', [
    ...['--kubeconfig', first.kubeconfig, 'get', 'vmnetcfg', '--watch', '--no-headers'],
    ...['-o', 'custom-columns=:.metadata.name,:.status.networkConfig[0].allocatedIPAddress'],
  ])
  const told = () =>
    new Map(
      [...watch.stdout().matchAll(/^(vm-\w+) +([\d.]+)$/gm)].map(([, name = '', ip = '']) => [name, ip]),
    )
  // A watch that began late would see the work when it is done.
  await first.kubectl.apply(CONFIGS.slice(0, 1))
  await eventually('the first address is told', () => (told().size > 0 ? true : undefined))
  const interrupted = first.kubectl.apply(CONFIGS).then(
    () => 'applied',
    () => 'interrupted',
  )
  await eventually('ten addresses are told', () => (told().size >= 10 ? true : undefined), { pauseMs: 1 })
  await first.program.end('SIGKILL')
  expect(await interrupted).toBe('interrupted')
  await watch.end('SIGTERM')
  const before = told()
  expect(before.size).toBeLessThan(COUNT)

  const second = await startStandalone(lab)
  await second.kubectl.apply(CONFIGS)
  const after = await eventually(`${COUNT} addresses`, async () => {
    const addresses = await allAddresses(second.kubectl)
    return addresses.size === COUNT ? addresses : undefined
  })
  expect(Object.fromEntries([...after].filter(([name]) => before.has(name)))).toEqual(
    Object.fromEntries(before),
  )
  expect(new Set(after.values()).size).toBe(COUNT)
  const { used, available, allocated = {} } = (await second.kubectl.pool('example')).status?.ipv4 ?? {}
  expect({ used, available }).toEqual({ used: COUNT, available: 98 - COUNT })
  const held = Object.entries(allocated).filter(([, mac]) => mac !== 'EXCLUDED')
  expect(held.map(([address]) => address).sort()).toEqual([...after.values()].sort())
  expect(await second.program.end('SIGTERM')).toBe(0)
})
