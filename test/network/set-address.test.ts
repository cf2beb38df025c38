import { expect, test } from 'vitest'
import { parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { seconds } from '../../src/api/values/time.ts'
import { InterfaceAbsentError, setAddress } from '../../src/network/set-address.ts'
import { ManualClock } from '../support/manual-clock.ts'

function given(present: string[], addresses: string[]) {
  const clock = new ManualClock()
  const commands: string[] = []
  const info = addresses.map((local) => ({ family: 'inet', local, prefixlen: 24 }))
  return {
    clock,
    commands,
    setAddress: () =>
      setAddress({
        interfaceName: 'eth1',
        address: parseIPv4Address('192.168.48.77'),
        prefixLength: 24,
        wait: seconds(30),
        clock,
        interfaces: () => present,
        run: async (command, args) => {
          commands.push([command, ...args].join(' '))
          return { stdout: args.includes('show') ? JSON.stringify([{ addr_info: info }]) : '', stderr: '' }
        },
      }),
  }
}

test('an interface that comes late is waited for', async () => {
  const present = ['lo']
  const { clock, commands, setAddress } = given(present, [])
  const done = setAddress()
  await clock.advance(seconds(5))
  expect(commands).toEqual([])

  present.push('eth1')
  await clock.advance(seconds(1))

  expect(await done).toBe(true)
  expect(commands).toContain('ip address replace 192.168.48.77/24 dev eth1')
})

test('one that never comes is told by name, with those that are there', async () => {
  const { clock, setAddress } = given(['lo', 'eth0'], [])
  const failure = expect(setAddress()).rejects.toThrow(
    new InterfaceAbsentError('eth1', seconds(30), ['lo', 'eth0']),
  )

  await clock.advance(seconds(31))

  await failure
})

test('what is there already is left as it is, and the interface is brought up', async () => {
  const { commands, setAddress } = given(['eth1'], ['192.168.48.77', '10.0.0.1'])

  expect(await setAddress()).toBe(false)

  expect(commands.slice(1)).toEqual(['ip link set dev eth1 up'])
})
