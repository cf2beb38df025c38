import { expect, test } from 'vitest'
import { parsePoolConfiguration, reservedAddresses } from '../../src/api/pool-configuration.ts'
import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { poolObject } from '../support/objects.ts'

function problemsOf(changes: Parameters<typeof poolObject>[0]): string[] {
  const parsed = parsePoolConfiguration(poolObject(changes))
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`)
}

test("the documentation's pools are valid", () => {
  expect(problemsOf({})).toEqual([])
  expect(
    problemsOf({
      ipv4Config: {
        serverIP: '192.168.100.2',
        cidr: '192.168.100.0/24',
        pool: { start: '192.168.100.101', end: '192.168.100.200', exclude: ['192.168.100.151'] },
        router: '192.168.100.1',
        domainName: 'example.com',
        domainSearch: ['example.com'],
        ntp: ['pool.ntp.org'],
      },
    }),
  ).toEqual([])
})

test('what is absent has a default', () => {
  const { spec, metadata } = poolObject({ spec: { networkName: 'net-48' } })
  const { router, dns, leaseTime, ...rest } = spec.ipv4Config

  const parsed = parsePoolConfiguration({ metadata, spec: { ...spec, ipv4Config: rest } })

  expect([router, dns, leaseTime]).toBeDefined()
  expect(parsed).toMatchObject({
    ok: true,
    configuration: {
      network: { namespace: 'default', name: 'net-48' },
      router: undefined,
      dns: [],
      leaseSeconds: 3600,
      paused: false,
    },
  })
})

test.each([
  [
    { serverIP: '192.168.49.77' },
    'spec.ipv4Config.serverIP: 192.168.49.77 is outside spec.ipv4Config.cidr 192.168.48.0/24',
  ],
  [
    { serverIP: '192.168.48.0' },
    'spec.ipv4Config.serverIP: 192.168.48.0 is the network address of 192.168.48.0/24',
  ],
  [
    { serverIP: '192.168.48.255' },
    'spec.ipv4Config.serverIP: 192.168.48.255 is the broadcast address of 192.168.48.0/24',
  ],
  [
    { router: '192.168.48.77' },
    'spec.ipv4Config.router: is the same address as spec.ipv4Config.serverIP; they must differ',
  ],
  [
    { router: '10.0.0.1' },
    'spec.ipv4Config.router: 10.0.0.1 is outside spec.ipv4Config.cidr 192.168.48.0/24',
  ],
  [
    { pool: { start: '192.168.48.90', end: '192.168.48.81' } },
    'spec.ipv4Config.pool.start: 192.168.48.90 is above spec.ipv4Config.pool.end 192.168.48.81',
  ],
  [
    { pool: { start: '192.168.49.1', end: '192.168.49.9' } },
    'spec.ipv4Config.pool.start: 192.168.49.1 is outside spec.ipv4Config.cidr 192.168.48.0/24',
  ],
  [{ leaseTime: 0 }, 'spec.ipv4Config.leaseTime: 0 is not a whole number of seconds from 1 to 4294967295'],
  [
    { leaseTime: 1.5 },
    'spec.ipv4Config.leaseTime: 1.5 is not a whole number of seconds from 1 to 4294967295',
  ],
  [
    { leaseTime: 4294967296 },
    'spec.ipv4Config.leaseTime: 4294967296 is not a whole number of seconds from 1 to 4294967295',
  ],
])('%o is refused, with the path and what is wrong', (ipv4Config, problem) => {
  expect(problemsOf({ ipv4Config })).toContain(problem)
})

test.each([
  ['spec.networkName', { spec: { networkName: 'a/b/c' } }],
  ['spec.ipv4Config.cidr', { ipv4Config: { cidr: '192.168.48.0' } }],
  ['spec.ipv4Config.serverIP', { ipv4Config: { serverIP: '192.168.048.77' } }],
  ['spec.ipv4Config.dns[1]', { ipv4Config: { dns: ['1.1.1.1', 'one'] } }],
  [
    'spec.ipv4Config.pool.exclude[0]',
    { ipv4Config: { pool: { start: '192.168.48.81', end: '192.168.48.90', exclude: ['x'] } } },
  ],
  ['spec.ipv4Config.domainName', { ipv4Config: { domainName: 'a b' } }],
  ['spec.ipv4Config.domainSearch[0]', { ipv4Config: { domainSearch: ['$(reboot)'] } }],
  ['spec.ipv4Config.ntp[0]', { ipv4Config: { ntp: ['1.2.3'] } }],
])('a problem names its field: %s', (path, changes) => {
  expect(problemsOf(changes)).toEqual([
    expect.stringMatching(new RegExp(`^${path.replaceAll(/[.[\]]/g, '\\$&')}: `)),
  ])
})

test('every problem is reported, not just the first', () => {
  expect(problemsOf({ ipv4Config: { serverIP: 'x', dns: ['y'], leaseTime: -1 } })).toHaveLength(3)
})

test('a /31 and a /32 have neither network nor broadcast address (RFC 3021)', () => {
  const pool = { start: '10.0.0.0', end: '10.0.0.1' }
  expect(problemsOf({ ipv4Config: { serverIP: '10.0.0.1', cidr: '10.0.0.0/31', router: '', pool } })).toEqual(
    [],
  )
})

test('server and router address are reserved where they fall inside the range', () => {
  const parsed = parsePoolConfiguration(poolObject({ ipv4Config: { serverIP: '192.168.48.85' } }))

  expect(parsed.ok && reservedAddresses(parsed.configuration).map(formatIPv4Address)).toEqual([
    '192.168.48.85',
  ])
})
