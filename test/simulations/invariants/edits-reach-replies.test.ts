import { beforeEach, expect, test } from 'vitest'
import { editsReachReplies } from '../../../simulations/invariants/edits-reach-replies.ts'
import { parseDomainName } from '../../../src/api/values/domain-name.ts'
import { parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { OptionValues } from '../../../src/dhcp/options.ts'
import { ADDRESS, AGENT, Court, FIRST, SERVER } from './packet-court.ts'

const LAW = 'edits reach replies'
const LEASES = { [ADDRESS]: FIRST }
const address = parseIPv4Address
let court: Court
let isIntact: boolean
beforeEach(() => {
  court = new Court()
  isIntact = true
  const { witness, history, hearsay } = court.judge
  court.judge.add(editsReachReplies(witness, history, hearsay, () => isIntact))
  const ipv4Config = {
    dns: ['1.1.1.1'],
    domainName: 'one.test',
    domainSearch: ['one.test'],
    router: '10.0.0.1',
  }
  court.write('operator', LEASES, { ipv4Config })
  court.hear(AGENT)
})

const SAID: Partial<OptionValues> = {
  serverIdentifier: address(SERVER),
  leaseTime: 60,
  subnetMask: address('255.255.255.0'),
  renewalTime: 30,
  rebindingTime: 52,
  routers: [address('10.0.0.1')],
  dnsServers: [address('1.1.1.1')],
  domainName: parseDomainName('one.test'),
}

function says(change: Partial<OptionValues>, without: (keyof OptionValues)[] = []): string[] {
  court.asks(court.boot(FIRST), 'REQUEST', 5)
  const options = Object.fromEntries(
    Object.entries({ ...SAID, ...change }).filter(([name]) => !without.some((other) => other === name)),
  )
  court.replies('ACK', FIRST, { xid: 5, options })
  return court.broken()
}

test('a reply that says what the spec says is right', () => {
  expect(says({ domainSearch: [parseDomainName('one.test')] })).toEqual([])
})

test.each<[string, Partial<OptionValues>]>([
  ['name servers', { dnsServers: [address('8.8.8.8')] }],
  ['domain', { domainName: parseDomainName('two.test') }],
  ['search list', { domainSearch: [parseDomainName('two.test')] }],
  ['router', { routers: [address('10.0.0.9')] }],
  ['mask', { subnetMask: address('255.255.0.0') }],
  ['time servers', { ntpServers: [address('10.0.0.9')] }],
  ['lease time', { leaseTime: 61 }],
  ['time to renew', { renewalTime: 31 }],
  ['server', { serverIdentifier: address('10.0.0.9') }],
])('another %s is wrong', (_, change) => {
  expect(says(change)).toEqual([LAW])
})

test('what every client asks for must be there', () => {
  expect(says({}, ['dnsServers'])).toEqual([LAW])
})

test('a question that may have been damaged may have asked for less', () => {
  isIntact = false
  expect(says({}, ['dnsServers'])).toEqual([])
})

test('an edit of which the agent heard is told from then on, and what was said before is not', () => {
  court.write('operator', LEASES, { ipv4Config: { dns: ['8.8.8.8'] } })
  court.hear(AGENT)
  expect(says({ dnsServers: [address('8.8.8.8')] })).toEqual([])
  expect(says({})).toEqual([LAW])
})

test('an edit of which the agent has not heard may be told or not', () => {
  court.write('operator', LEASES, { ipv4Config: { dns: ['8.8.8.8'] } })
  expect(says({})).toEqual([])
  expect(says({ dnsServers: [address('8.8.8.8')] })).toEqual([])
  expect(says({ dnsServers: [address('9.9.9.9')] })).toEqual([LAW])
})

test('a spec that makes no sense is not what is told', () => {
  court.write('operator', LEASES, { ipv4Config: { router: '192.0.2.1' } })
  court.hear(AGENT)
  expect(says({})).toEqual([])
})
