import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { parsePoolConfiguration } from '../../src/api/pool-configuration.ts'
import { chooseServerAddress, defaultRange, hostsOf } from '../../src/api/pool-defaults.ts'
import { broadcastAddress, parseCidr } from '../../src/api/values/cidr.ts'
import { formatIPv4Address, type IPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { poolObject } from '../support/objects.ts'

type Config = Parameters<typeof chooseServerAddress>[0]

const chosen = (config: Config, taken: string[] = []) => {
  const held = new Set(taken.map(parseIPv4Address))
  const address = chooseServerAddress(config, (candidate) => held.has(candidate))
  return address === undefined ? undefined : formatIPv4Address(address)
}
const rangeOf = (cidr: string, ...own: string[]) => {
  const { start, end } = defaultRange(parseCidr(cidr), own.map(parseIPv4Address))
  return `${formatIPv4Address(start)}-${formatIPv4Address(end)}`
}

describe('a pool without a range', () => {
  test.each([
    ['192.168.48.0/24', [], '192.168.48.1-192.168.48.254'],
    ['192.168.48.0/24', ['192.168.48.2', '192.168.48.1'], '192.168.48.3-192.168.48.254'],
    ['192.168.48.0/24', ['192.168.48.1', '192.168.48.254'], '192.168.48.2-192.168.48.253'],
    ['10.0.0.0/30', ['10.0.0.1'], '10.0.0.2-10.0.0.2'],
    ['10.0.0.0/31', ['10.0.0.0'], '10.0.0.1-10.0.0.1'],
    ['255.255.255.254/31', [], '255.255.255.254-255.255.255.255'],
  ])('leases the hosts of %s but %j', (cidr, own, range) => {
    expect(rangeOf(cidr, ...own)).toBe(range)
  })

  test('is the same for the agent and the pool actor as for who made it', () => {
    const { metadata, spec } = poolObject()
    const { pool: _, ...ipv4Config } = spec.ipv4Config

    const parsed = parsePoolConfiguration({ metadata, spec: { ...spec, ipv4Config } })

    expect(parsed).toMatchObject({
      ok: true,
      configuration: {
        range: { start: parseIPv4Address('192.168.48.2'), end: parseIPv4Address('192.168.48.254') },
      },
    })
  })

  test('may give one end only', () => {
    const parsed = parsePoolConfiguration(poolObject({ ipv4Config: { pool: { start: '192.168.48.100' } } }))

    expect(parsed).toMatchObject({
      ok: true,
      configuration: {
        range: { start: parseIPv4Address('192.168.48.100'), end: parseIPv4Address('192.168.48.254') },
      },
    })
  })
})

describe('a pool without a server address', () => {
  const cidr = '192.168.48.0/24'

  test('gets the lowest host that is not the router', () => {
    expect(chosen({ cidr })).toBe('192.168.48.1')
    expect(chosen({ cidr, router: '192.168.48.1' })).toBe('192.168.48.2')
  })

  test('gets one outside the range where there is one', () => {
    expect(chosen({ cidr, pool: { start: '192.168.48.1', end: '192.168.48.99' } })).toBe('192.168.48.100')
    expect(chosen({ cidr, pool: { start: '192.168.48.1' }, router: '192.168.48.254' })).toBe('192.168.48.1')
  })

  test('never gets an address that a VM holds, nor one that is excluded', () => {
    const pool = { start: '192.168.48.81', end: '192.168.48.90', exclude: ['192.168.48.2'] }
    expect(chosen({ cidr, pool }, ['192.168.48.1'])).toBe('192.168.48.3')
  })

  test('gets none in a subnet that is full', () => {
    expect(chosen({ cidr: '10.0.0.0/30', router: '10.0.0.1' }, ['10.0.0.2'])).toBeUndefined()
    expect(chosen({ cidr: 'nonsense' })).toBeUndefined()
  })

  test('is told which address to write, where nobody filled it in', () => {
    const { metadata, spec } = poolObject()
    const { serverIP: _, ...ipv4Config } = spec.ipv4Config

    expect(parsePoolConfiguration({ metadata, spec: { ...spec, ipv4Config } })).toEqual({
      ok: false,
      problems: [
        {
          path: 'spec.ipv4Config.serverIP',
          message:
            'is missing: write an address of the subnet that nothing else uses, for example 192.168.48.2',
        },
      ],
    })
  })
})

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 20, max: 32 }))
  .map(([address, length]) => parseCidr(`${formatIPv4Address(address as IPv4Address)}/${length}`))

test('defaults always make a pool that can be served, whatever the subnet and the router', () => {
  fc.assert(
    fc.property(subnets, fc.double({ min: 0, max: 1, noNaN: true }), (subnet, share) => {
      const { first, last } = hostsOf(subnet)
      fc.pre(last - first >= 2)
      const router = formatIPv4Address(Math.floor(first + share * (last - first)) as IPv4Address)
      const config = { cidr: `${formatIPv4Address(subnet.network)}/${subnet.prefixLength}`, router }
      const server = chooseServerAddress(config, () => false)
      expect(server).toBeDefined()
      const spec = {
        networkName: 'net',
        ipv4Config: { ...config, serverIP: formatIPv4Address(server as IPv4Address) },
      }
      const pool = ipPoolSchema.parse({ metadata: { name: 'pool', namespace: 'default' }, spec })

      const parsed = parsePoolConfiguration(pool)

      expect(parsed).toMatchObject({ ok: true })
      if (!parsed.ok) return
      const { range } = parsed.configuration
      expect([range.start, range.end]).not.toContain(server)
      expect(range.start).toBeGreaterThan(subnet.network)
      expect(range.end).toBeLessThan(broadcastAddress(subnet))
    }),
  )
})
